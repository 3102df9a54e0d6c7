import { slice, type Tensor2D } from "@tensorflow/tfjs-core";
import { check } from "../errors.ts";
import { imageBytes } from "../ops/image.ts";
import { randomNormal } from "../ops/random.ts";
import { deriveKey } from "../random.ts";
import type { ImageBytes } from "./batch.ts";
import type { Gan } from "./gan.ts";

export interface SampleOptions {
  /** Number of pictures. Default 16. */
  readonly count?: number;
  /** Integer, 0 to 2^32 - 1; picture i of a seed is the same for any count. Default 0. */
  readonly seed?: number;
  /** Pictures generated at a time, which bounds memory. Default 64. */
  readonly batch?: number;
}

/**
 * Draws pictures from the averaged generator.
 * @returns uint8 [count, resolution, resolution, channels]
 */
export async function sample(gan: Gan, options: SampleOptions = {}): Promise<ImageBytes> {
  const { count = 16, seed = 0, batch = 64 } = options;
  for (const [name, value] of Object.entries({ count, batch })) {
    check(
      Number.isSafeInteger(value) && value > 0,
      () => `sample: expected ${name} to be a whole number above 0, got ${value}`,
    );
  }
  check(
    Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32,
    () => `sample: expected seed to be a whole number from 0 to 4294967295, got ${seed}`,
  );
  await gan.recovered();
  const { latent, resolution, channels } = gan.settings;
  const data = new Uint8Array(count * resolution * resolution * channels);
  const latents = randomNormal([count, latent], { key: deriveKey(seed, "sample") }) as Tensor2D;
  try {
    for (let start = 0; start < count; start += batch) {
      const z = slice(latents, [start, 0], [Math.min(batch, count - start), latent]);
      const pictures = gan.generate(z);
      z.dispose();
      try {
        data.set(await imageBytes(pictures), start * resolution * resolution * channels);
      } finally {
        pictures.dispose();
      }
    }
  } finally {
    latents.dispose();
  }
  return { data, shape: [count, resolution, resolution, channels] };
}
