import type { Tensor, Tensor4D, Variable } from "@tensorflow/tfjs-core";

/** Who takes part. Each runs in a process of its own, with its own copy of TensorFlow.js. */
export type ContestantName = "ganvil" | "tfjs-wasm" | "tfjs-cpu";

/** A training step, ready to be repeated. */
export interface Step {
  /** One step; gives its losses, so that nothing of it can be left out. */
  run(): Promise<readonly number[]>;
  dispose(): void;
}

/** Of the DCGAN that is timed; the discriminator mirrors the generator. */
export interface DcganShape {
  readonly resolution: 32;
  readonly latent: number;
  /** Channels at 4×4, 8×8 and 16×16. */
  readonly widths: readonly number[];
  readonly batch: number;
}

/** What is asked of a contestant beside TensorFlow.js's public functions, which all of them share. */
export interface Contestant {
  readonly name: ContestantName;
  /** Name of the backend in TensorFlow.js. */
  readonly backend: string;
  /** Makes the backend the current one; gives what the report's head says of it. */
  start(options: StartOptions): Promise<string>;
  /** What the benchmark supplied of kernels that the backend lacks, as they are used. */
  readonly substituted?: Set<string>;
  /** Training batch norm over all axes but the last, epsilon 1e-5. */
  batchNorm(x: Tensor4D, scale: Tensor, offset: Tensor): Tensor;
  /** Adam over one variable: learning rate 1e-3, betas 0.5 and 0.99. Gives a function that makes one step. */
  adam(parameter: Variable): { step(gradient: Tensor): void; dispose(): void };
  /** Its convolutions take `groups`. */
  readonly groups?: boolean;
  dcgan(shape: DcganShape): Step;
  /** The kernels' catalogue, where there is one. */
  catalogue?(): readonly string[];
  /** Floating-point operations of a kernel's call, where they are known. */
  flops?(kernel: string, inputs: object, attrs: object): number | undefined;
}

export interface StartOptions {
  /** Build of ganvil's kernels; default: the fastest that runs. */
  readonly build?: "simd" | "relaxed";
  /** ganvil's threads. */
  readonly threads: number;
}
