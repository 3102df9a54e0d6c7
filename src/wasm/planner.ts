import { instantiate } from "./generated/as-bind.js";
import control from "./generated/control.ts";
import { unpack } from "./load.ts";

/** High-level calls of the control module, through as-bind: strings and typed arrays, never tensors. */
export interface ControlExports {
  catalogue(): string;
  buildInfo(): string;
  planConv2d(shape: Int32Array): Float64Array;
  /** Frees what earlier calls allocated in the module. */
  __collect(): void;
}

/** What a convolution is computed from: y from x, dx from dy, dFilter from x and dy. */
export type Conv2dDirection = "forward" | "inputGradient" | "filterGradient";

/** A convolution's sizes, NHWC, in elements; `padTop` and `padLeft` are zeros before the picture. */
export interface Conv2dGeometry {
  readonly batch: number;
  readonly inHeight: number;
  readonly inWidth: number;
  readonly inChannels: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly outChannels: number;
  readonly filterHeight: number;
  readonly filterWidth: number;
  readonly strideHeight: number;
  readonly strideWidth: number;
  readonly padTop: number;
  readonly padLeft: number;
  readonly dilationHeight: number;
  readonly dilationWidth: number;
  readonly groups: number;
}

/**
 * - `product`: a filter that covers the whole picture, as the matrix product that it is; no steps of its own.
 * - `runs`: implicit GEMM over a padded picture, strided gradients in dense phases.
 * - `scatter`: GEMM over all taps at once, then added where they lie.
 * - `filter`: GEMM over blocks of pixels.
 * - `depthwise`, `depthwiseFilter`: one filter a channel.
 * - `thinDots`, `thinSpread`, `thinFilter`: pointwise, with one to three channels on one side.
 * - `minimal2`, `minimal4`: minimal filtering of 3×3 taps, 2×2 or 4×4 outputs at a time.
 * - `phases2`, `phases4`: minimal filtering, F(2×2, 2×2) or F(4×4, 2×2), of the four phases of a convolution of
 *   stride 2 and up to 4×4 taps.
 */
export type Conv2dAlgorithm = (typeof algorithms)[number];

/** A kernel that a plan's steps call. */
export type Conv2dKernel = (typeof kernels)[number];

/** One call of a kernel, or several side by side. */
export interface Conv2dStep {
  readonly kernel: Conv2dKernel;
  /** Parts that may run at once and in any order, after all of the step before. */
  readonly units: number;
  /** Scratch memory of each thread that runs some of them. */
  readonly scratchBytes: number;
  /** The first of the program's fields that the kernel is told. */
  readonly place: number;
}

/** How to compute one direction of one convolution. */
export interface Conv2dPlan {
  readonly algorithm: Conv2dAlgorithm;
  /** The product's tile: pixels by channels. */
  readonly tile: readonly [rows: number, columns: number];
  readonly workspaceBytes: number;
  /** FLOPs of the definition. */
  readonly flops: number;
  /** FLOPs that the kernel executes, whole tiles and extra passes included. */
  readonly cost: number;
  readonly steps: readonly Conv2dStep[];
  /** What the kernels are told (assembly/lib/conv2d-program.ts). */
  readonly program: Int32Array;
}

const directions: readonly Conv2dDirection[] = ["forward", "inputGradient", "filterGradient"];
const algorithms = [
  ...(["runs", "scatter", "filter", "depthwise", "depthwiseFilter"] as const),
  ...(["thinDots", "thinSpread", "thinFilter"] as const),
  ...(["minimal2", "minimal4"] as const),
  ...(["phases2", "phases4", "product"] as const),
];
const kernels = [
  ...(["conv2dRuns", "conv2dScatter", "conv2dFilter", "conv2dDepthwise", "conv2dDepthwiseFilter"] as const),
  ...(["conv2dThinDots", "conv2dThinSpread", "conv2dThinFilter"] as const),
  ...(["conv2dPackRuns", "conv2dPackScatter", "conv2dFilterSum", "conv2dPackDepthwise"] as const),
  ...(["conv2dDepthwiseFilterSum", "conv2dPackThin", "conv2dThinFilterSum"] as const),
  ...(["conv2dMinimalFilter", "conv2dMinimal", "conv2dMinimalGather", "conv2dMinimalSum"] as const),
  ...(["conv2dPhasesFirst", "conv2dPhasesNext", "conv2dPhasesInput", "conv2dPhasesForward"] as const),
  ...(["conv2dPhasesOutput", "conv2dPhasesGradient", "conv2dPhasesTiles", "conv2dPhasesFilter"] as const),
];

/** 32-bit FNV-1a, an integer at a time; different lists may share a number. */
function hashOf(values: readonly number[]): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < values.length; i++) hash = Math.imul(hash ^ values[i], 0x01000193);
  return hash;
}

function sameValues(a: readonly number[], b: readonly number[]): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** A convolution as the control module's Conv2d reads it. */
function shapeOf(g: Conv2dGeometry, direction: Conv2dDirection, filtering: Planner["filtering"]): number[] {
  return [
    directions.indexOf(direction),
    g.batch,
    g.inHeight,
    g.inWidth,
    g.inChannels,
    g.outHeight,
    g.outWidth,
    g.outChannels,
    g.filterHeight,
    g.filterWidth,
    g.strideHeight,
    g.strideWidth,
    g.padTop,
    g.padLeft,
    g.dilationHeight,
    g.dilationWidth,
    g.groups,
    filtering,
  ];
}

/** Reads what the control module answered. */
function planOf(view: Float64Array): Conv2dPlan {
  // A copy: what the control module gives is a view of its memory.
  const answer = Float64Array.from(view);
  const [algorithm, rows, columns, workspaceBytes, flops, cost, stepCount] = answer;
  const programStart = 7 + 4 * stepCount;
  return {
    algorithm: algorithms[algorithm],
    tile: [rows, columns],
    workspaceBytes,
    flops,
    cost,
    steps: Array.from({ length: stepCount }, (_, i) => {
      const [kernel, units, scratchBytes, place] = answer.subarray(7 + 4 * i);
      return { kernel: kernels[kernel], units, scratchBytes, place };
    }),
    program: Int32Array.from(answer.subarray(programStart)),
  };
}

/**
 * Largest tile of outputs that minimal filtering (Winograd 1980; Lavin & Gray 2015, arXiv 1509.09308) may compute
 * at once: 4 is the fastest, 2 more accurate, 0 computes every convolution by its definition.
 */
export type Filtering = 0 | 2 | 4;

/** Asks the control module for plans and remembers the answers. */
export class Planner {
  /**
   * Of the plans asked for from now on. Negative: that tile wherever it is possible, faster or not, to test and to
   * measure it.
   */
  filtering: Filtering | -2 | -4 = 4;
  readonly #control: ControlExports;
  /** By hash, the plan last asked for: a string for a key would cost more than a small kernel. */
  readonly #plans = new Map<number, { readonly shape: readonly number[]; readonly plan: Conv2dPlan }>();

  constructor(control: ControlExports) {
    this.#control = control;
  }

  /** The kernels by family, one line each: `family: kernels: what they compute`. */
  catalogue(): string[] {
    return this.#control.catalogue().split("\n");
  }

  /** What the plans are made for, in one line. */
  buildInfo(): string {
    return this.#control.buildInfo();
  }

  /** The plan of one direction of a convolution; worked out once for each shape. */
  planConv2d(geometry: Conv2dGeometry, direction: Conv2dDirection): Conv2dPlan {
    const shape = shapeOf(geometry, direction, this.filtering);
    const hash = hashOf(shape);
    const known = this.#plans.get(hash);
    if (known !== undefined && sameValues(known.shape, shape)) return known.plan;
    const plan = planOf(this.#control.planConv2d(Int32Array.from(shape)));
    this.#control.__collect();
    this.#plans.set(hash, { shape, plan });
    return plan;
  }
}

/** Instantiates the control module. */
export async function loadPlanner(): Promise<Planner> {
  const { exports } = await instantiate(await unpack(control), {});
  return new Planner(exports as ControlExports);
}
