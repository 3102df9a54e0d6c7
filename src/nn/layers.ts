import {
  add,
  matMul,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  type Variable,
  batchNorm as withStatistics,
} from "@tensorflow/tfjs-core";
import type { ActivationOptions } from "../ops/activation.ts";
import { batchNormTrain } from "../ops/batch-norm-train.ts";
import { conv2d, conv2dTranspose } from "../ops/conv2d.ts";
import { biasActivation } from "../ops/fused-activation.ts";
import { emaOfMeansStep } from "../ops/in-place.ts";
import type { Layer, Parameters } from "./network.ts";

/** Standard deviation of initial weights in DCGAN (Radford et al. 2015, arXiv 1511.06434). */
const dcganStd = 0.02;

/** activation(y + bias), in one pass where there is an activation. */
function finish(
  y: Tensor,
  bias: Variable | undefined,
  { activation = "linear", alpha }: ActivationOptions,
): Tensor {
  if (activation !== "linear") return biasActivation(y, bias, { activation, alpha });
  return bias ? add(y, bias) : y;
}

interface DenseOptions extends ActivationOptions {
  readonly inputs: number;
  readonly outputs: number;
  /** Default true. */
  readonly bias?: boolean;
  /** Of the initial weights; default 0.02. */
  readonly std?: number;
}

/** [N, inputs] → [N, outputs]. */
export function dense(to: Parameters, name: string, options: DenseOptions): Layer {
  const { inputs, outputs, bias = true, std = dcganStd } = options;
  const weight = to.normal(`${name}.weight`, [inputs, outputs], std);
  const offset = bias ? to.constant(`${name}.bias`, [outputs], 0) : undefined;
  return (x) => finish(matMul(x as Tensor2D, weight as unknown as Tensor2D), offset, options);
}

interface ConvOptions extends ActivationOptions {
  readonly inputs: number;
  readonly outputs: number;
  /** Height and width of the filter. */
  readonly kernel: number;
  /** Default 1. */
  readonly stride?: number;
  /** Default true. */
  readonly bias?: boolean;
  /** Of the initial weights; default 0.02. */
  readonly std?: number;
}

/** Convolution, padded so that [N, H, W, inputs] → [N, H/stride, W/stride, outputs]. */
export function conv(to: Parameters, name: string, options: ConvOptions): Layer {
  const { inputs, outputs, kernel, stride = 1, bias = true, std = dcganStd } = options;
  const filter = to.normal(`${name}.weight`, [kernel, kernel, inputs, outputs], std);
  const offset = bias ? to.constant(`${name}.bias`, [outputs], 0) : undefined;
  return (x) => finish(conv2d(x as Tensor4D, filter as unknown as Tensor4D, { stride }), offset, options);
}

/** Transposed convolution: [N, H, W, inputs] → [N, H·stride, W·stride, outputs]. */
export function convTranspose(to: Parameters, name: string, options: ConvOptions): Layer {
  const { inputs, outputs, kernel, stride = 1, bias = true, std = dcganStd } = options;
  const filter = to.normal(`${name}.weight`, [kernel, kernel, outputs, inputs], std);
  const offset = bias ? to.constant(`${name}.bias`, [outputs], 0) : undefined;
  return (x) =>
    finish(conv2dTranspose(x as Tensor4D, filter as unknown as Tensor4D, { stride }), offset, options);
}

/** Added to variances before the root. */
const epsilon = 1e-5;

/** How fast running statistics follow the batches. */
const statisticDecay = 0.9;

/**
 * Batch normalisation over all axes but the last (Ioffe & Szegedy 2015, arXiv 1502.03167), scale starting at
 * N(1, 0.02²) as in DCGAN, and an activation of the result. Training uses the statistics of each part of the
 * batch; otherwise running ones.
 */
export function batchNorm(
  to: Parameters,
  name: string,
  channels: number,
  activation: ActivationOptions = {},
): Layer {
  const scale = to.normal(`${name}.scale`, [channels], dcganStd, 1);
  const offset = to.constant(`${name}.offset`, [channels], 0);
  const runningMean = to.statistic(`${name}.mean`, [channels], 0);
  const runningVariance = to.statistic(`${name}.variance`, [channels], 1);
  return (x, { training, parts, track }) => {
    if (!training) {
      return finish(
        withStatistics(x, runningMean, runningVariance, offset, scale, epsilon),
        undefined,
        activation,
      );
    }
    const { y, mean, variance } = batchNormTrain(x, scale, offset, { groups: parts, epsilon, ...activation });
    if (track) {
      emaOfMeansStep(runningMean, mean, statisticDecay);
      emaOfMeansStep(runningVariance, variance, statisticDecay);
    }
    return y;
  };
}
