import {
  add,
  matMul,
  mul,
  reshape,
  rsqrt,
  square,
  sum,
  type Tensor,
  type Tensor2D,
} from "@tensorflow/tfjs-core";
import { conv2d, conv2dTranspose } from "../ops/conv2d.ts";
import { biasActivation } from "../ops/fused-activation.ts";
import { upfirdn2d } from "../ops/upfirdn2d.ts";
import { equalDense, equalWeight, lowPass, scaledLeakyRelu } from "./equalized.ts";
import type { Mode, Parameters } from "./network.ts";
import { noise } from "./noise.ts";

/** x float32 [N or 1, H, W, inputs] and w float32 [N, width] → [N, H, W, outputs], or twice the height and width. */
export type StyledLayer = (x: Tensor, w: Tensor, mode: Mode) => Tensor;

interface ModulatedOptions {
  readonly inputs: number;
  readonly outputs: number;
  /** Height and width of the filter. */
  readonly kernel: number;
  /** Numbers of w. */
  readonly width: number;
  /** Double height and width, low-pass filtered. Default false. */
  readonly up?: boolean;
  /** Scale each output channel to the variance that the style took from it. Default true. */
  readonly demodulate?: boolean;
}

/** Added to squared norms before the root. */
const epsilon = 1e-8;

const perPicture = (x: Tensor): Tensor => reshape(x, [x.shape[0], 1, 1, -1]);

/**
 * Modulated convolution (Karras et al. 2020, arXiv 1912.04958): a filter whose input channels are scaled by the picture's
 * style s = A(w), then its outputs to unit norm. Scaling x before and y after one convolution of the whole batch is the
 * same: y = d·conv(s·x), d = 1/√(Σ (filter·s)² + 1e-8).
 */
export function modulatedConv(to: Parameters, name: string, options: ModulatedOptions): StyledLayer {
  const { inputs, outputs, kernel, width, up = false, demodulate = true } = options;
  const shape = up ? [kernel, kernel, outputs, inputs] : [kernel, kernel, inputs, outputs];
  const { weight, factor } = equalWeight(to, name, shape, kernel * kernel * inputs);
  const affine = equalDense(to, `${name}.style`, { inputs: width, outputs: inputs, bias: 1 });
  return (x, w, mode) => {
    const style = mul(affine(w, mode), factor);
    const scaled = mul(x, perPicture(style));
    const y = up ? upsampled(scaled, weight) : conv2d(scaled, weight);
    if (!demodulate) return y;
    const squares = sum(square(weight), [0, 1]) as Tensor2D;
    const norms = matMul(square(style) as Tensor2D, squares, false, up);
    return mul(y, perPicture(rsqrt(add(norms, epsilon))));
  };
}

/** A transposed convolution of stride 2, then the low-pass filter over what it spread: exactly twice the size. */
function upsampled(x: Tensor, weight: Tensor): Tensor {
  const spread = conv2dTranspose(x, weight, { stride: 2, pad: "valid" });
  const overhang = weight.shape[0] - 1;
  const pad = [
    [2 - overhang / 2, 2 - overhang / 2],
    [2 - overhang / 2, 2 - overhang / 2],
  ] as const;
  return upfirdn2d(spread, lowPass, { pad, gain: 4 });
}

/** Modulated 3×3 convolution, noise, bias and leaky ReLU 0.2 times √2. */
export function styleLayer(
  to: Parameters,
  name: string,
  options: Omit<ModulatedOptions, "kernel" | "demodulate">,
): StyledLayer {
  const convolve = modulatedConv(to, name, { ...options, kernel: 3 });
  const noisy = noise(to, name);
  const bias = to.constant(`${name}.bias`, [options.outputs], 0);
  return (x, w, mode) => biasActivation(noisy(convolve(x, w, mode), mode), bias, scaledLeakyRelu);
}
