import type { Tensor4D } from "@tensorflow/tfjs-core";
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
