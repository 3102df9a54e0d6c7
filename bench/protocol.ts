import type { DcganShape, StartOptions } from "./rivals/contestant.ts";

/** What the parent asks of a contestant's process. */
export type Request =
  | ({ readonly ask: "start" } & StartOptions)
  | { readonly ask: "prepare"; readonly name: string; readonly seconds: number }
  | { readonly ask: "measure"; readonly seconds: number }
  | { readonly ask: "finish" }
  | { readonly ask: "profile"; readonly shape: DcganShape; readonly steps: number };

/** The answers, in the order of the requests; `failed` may come instead of any. */
export interface Answers {
  readonly start: {
    readonly says: string;
    readonly catalogue?: readonly string[];
  };
  readonly prepare:
    | { readonly missing: string }
    | {
        /** Over all values of a call's results; steps have none. */
        readonly checksum?: number;
        /** Of a call's inputs and results, each once. */
        readonly bytes?: number;
        readonly substituted: readonly string[];
      };
  /** Seconds a call. */
  readonly measure: { readonly samples: readonly number[] };
  readonly finish: { readonly leaked: number };
  readonly profile: { readonly profile: Profile };
}

export type Answer = Answers[keyof Answers] | { readonly failed: string };

/** Where a step spends its time. */
export interface Profile {
  /** Of steps without a clock around each kernel: the median, and the least. */
  readonly secondsPerStep: number;
  readonly bestSeconds: number;
  readonly kernels: readonly KernelTime[];
}

export interface KernelTime {
  readonly kernel: string;
  /** Of the inputs. */
  readonly shapes: string;
  readonly callsPerStep: number;
  /** Median of the steps. */
  readonly msPerStep: number;
  /** Of one call, where it is known. */
  readonly flops?: number;
}
