import type { Gan } from "../../src/gan/gan.ts";
import type { TurnReport } from "../../src/gan/step.ts";
import { random } from "../ops/check.ts";

/** One step on pictures of noise, the same for a name, of every class in turn. */
export function step(gan: Gan, name = "real"): Promise<Record<string, TurnReport>> {
  const { resolution, channels, classes } = gan.settings;
  const count = gan.imagesPerStep;
  const next = random(name);
  const data = Uint8Array.from({ length: count * resolution ** 2 * channels }, () =>
    Math.floor(next() * 256),
  );
  const label = classes > 0 ? Array.from({ length: count }, (_, i) => i % classes) : undefined;
  return gan.step({ image: { data, shape: [count, resolution, resolution, channels] }, label, cursor: 0 });
}
