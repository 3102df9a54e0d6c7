import type { Tensor2D } from "@tensorflow/tfjs-core";
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
  /** Class of each picture, or of all, for a GAN of classes. Default: picture i is of class i mod classes. */
  readonly label?: number | readonly number[];
  /** Pictures generated at a time, which bounds memory. Default 64. */
  readonly batch?: number;
  /** Is told of the pictures drawn so far. */
  readonly onProgress?: (done: number) => void;
  /** Aborts between batches. */
  readonly signal?: AbortSignal;
}

/**
 * Draws pictures from the averaged generator.
 * @returns uint8 [count, resolution, resolution, channels]
 */
export async function sample(gan: Gan, options: SampleOptions = {}): Promise<ImageBytes> {
  const { count = 16, seed = 0, batch = 64, onProgress, signal } = options;
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
  const { resolution, channels, classes } = gan.settings;
  const { label } = options;
  const labelOf = (i: number): number => (typeof label === "object" ? label[i] : (label ?? i % classes));
  const data = new Uint8Array(count * resolution * resolution * channels);
  for (let start = 0; start < count; start += batch) {
    signal?.throwIfAborted();
    const portion = { seed, start, count: Math.min(batch, count - start), labelOf };
    data.set(await gan.surviving(() => draw(gan, portion)), start * resolution * resolution * channels);
    onProgress?.(start + portion.count);
  }
  return { data, shape: [count, resolution, resolution, channels] };
}

interface Portion {
  readonly seed: number;
  readonly start: number;
  readonly count: number;
  readonly labelOf: (picture: number) => number;
}

async function draw(gan: Gan, { seed, start, count, labelOf }: Portion): Promise<Uint8Array> {
  const { latent, classes } = gan.settings;
  const draws = { key: deriveKey(seed, "sample"), offset: start * latent };
  const z = randomNormal([count, latent], draws) as Tensor2D;
  const pictures = gan.generate(
    z,
    classes > 0 ? Array.from({ length: count }, (_, i) => labelOf(start + i)) : undefined,
  );
  z.dispose();
  try {
    return await imageBytes(pictures);
  } finally {
    pictures.dispose();
  }
}
