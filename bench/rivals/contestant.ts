import type { Placement } from "../../src/backend/placement.ts";
import type { Case } from "../cases.ts";
import type { Profile } from "../protocol.ts";

/**
 * Who can take part in `npm run bench`, ganvil (on Wasm) first. Each runs in a process of its own (in a page: a worker
 * of its own).
 */
export const contestantNames = [
  "ganvil",
  "tfjs-wasm",
  "tfjs-wasm-patched",
  "tfjs-cpu",
  "onnxruntime-web",
  "jax-js",
  "pytorch",
  "pytorch-avx2",
] as const;

/** Who computes on the GPU. */
export const gpuNames = ["ganvil-webgpu", "tfjs-webgpu"] as const;

/** Everybody, in the order of reports. */
export const everyName = [...contestantNames, "ganvil-one-thread", ...gpuNames] as const;
export type ContestantName = (typeof everyName)[number];

/** Of ganvil on Wasm and on the GPU. */
export const isOwn = (name: string): boolean => name.startsWith("ganvil");

export interface StartOptions {
  /** Build of ganvil's kernels; default: the fastest that runs. */
  readonly build?: "simd" | "relaxed";
  /** Of contestants that have threads. Default 1. */
  readonly threads?: number;
  /** Where a contestant's binaries lie: a folder or a file, as its library wants it. */
  readonly binaries?: string | Readonly<Record<string, string>>;
}

/** What a contestant says of itself. */
export interface Introduction {
  /** Its versions, build and threads. */
  readonly says: string;
  /** Its kernels, where there is a catalogue. */
  readonly catalogue?: readonly string[];
  /** Floating-point operations a second of one thread that does nothing else, where there is such a kernel. */
  readonly peak?: number;
  /** Of contestants that compute on a GPU. */
  readonly gpu?: {
    readonly adapter: string;
    /** It is computed on the CPU. */
    readonly software: boolean;
    /** FLOP/s of multiplications and additions in registers alone, where it was measured. */
    readonly peak?: number;
    /** What ganvil's choice of a device goes by. */
    readonly placement?: Placement;
  };
}

/** What a contestant is told of a case. */
export type Task = Pick<Case, "name" | "call" | "inputs">;

/**
 * A case made ready to be repeated: a call that computes as it returns, or a step to be awaited. Where there is
 * `finish`, both only ask the GPU for work.
 */
export interface Prepared {
  readonly run: (() => void) | undefined;
  readonly step: (() => Promise<void>) | undefined;
  /** Settles when the GPU has done all that was asked of it. Nothing is read back. */
  readonly finish?: () => Promise<void>;
  /** Ops of the case that ganvil computed on Wasm though the GPU was asked for. */
  readonly onWasm?: () => readonly string[];
  /** Over all values of a call's results; steps have none. */
  readonly checksum?: number;
  /** Of a call's inputs and results, each once. */
  readonly bytes?: number;
  /** Trained numbers of the generator and of the discriminator. */
  readonly parameters?: readonly number[];
  /** What the benchmark supplied of kernels that the library lacks, so far. */
  readonly substituted?: ReadonlySet<string>;
  /** Throws when the latest result is not finite. */
  verify?(): Promise<void> | void;
  /** Frees all; gives how many tensors are left over. */
  dispose(): number;
}

/** A library as the benchmark asks it. */
export interface Contestant {
  start(options: StartOptions): Promise<Introduction>;
  /** Makes a case ready, or says why it cannot be: the library has no such function. */
  prepare(one: Task): Promise<Prepared | { readonly missing: string }>;
  /** Where the time of a step goes. */
  profile?(one: Case, steps: number): Promise<Profile>;
}
