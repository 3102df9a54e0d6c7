import { add, matMul, mul, reshape, sum, type Tensor, type Tensor2D, tanh } from "@tensorflow/tfjs-core";
import { conv2d } from "../ops/conv2d.ts";
import { biasActivation } from "../ops/fused-activation.ts";
import { chain, type Layer, type Parameters } from "./network.ts";

interface WeightShape {
  readonly inputs: number;
  readonly outputs: number;
  /** Height and width of the filter. */
  readonly kernel: number;
  /** Default 1. */
  readonly groups?: number;
  /** Of the values' deviation, from inputs to outputs. Default 1. */
  readonly gain?: number;
}

/** Convolution without a bias; weights N(0, gain²/fan-in), or zero for a gain of 0. */
export function plainConv(to: Parameters, name: string, options: WeightShape): Layer {
  const { inputs, outputs, kernel, groups = 1, gain = 1 } = options;
  const fanIn = (kernel * kernel * inputs) / groups;
  const shape = [kernel, kernel, inputs / groups, outputs];
  const filter: Tensor = to.normal(`${name}.weight`, shape, gain / Math.sqrt(fanIn));
  return (x) => conv2d(x, filter, { groups });
}

/** Leaky ReLU 0.2 of x + bias. */
function activation(to: Parameters, name: string, channels: number): Layer {
  const bias = to.constant(`${name}.bias`, [channels], 0);
  return (x) => biasActivation(x, bias, { alpha: 0.2 });
}

/** Leaky ReLU 0.2 makes a standard normal's mean square 1.04/2 of what it was. */
const leakyGain = Math.sqrt(2 / 1.04);

interface BlockOptions {
  readonly width: number;
  /** Residual blocks of the network: the more there are, the less each adds at first. */
  readonly blocks: number;
  /** Channels inside, as a multiple of the width. Default 2. */
  readonly expansion?: number;
  /** Channels of a group of the 3×3 convolution. Default 16. */
  readonly groupWidth?: number;
}

/**
 * R3GAN's block (Huang et al. 2024, arXiv 2501.05441): x + 1×1(σ(grouped 3×3(σ(1×1 x)))) with biases in the activations
 * only and no normalisation. Initialised as in Fixup (Zhang et al. 2019, arXiv 1901.09321): gain √(2/1.04)·L^(−1/4) for L
 * blocks, and zeros in the last convolution, so that the block starts as x itself.
 */
export function residualBlock(to: Parameters, name: string, options: BlockOptions): Layer {
  const { width, blocks, expansion = 2, groupWidth = 16 } = options;
  const inside = expansion * width;
  const gain = leakyGain * blocks ** -0.25;
  const groups = Math.max(1, inside / groupWidth);
  const inner = chain(
    plainConv(to, `${name}.1`, { inputs: width, outputs: inside, kernel: 1, gain }),
    activation(to, `${name}.1`, inside),
    plainConv(to, `${name}.2`, { inputs: inside, outputs: inside, kernel: 3, groups, gain }),
    activation(to, `${name}.2`, inside),
    plainConv(to, `${name}.3`, { inputs: inside, outputs: width, kernel: 1, gain: 0 }),
  );
  return (x, mode) => add(x, inner(x, mode));
}

/** [N, inputs] → [N, 4, 4, width]: a learned picture times a linear map of the input. */
export function basisHead(to: Parameters, name: string, inputs: number, width: number): Layer {
  const basis: Tensor = to.normal(`${name}.basis`, [4, 4, width], 1);
  const weight: Tensor = to.normal(`${name}.weight`, [inputs, width], 1 / Math.sqrt(inputs));
  return (z) => mul(basis, reshape(matMul(z as Tensor2D, weight as Tensor2D), [-1, 1, 1, width]));
}

/** [N, 4, 4, width] → [N, width]: a depthwise 4×4 convolution without padding. */
export function basisTail(to: Parameters, name: string, width: number): Layer {
  const basis: Tensor = to.normal(`${name}.basis`, [4, 4, width], 1 / 4);
  return (x) => sum(mul(x, basis), [1, 2]);
}

/** Slope that is left where tanh is level. */
const leak = 1 / 200;

/**
 * tanh(x) + x/200, for pixels: black and white need not be hit exactly, as without a limit, where the noise around them
 * is what a discriminator goes by. Under tanh alone a generator of mostly black pictures can end in black for good:
 * its slope there is 0 in float32.
 */
export const leakyTanh: Layer = (x) => add(tanh(x), mul(x, leak));
