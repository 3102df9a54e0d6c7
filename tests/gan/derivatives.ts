import type { Gan } from "../../src/gan/gan.ts";
import type { TrainingState } from "../../src/gan/state.ts";
import type { TurnReport } from "../../src/gan/step.ts";
import { random } from "../ops/check.ts";

type Player = "generator" | "discriminator";

interface Difference {
  /** Twice the most by which a parameter moves in the smallest difference; of the way uphill the length. Default 0.02. */
  readonly h?: number;
  /** Names a random direction, or "uphill" for the gradient's own: where rounding would hide a small slope. */
  readonly along?: string;
}

/**
 * Derivative of a player's loss along a direction: by its gradient, and by differences of the loss. The GAN's rate is 0 and
 * its beta1 too, so that Adam's first moment is the last gradient.
 * @param step makes one on the pictures of a name
 */
export async function derivatives(
  gan: Gan,
  player: Player,
  step: (gan: Gan, name?: string) => Promise<Record<string, TurnReport>>,
  { h = 0.02, along = "direction" }: Difference = {},
): Promise<{ readonly slope: number; readonly difference: number }> {
  // LeCam's running means are not zero any more.
  await step(gan, "before");
  const start = await gan.state();
  const names = Object.keys(start.tensors).filter((name) => name.startsWith(`${player}/`));
  gan.restore(start);
  await step(gan);
  const { tensors } = await gan.state();
  const gradient = names.map((name) => tensors[name.replace("/", ".adam-first/")]?.data ?? []);
  const length = Math.hypot(...gradient.map((part) => Math.hypot(...part)));
  const next = random(along);
  const direction = names.map((name, k) =>
    Float32Array.from(start.tensors[name].data, (_, i) =>
      along === "uphill" ? (gradient[k][i] ?? 0) / length : next() - 0.5,
    ),
  );
  const lossAt = async (by: number): Promise<number> => {
    const moved = { ...start.tensors };
    for (const [k, name] of names.entries()) {
      const { data, ...rest } = start.tensors[name];
      moved[name] = { ...rest, data: Float32Array.from(data, (value, i) => value + by * direction[k][i]) };
    }
    gan.restore({ ...start, tensors: moved } as TrainingState);
    return (await step(gan))[player].loss;
  };
  let slope = 0;
  for (const [k, part] of gradient.entries()) {
    for (let i = 0; i < part.length; i++) slope += part[i] * direction[k][i];
  }
  const differenceOver = async (by: number) => ((await lossAt(by)) - (await lossAt(-by))) / (2 * by);
  // What is left of the third derivative is the same part of each (Richardson 1911).
  const difference = (4 * (await differenceOver(h)) - (await differenceOver(2 * h))) / 3;
  gan.restore(start);
  return { slope, difference };
}
