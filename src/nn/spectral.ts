import { add, matMul, neg, type Tensor, type Tensor2D, type Tensor4D } from "@tensorflow/tfjs-core";
import { conv2d } from "../ops/conv2d.ts";
import { biasActivation } from "../ops/fused-activation.ts";
import { assignStep } from "../ops/in-place.ts";
import { spectralNorm } from "../ops/norm.ts";
import { detached } from "../ops/stop-gradient.ts";
import type { Layer, Mode, Parameters } from "./network.ts";

/** A weight over its largest singular value (Miyato et al. 2018, arXiv 1802.05957), one power iteration a training step. */
function spectralWeight(to: Parameters, name: string, shape: readonly number[], std: number) {
  const weight: Tensor = to.normal(`${name}.weight`, shape, std);
  const u = to.statistic(`${name}.u`, [shape.at(-1)!], 1);
  return ({ training, track }: Mode): Tensor => {
    // A copy: what the tape holds of the estimate itself would be in the way of updating it in place.
    const normed = spectralNorm(
      weight,
      detached(() => neg(neg(u))),
    );
    if (training && track) assignStep(u, normed.u);
    return normed.weight;
  };
}

interface SpectralConvOptions {
  readonly inputs: number;
  readonly outputs: number;
  /** Height and width of the filter. */
  readonly kernel: number;
  /** Default 1. */
  readonly stride?: number;
  /** Slope of the leaky ReLU below 0. */
  readonly alpha: number;
}

/** Leaky ReLU of a convolution with spectral norm, [N, H, W, inputs] → [N, H/stride, W/stride, outputs]. */
export function spectralConv(to: Parameters, name: string, options: SpectralConvOptions): Layer {
  const { inputs, outputs, kernel, stride = 1, alpha } = options;
  const fanIn = kernel * kernel * inputs;
  const weight = spectralWeight(to, name, [kernel, kernel, inputs, outputs], 1 / Math.sqrt(fanIn));
  const bias = to.constant(`${name}.bias`, [outputs], 0);
  return (x, mode) =>
    biasActivation(conv2d(x as Tensor4D, weight(mode) as Tensor4D, { stride }), bias, { alpha });
}

/** Linear layer with spectral norm, [N, inputs] → [N, outputs]. */
export function spectralDense(
  to: Parameters,
  name: string,
  { inputs, outputs }: { readonly inputs: number; readonly outputs: number },
): Layer {
  const weight = spectralWeight(to, name, [inputs, outputs], 1 / Math.sqrt(inputs));
  const bias = to.constant(`${name}.bias`, [outputs], 0);
  return (x, mode) => add(matMul(x as Tensor2D, weight(mode) as Tensor2D), bias);
}
