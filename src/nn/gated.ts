import { image, mul, sigmoid, split, type Tensor, type Tensor4D } from "@tensorflow/tfjs-core";
import { batchNorm, conv } from "./layers.ts";
import { chain, type Layer, type Parameters } from "./network.ts";
import { noise } from "./noise.ts";

/** Gated linear unit (Dauphin et al. 2016, arXiv 1612.08083): [..., 2C] → the first half of the channels times σ(second). */
export function glu(x: Tensor): Tensor {
  const [value, gate] = split(x, 2, -1);
  return mul(value, sigmoid(gate));
}

/** Twice the height and width, each pixel four times. */
const doubled: Layer = (x) => image.resizeNearestNeighbor(x as Tensor4D, [2 * x.shape[1]!, 2 * x.shape[2]!]);

/** 3×3 convolution, batch norm and gated linear unit; noise before the norm where it is asked for. */
function gated(to: Parameters, name: string, inputs: number, outputs: number, noisy: boolean): Layer {
  return chain(
    conv(to, name, { inputs, outputs: 2 * outputs, kernel: 3, bias: false }),
    ...(noisy ? [noise(to, name)] : []),
    batchNorm(to, `${name}.norm`, 2 * outputs),
    glu,
  );
}

/** Twice the size by one gated layer. */
export const upBlock = (to: Parameters, name: string, inputs: number, outputs: number): Layer =>
  chain(doubled, gated(to, name, inputs, outputs, false));

/** Twice the size by two gated layers with noise. */
export const noisyUpBlock = (to: Parameters, name: string, inputs: number, outputs: number): Layer =>
  chain(
    doubled,
    gated(to, `${name}.1`, inputs, outputs, true),
    gated(to, `${name}.2`, outputs, outputs, true),
  );
