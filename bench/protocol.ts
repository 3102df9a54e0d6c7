import type { Call, InputSpec } from "./calls.ts";
import type { Introduction, StartOptions } from "./rivals/contestant.ts";

/** What the parent asks of a contestant. */
export type Request =
  | ({ readonly ask: "start" } & StartOptions)
  | {
      readonly ask: "prepare";
      readonly name: string;
      /** As the case of that name has them, for contestants that do not share the list of cases. */
      readonly call: Call;
      readonly inputs: readonly InputSpec[];
      readonly seconds: number;
    }
  | { readonly ask: "measure"; readonly seconds: number }
  /** What one call makes of the GPU, of contestants that compute on one. */
  | { readonly ask: "meter" }
  | { readonly ask: "finish" }
  | { readonly ask: "profile"; readonly name: string; readonly steps: number };

/** The answers, in the order of the requests; `failed` may come instead of any. */
export interface Answers {
  readonly start: Introduction;
  readonly prepare:
    | { readonly missing: string }
    | {
        readonly checksum?: number;
        readonly bytes?: number;
        readonly parameters?: readonly number[];
        readonly substituted: readonly string[];
        /** Seconds a call, of the first measurement. */
        readonly samples: readonly number[];
      };
  /** Seconds a call. */
  readonly measure: { readonly samples: readonly number[] };
  readonly meter: { readonly figures: GpuFigures };
  readonly finish: { readonly leaked: number };
  readonly profile: { readonly profile: Profile };
}

export type Answer = Answers[keyof Answers] | { readonly failed: string };

/** A contestant in its process or worker, answering one request at a time. */
export interface Remote<Name = string> {
  readonly name: Name;
  /** @throws Error when the contestant fails or has ended. */
  ask<Kind extends Request["ask"]>(request: Extract<Request, { ask: Kind }>): Promise<Answers[Kind]>;
  close(): void;
}

/** What has gone to a GPU and come back: numbers and bytes; uniforms are uploads too. */
export interface GpuTraffic {
  readonly dispatches: number;
  readonly submits: number;
  readonly uploads: number;
  readonly uploadedBytes: number;
  readonly reads: number;
  readonly readBytes: number;
}

/** One call or step on a GPU. */
export interface GpuFigures extends GpuTraffic {
  /** Of JavaScript: until the call is back and has nothing left to do but wait for the GPU. The least of some. */
  readonly jsSeconds: number;
  /** Of the passes, by the GPU's own clock, where it has one. The median of some. */
  readonly gpuSeconds?: number;
  /** Ops that ganvil computed on Wasm. */
  readonly onWasm: readonly string[];
}

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
