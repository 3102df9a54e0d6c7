import type { Tensor } from "@tensorflow/tfjs-core";
import type { Nd } from "../reference/nd.ts";

/** Values of one input: random in `range` (default [-1, 1]), or given. */
export interface InputSpec {
  readonly shape: readonly number[];
  readonly dtype?: "float32" | "int32" | "bool";
  readonly range?: readonly [number, number];
  /** Least distance from zero, for functions with a kink there. */
  readonly away?: number;
  readonly values?: readonly number[];
}

/**
 * One op at one size, as data: the runner makes of it a forward check against the float64 reference, first
 * and second gradient checks, and a leak check, in each build.
 */
export interface OpCase {
  readonly name: string;
  readonly inputs: readonly InputSpec[];
  /** The op as a user calls it. */
  readonly run: (...inputs: Tensor[]) => Tensor;
  /** The same in float64, written to be read. */
  readonly reference: (...inputs: Nd[]) => Nd;
  /** Terms in the longest sum, which the tolerance scales with. Default 1. */
  readonly reduction?: number;
  /** Relative forward tolerance in place of the default 2e-6·(2 + √reduction). */
  readonly tolerance?: number;
  /** Inputs to differentiate by, by position; default: every float32 input. `[]`: the op has no gradient. */
  readonly gradient?: readonly number[];
  /** Also run by `npm run bench`. */
  readonly bench?: boolean;
}
