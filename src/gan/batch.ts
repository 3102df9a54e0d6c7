import { Tensor, type Tensor4D } from "@tensorflow/tfjs-core";
import { check, checkType, show, showShape } from "../errors.ts";
import type { ImageBytes } from "../ops/image.ts";

export type { ImageBytes };

/** One step's real data. */
export interface Batch {
  /** Decoded bytes, or float32 NHWC in [-1, 1] (the step disposes the tensor). */
  readonly image: ImageBytes | Tensor4D;
  /** Position in the data after this batch: pass it to `batches` to go on from there. */
  readonly cursor: number;
}

/** What training reads pictures from. */
export interface Dataset {
  /** Height and width in pixels. */
  readonly resolution: number;
  readonly channels: number;
  /** Number of distinct pictures. */
  readonly size: number;
  /** What was left out, and why. */
  readonly skipped: readonly SkippedPicture[];
  /**
   * Endless batches of `count` pictures from position `cursor` (0 at first) on: shuffled anew each pass, in
   * an order that depends on the seed and the cursor alone.
   */
  batches(options: { readonly count: number; readonly cursor: number }): AsyncIterable<Batch>;
}

/** A picture that was not used. */
export interface SkippedPicture {
  readonly name: string;
  readonly reason: string;
}

/** True for a batch that is on a device already. */
export const isTensor = (image: Batch["image"]): image is Tensor4D => image instanceof Tensor;

interface PictureShape {
  readonly batch: number;
  readonly resolution: number;
  readonly channels: number;
}

/** Refuses a batch that a GAN does not take. */
export function checkBatch(
  real: Tensor4D,
  cursor: number,
  { batch, resolution, channels }: PictureShape,
): void {
  const wanted = [batch, resolution, resolution, channels];
  checkType(real.dtype === "float32", () => `step: expected pictures of dtype float32, got ${real.dtype}`);
  check(
    Number.isSafeInteger(cursor) && cursor >= 0,
    () => `step: expected cursor to be a whole number, got ${show(cursor)}`,
  );
  check(
    showShape(real.shape) === showShape(wanted),
    () =>
      `step: expected pictures ${showShape(wanted)}, got ${showShape(real.shape)}. Decode them at the GAN's resolution and batch.`,
  );
}
