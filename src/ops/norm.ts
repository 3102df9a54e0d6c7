// Normalisations, composed of ops that differentiate any number of times.
import {
  add,
  concat,
  div,
  matMul,
  mean,
  mul,
  ones,
  reshape,
  rsqrt,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  tidy,
  tile,
  util,
  zeros,
} from "@tensorflow/tfjs-core";
import { check, showShape } from "../errors.ts";
import { batchNormTrain } from "./batch-norm-train.ts";
import { stopGradient } from "./stop-gradient.ts";

export interface NormOptions {
  /** Factor of each channel, float32 [C]; default 1. */
  readonly scale?: Tensor;
  /** Added to each channel, float32 [C]; default 0. */
  readonly offset?: Tensor;
  /** Added to the variance; default 1e-5. */
  readonly epsilon?: number;
}

/** (x - mean)/√(variance + epsilon), both over the axes. */
function standardise(x: Tensor, axes: number[], epsilon: number): Tensor {
  const centred = sub(x, mean(x, axes, true));
  return mul(centred, rsqrt(add(mean(square(centred), axes, true), epsilon)));
}

function affine(x: Tensor, { scale, offset }: NormOptions): Tensor {
  const scaled = scale ? mul(x, scale) : x;
  return offset ? add(scaled, offset) : scaled;
}

/**
 * Instance norm (Ulyanov et al. 2016, arXiv 1607.08022): each channel of each picture by its own mean and variance.
 * @param x float32 [batch, ..., channels].
 */
export function instanceNorm<T extends Tensor>(x: T, options: NormOptions = {}): T {
  const channels = x.shape.at(-1)!;
  return tidy(() => {
    const { scale = ones([channels]), offset = zeros([channels]), epsilon } = options;
    return batchNormTrain(x, scale, offset, { epsilon, groups: x.shape[0] }).y;
  });
}

/**
 * Layer norm (Ba et al. 2016, arXiv 1607.06450): each sample by its mean and variance over `axes`.
 * @param x float32 of rank 1 or more.
 * @param options `scale` and `offset` broadcast with x; `axes` defaults to the last.
 */
export function layerNorm<T extends Tensor>(
  x: T,
  options: NormOptions & { readonly axes?: readonly number[] } = {},
): T {
  const { axes = [-1], epsilon = 1e-5 } = options;
  return tidy(() => affine(standardise(x, util.parseAxisParam([...axes], x.shape), epsilon), options)) as T;
}

/**
 * Group norm (Wu & He 2018, arXiv 1803.08494): each group of channels of each picture by its mean and variance.
 * @param x float32 [batch, ..., channels].
 * @param groups divides the channels.
 * @throws RangeError when it does not.
 */
export function groupNorm<T extends Tensor>(x: T, groups: number, options: NormOptions = {}): T {
  const [batch, channels] = [x.shape[0], x.shape.at(-1)!];
  check(
    x.rank >= 2 && Number.isInteger(groups) && groups > 0 && channels % groups === 0,
    () =>
      `groupNorm: expected groups to divide the ${channels} channels of x ${showShape(x.shape)}, got ${groups}`,
  );
  const pixels = x.shape.slice(1, -1).reduce((a, b) => a * b, 1);
  return tidy(() => {
    const grouped = reshape(x, [batch, pixels, groups, channels / groups]);
    return affine(reshape(standardise(grouped, [1, 3], options.epsilon ?? 1e-5), x.shape), options);
  }) as T;
}

/**
 * Pixel norm (Karras et al. 2017, arXiv 1710.10196): x/√(mean x² + epsilon) over the channels.
 * @param x float32 [..., channels].
 */
export function pixelNorm<T extends Tensor>(x: T, { epsilon = 1e-8 }: { readonly epsilon?: number } = {}): T {
  return tidy(() => mul(x, rsqrt(add(mean(square(x), -1, true), epsilon)))) as T;
}

export interface MinibatchStddevOptions {
  /** Pictures compared with each other; default 4, or the whole batch if it is smaller. Divides the batch. */
  readonly groupSize?: number;
  /** Channels added; default 1. Divides x's. */
  readonly features?: number;
  /** Added to the variance; default 1e-8. */
  readonly epsilon?: number;
}

/**
 * Minibatch standard deviation (Karras et al. 2017, arXiv 1710.10196): appends to each picture the mean standard
 * deviation of its group, so that a discriminator sees a lack of variety. Pictures n and n + batch/groupSize are of
 * one group.
 * @param x float32 [batch, height, width, channels].
 * @returns float32 [batch, height, width, channels + features].
 * @throws RangeError where groups or features do not divide.
 */
export function minibatchStddev(
  x: Tensor,
  { groupSize = 4, features = 1, epsilon = 1e-8 }: MinibatchStddevOptions = {},
): Tensor {
  const shape: readonly number[] = x.shape;
  const [batch, height, width, channels] = shape;
  const size = Math.min(groupSize, batch);
  check(
    shape.length === 4 && batch % size === 0 && channels % features === 0,
    () =>
      `minibatchStddev: expected pictures whose batch ${size} divides and whose channels ${features} divides, got x ${showShape(shape)}`,
  );
  return tidy(() => {
    const groups = reshape(x, [size, batch / size, height * width, features, channels / features]);
    const variance = mean(square(sub(groups, mean(groups, 0, true))), 0);
    const deviation = mean(sqrt(add(variance, epsilon)), [1, 3]);
    const shaped = reshape(deviation, [batch / size, 1, 1, features]);
    return concat([x, tile(shaped, [size, height, width, 1])], 3);
  });
}

/**
 * Spectral norm (Miyato et al. 2018, arXiv 1802.05957): a weight over its largest singular value σ, found by power
 * iteration. The singular vectors count as constants in the gradient, σ = vᵀWu does not.
 * @param weight float32 [..., outChannels], read as a matrix with the last axis as columns.
 * @param u float32 [outChannels], the estimate so far; any vector but zero at first.
 * @param options `iterations` of the power method, default 1; `epsilon` keeps lengths from zero, default 1e-12.
 * @returns the weight over σ, and the next estimate `u`, to be kept for the next call.
 */
export function spectralNorm<T extends Tensor>(
  weight: T,
  u: Tensor,
  { iterations = 1, epsilon = 1e-12 }: { readonly iterations?: number; readonly epsilon?: number } = {},
): { weight: T; u: Tensor } {
  const columns = weight.shape.at(-1)!;
  check(
    u.size === columns,
    () =>
      `spectralNorm: expected u [${columns}], got ${showShape(u.shape)} (weight ${showShape(weight.shape)})`,
  );
  return tidy(() => {
    const matrix = reshape(weight, [weight.size / columns, columns]) as Tensor;
    const constant = stopGradient(matrix);
    const unit = (x: Tensor): Tensor => mul(x, rsqrt(add(sum(square(x)), epsilon)));
    let right = reshape(stopGradient(u), [columns, 1]) as Tensor;
    let left = unit(matMul(constant, right));
    for (let i = 0; i < iterations; i++) {
      right = unit(matMul(constant, left, true));
      left = unit(matMul(constant, right));
    }
    const sigma = sum(mul(left, matMul(matrix, right)));
    return { weight: div(weight, sigma) as T, u: reshape(right, [columns]) as Tensor };
  });
}
