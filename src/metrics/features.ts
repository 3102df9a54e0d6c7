import { mean, reshape, type Tensor, type Tensor2D, type Tensor4D, tidy } from "@tensorflow/tfjs-core";
import { check, showShape } from "../errors.ts";
import type { ImageBytes } from "../gan/batch.ts";
import type { LayersModel } from "../nn/network.ts";
import { imageBatch } from "../ops/image.ts";
import { portions } from "./pictures.ts";
import { resizeAntialiased } from "./resize.ts";

/** What pictures are compared by. Its name is part of each metric's name: figures by different functions do not compare. */
export interface FeatureFunction {
  readonly name: string;
  /** Numbers for each picture. */
  readonly size: number;
  /** Height and width that it takes; pictures of others are resized to it with antialiasing. Left out: it takes any. */
  readonly resolution?: number;
  /** float32 [N, height, width, channels] in [-1, 1] → [N, size] */
  apply(x: Tensor4D): Tensor2D;
}

/** What a feature function says of pictures. */
export interface Features {
  /** Of the feature function. */
  readonly name: string;
  readonly count: number;
  /** Numbers for each picture. */
  readonly size: number;
  /** [count, size], row by row. */
  readonly rows: Float32Array;
}

export interface FeaturesOptions {
  /** Pictures at a time, which bounds memory. Default 64. */
  readonly batch?: number;
  /** Is told of the pictures done so far. */
  readonly onProgress?: (done: number) => void;
  /** Aborts between batches. */
  readonly signal?: AbortSignal;
}

/** Pictures all at once, or a portion after the other so that they need not fit into memory. */
export type Pictures = ImageBytes | AsyncIterable<ImageBytes>;

/** Features [N, size] of pictures float32 NHWC of any resolution. */
export function featuresOf(of: FeatureFunction, x: Tensor4D): Tensor2D {
  const { resolution } = of;
  return of.apply(resolution === undefined ? x : resizeAntialiased(x, [resolution, resolution]));
}

/**
 * Features of pictures, a batch after the other, each handed on as soon as it is computed. For `Moments` of more
 * pictures than fit into memory.
 */
export async function* featureBatches(
  of: FeatureFunction,
  pictures: Pictures,
  { batch = 64, onProgress, signal }: FeaturesOptions = {},
): AsyncGenerator<Features> {
  let done = 0;
  const sources = Symbol.asyncIterator in pictures ? pictures : [pictures];
  for await (const source of sources) {
    for (const { part } of portions(source, batch)) {
      signal?.throwIfAborted();
      const count = part.shape[0];
      const y = tidy(() => {
        const found = featuresOf(of, imageBatch(part));
        check(
          showShape(found.shape) === showShape([count, of.size]),
          () => `features: expected ${of.name} to give [${count},${of.size}], got ${showShape(found.shape)}`,
        );
        return found;
      });
      const rows = await y.data<"float32">();
      y.dispose();
      done += count;
      yield { name: of.name, count, size: of.size, rows };
      onProgress?.(done);
    }
  }
}

/**
 * Features of pictures, all of them in memory: 50,000 pictures of 1,024 features are 205 MB.
 * @throws RangeError where the function gives another shape than it says, or there are no pictures
 */
export async function features(
  of: FeatureFunction,
  pictures: Pictures,
  options: FeaturesOptions = {},
): Promise<Features> {
  const parts: Float32Array[] = [];
  let count = 0;
  for await (const part of featureBatches(of, pictures, options)) {
    parts.push(part.rows);
    count += part.count;
  }
  check(count > 0, () => "features: expected at least one picture, got none");
  const rows = new Float32Array(count * of.size);
  let at = 0;
  for (const part of parts) {
    rows.set(part, at);
    at += part.length;
  }
  return { name: of.name, count, size: of.size, rows };
}

/** Rows of features in another order, or some of them. */
export function pick({ name, size, rows }: Features, order: ArrayLike<number>): Features {
  const picked = new Float32Array(order.length * size);
  for (let i = 0; i < order.length; i++) {
    picked.set(rows.subarray(order[i] * size, (order[i] + 1) * size), i * size);
  }
  return { name, count: order.length, size, rows: picked };
}

/** Every pixel as a feature, for small pictures: the name says the resolution, `pixels-8x8x3`. */
export function pixelFeatures(resolution: number, channels: number): FeatureFunction {
  const size = resolution * resolution * channels;
  return {
    ...{ name: `pixels-${resolution}x${resolution}x${channels}`, size, resolution },
    apply: (x) => reshape(x, [x.shape[0], size]),
  };
}

/**
 * A TensorFlow.js layers model as a feature function. A result with height and width is averaged over them.
 * @param name of the network, weights included: `MobileNet`
 * @param options.resolution height and width that the model takes
 * @param options.size numbers for each picture
 */
export function featuresFromLayersModel(
  name: string,
  model: Pick<LayersModel, "apply">,
  { resolution, size }: { readonly resolution: number; readonly size: number },
): FeatureFunction {
  return {
    ...{ name, size, resolution },
    apply: (x) =>
      tidy(() => {
        const y = model.apply(x, { training: false }) as Tensor;
        return (y.rank === 4 ? mean(y, [1, 2]) : y) as Tensor2D;
      }),
  };
}
