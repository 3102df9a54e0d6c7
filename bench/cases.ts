import type { Tensor } from "@tensorflow/tfjs-core";
import { kernelCases } from "./kernels.ts";
import type { Contestant, ContestantName, Step } from "./rivals/contestant.ts";
import { stepCases } from "./steps.ts";

/** A call, its tensors made, ready to be repeated. */
export interface Call {
  /** Owned by the case; disposed with it. */
  readonly inputs: Tensor[];
  readonly run: () => Tensor[];
  dispose?(): void;
}

export type Prepared = Call | { readonly step: Step };

/** One thing to time, as every contestant's process and the parent know it. */
export interface Case {
  readonly name: string;
  readonly section: string;
  /** What one call does, to state a throughput. Default: the bytes of its inputs and results, each once. */
  readonly work?: { readonly flops: number } | { readonly bytes: number };
  readonly rivals: readonly ContestantName[];
  /** Undefined where the contestant has no such function. */
  prepare(contestant: Contestant): Prepared | undefined;
}

export const cases: readonly Case[] = [...kernelCases, ...stepCases];
