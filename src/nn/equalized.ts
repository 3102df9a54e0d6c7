import { matMul, mul, type Tensor, type Tensor2D } from "@tensorflow/tfjs-core";
import { conv2d } from "../ops/conv2d.ts";
import { type BiasActivationOptions, biasActivation } from "../ops/fused-activation.ts";
import { upfirdn2d } from "../ops/upfirdn2d.ts";
import type { Layer, Parameters } from "./network.ts";

/** Low-pass filter of every resampling in StyleGAN2. */
export const lowPass = [1, 3, 3, 1].map((tap) => tap / 8);

/** Leaky ReLU 0.2 that keeps the variance. */
export const scaledLeakyRelu = { activation: "leakyRelu", alpha: 0.2, gain: Math.SQRT2 } as const;

interface EqualOptions extends BiasActivationOptions {
  readonly inputs: number;
  readonly outputs: number;
  /** The bias at first, or false for none. Default 0. */
  readonly bias?: number | false;
  /** Learning rate of the layer, as a part of the network's. Default 1. */
  readonly rate?: number;
}

/**
 * A variable and its factor with an equalised learning rate (Karras et al. 2017, arXiv 1710.10196): N(0, 1) at first and
 * divided by the root of its inputs where it is used, so that Adam moves every layer alike. A layer of another rate has
 * the larger weights and the smaller factor.
 */
export function equalWeight(
  to: Parameters,
  name: string,
  shape: readonly number[],
  fanIn: number,
  rate = 1,
): { readonly weight: Tensor; readonly factor: number } {
  return { weight: to.normal(`${name}.weight`, shape, 1 / rate), factor: rate / Math.sqrt(fanIn) };
}

/** gain·activation(y + bias). */
function equalFinish(to: Parameters, name: string, options: EqualOptions): (y: Tensor) => Tensor {
  const { outputs, bias = 0, rate = 1, activation = "linear", alpha, gain } = options;
  const finish = { activation, alpha, gain };
  const plain = activation === "linear" && (gain ?? 1) === 1;
  if (bias === false) return (y) => (plain ? y : biasActivation(y, undefined, finish));
  const offset: Tensor = to.constant(`${name}.bias`, [outputs], bias / rate);
  return (y) => biasActivation(y, rate === 1 ? offset : mul(offset, rate), finish);
}

/** [N, inputs] → [N, outputs], with an equalised learning rate. Linear unless an activation is given. */
export function equalDense(to: Parameters, name: string, options: EqualOptions): Layer {
  const { inputs, outputs, rate } = options;
  const { weight, factor } = equalWeight(to, name, [inputs, outputs], inputs, rate);
  const finish = equalFinish(to, name, options);
  return (x) => finish(matMul(x as Tensor2D, mul(weight, factor) as Tensor2D));
}

interface EqualConvOptions extends EqualOptions {
  /** Height and width of the filter. */
  readonly kernel: number;
  /** Low-pass filter and halve height and width. Default false. */
  readonly down?: boolean;
}

/** Convolution with an equalised learning rate: [N, H, W, inputs] → [N, H, W, outputs], or half the size. */
export function equalConv(to: Parameters, name: string, options: EqualConvOptions): Layer {
  const { inputs, outputs, kernel, down = false, rate } = options;
  const shape = [kernel, kernel, inputs, outputs];
  const { weight, factor } = equalWeight(to, name, shape, kernel * kernel * inputs, rate);
  const finish = equalFinish(to, name, options);
  const filter = () => mul(weight, factor);
  if (!down) return (x) => finish(conv2d(x, filter()));
  // A pixel of the filtered picture lies between four of x, so that the strided filter's centre is the blocks' centre.
  const before = kernel === 1 ? 1 : (kernel + 1) / 2;
  const pad = [
    [before, before],
    [before, before],
  ] as const;
  if (kernel === 1) return (x) => finish(conv2d(upfirdn2d(x, lowPass, { down: 2, pad }), filter()));
  return (x) => finish(conv2d(upfirdn2d(x, lowPass, { pad }), filter(), { stride: 2, pad: "valid" }));
}
