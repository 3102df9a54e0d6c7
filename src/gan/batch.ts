import { Tensor, type Tensor2D, type Tensor4D, tensor2d } from "@tensorflow/tfjs-core";
import { check, checkType, show, showShape } from "../errors.ts";
import type { ImageBytes } from "../ops/image.ts";

export type { ImageBytes };

/** One step's real data. */
export interface Batch {
  /** Decoded bytes, or float32 NHWC in [-1, 1] (the step disposes the tensor). */
  readonly image: ImageBytes | Tensor4D;
  /** Class of each picture, from 0 on; needed by a GAN of classes. */
  readonly label?: ArrayLike<number>;
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
  /** Number of classes that its batches' labels are of; absent: they have none. */
  readonly classes?: number;
  /** What they are called. */
  readonly classNames?: readonly string[];
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

/**
 * Class numbers as rows with a one each.
 * @returns float32 [count, classes]; undefined for a GAN without classes
 * @throws TypeError without labels, RangeError for others than `count` whole numbers below `classes`
 */
export function oneHot(
  labels: ArrayLike<number> | undefined,
  { count, classes }: { readonly count: number; readonly classes: number },
): Tensor2D | undefined {
  if (classes === 0) return undefined;
  checkType(
    labels !== undefined,
    () =>
      `labels: expected the class of each picture, of ${classes} classes, got none. Use data that has labels.`,
  );
  check(
    labels.length === count,
    () => `labels: expected ${count}, one for each picture, got ${labels.length}`,
  );
  const rows = new Float32Array(count * classes);
  for (let i = 0; i < count; i++) {
    const label = labels[i];
    check(
      Number.isInteger(label) && label >= 0 && label < classes,
      () => `labels: expected whole numbers from 0 to ${classes - 1}, got ${label} at ${i}`,
    );
    rows[i * classes + label] = 1;
  }
  return tensor2d(rows, [count, classes]);
}

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
