import type { Call, InputSpec } from "./calls.ts";
import { kernelCases } from "./kernels.ts";
import type { ContestantName } from "./rivals/contestant.ts";
import { stepCases } from "./steps.ts";

/** One thing to time, as every contestant's process and the parent know it. */
export interface Case {
  readonly name: string;
  readonly section: string;
  /** What one call does, to state a throughput. Default: the bytes of its inputs and results, each once. */
  readonly work?: { readonly flops: number } | { readonly bytes: number };
  readonly call: Call;
  readonly inputs: readonly InputSpec[];
  readonly rivals: readonly ContestantName[];
}

export const cases: readonly Case[] = [...kernelCases, ...stepCases];
