import type { InputSpec } from "../tests/ops/case.ts";

/** A convolution's shapes; filter [height, width, in per group, out], in TensorFlow.js's order of axes. */
export interface ConvCall {
  readonly x: readonly number[];
  readonly filter: readonly number[];
  readonly y: readonly number[];
  readonly stride: readonly number[];
  readonly pad: "same" | "valid";
  readonly groups: number;
}

export type Direction = "forward" | "input" | "filter";

/** Functions of one or more tensors, each forward, or forward and backward from a given gradient. */
export const functions = ["batchNorm", "leakyRelu", "tanh", "add", "mul", "sumRows", "sumChannels"] as const;
export type FunctionName = (typeof functions)[number];

/** What a contestant is to compute, as plain data: each says it in its own library's terms. */
export type Call =
  | { readonly op: "matMul"; readonly transposeA: boolean; readonly transposeB: boolean }
  | { readonly op: "conv2d"; readonly direction: Direction; readonly conv: ConvCall }
  | { readonly op: "function"; readonly name: FunctionName; readonly backward: boolean }
  /** One step over one variable: learning rate 1e-3, betas 0.5 and 0.99. Inputs: the gradient, the start. */
  | { readonly op: "adam" }
  /** A case of the ops' own tests, of contestants that are TensorFlow.js's backends. */
  | { readonly op: "case"; readonly name: string }
  | { readonly op: "step"; readonly shape: StepShape };

/** A multilayer perceptron's GAN: leaky ReLU 0.2 between dense layers, tanh at the generator's end. */
export interface MlpShape {
  readonly network: "mlp";
  readonly batch: number;
  readonly latent: number;
  readonly hidden: readonly number[];
  readonly pixels: number;
}

/** A DCGAN; the discriminator mirrors the generator. */
export interface DcganShape {
  readonly network: "dcgan";
  readonly batch: number;
  readonly resolution: 32 | 64;
  readonly latent: number;
  /** Channels at 4×4, 8×8, ... up to half the resolution. */
  readonly widths: readonly number[];
}

/**
 * A residual GAN in the manner of R3GAN (Huang et al. 2024, arXiv 2501.05441): blocks x + 1×1(σ(grouped
 * 3×3(σ(1×1 x)))) of doubled width inside, one dense block x + σ(3×3 x) at the lowest resolution, mean pooling
 * or nearest neighbours between resolutions, no norms. Relativistic loss, R1 and R2.
 */
export interface ResidualShape {
  readonly network: "residual";
  readonly batch: number;
  readonly latent: number;
  /** Channels at 8×8, 16×16 and 32×32. */
  readonly widths: readonly number[];
  /** Channels a group inside a block. */
  readonly groupWidth: number;
  readonly gamma: number;
}

export type StepShape = MlpShape | DcganShape | ResidualShape;

/** Of every step's optimizers. */
export const adamOptions = { learningRate: 2e-4, beta1: 0.5, beta2: 0.99 } as const;

export type { InputSpec };

/** Values in a range, [-1, 1] unless said, the same for every contestant. */
export function inputValues({ shape, range: [low, high] = [-1, 1], values }: InputSpec, seed: number) {
  if (values !== undefined) return Float32Array.from(values);
  const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
  let state = seed + 1;
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[i] = low + ((high - low) * state) / 2 ** 32;
  }
  return data;
}

/** A sum over all values of all results that weighs neighbours differently, so that swapped ones show. */
export function checksum(results: Iterable<ArrayLike<number>>): number {
  let sum = 0;
  for (const values of results) {
    for (let i = 0; i < values.length; i++) sum += Math.abs(values[i]) * (1 + (i % 7));
  }
  return sum;
}

/** Zeros before and after an axis of a picture: those of TensorFlow's "same", or none. */
export function padsOf({ x, filter, y, stride, pad }: ConvCall, axis: 0 | 1): [number, number] {
  if (pad === "valid") return [0, 0];
  const total = Math.max(0, (y[axis + 1] - 1) * stride[axis] + filter[axis] - x[axis + 1]);
  return [total >> 1, total - (total >> 1)];
}
