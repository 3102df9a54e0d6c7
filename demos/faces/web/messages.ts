/** What page and worker say to each other. */
import type { Device, RecipeName, RecipeSize, SkippedPicture } from "ganvil";

/** What is chosen before the start. */
export interface RunOptions {
  readonly recipe: RecipeName;
  /** Default: the recipe's. */
  readonly size?: RecipeSize;
  readonly resolution: number;
  readonly kimg: number;
  readonly seed: number;
}

export type ToWorker =
  /** Looks into a checkpoint; answered by `opened` or `refused`. */
  | { readonly type: "open"; readonly checkpoint: File }
  /**
   * Trains, on drawn faces where no pictures are given. A checkpoint brings its own resolution and seed, but
   * no device.
   * Once in a worker's life.
   */
  | {
      readonly type: "start";
      readonly options: RunOptions;
      readonly device: Device;
      readonly pictures?: readonly File[];
      readonly checkpoint?: File;
    }
  /** Draws with the generator that comes with the page; answered by `trained` or `refused`. */
  | { readonly type: "show-trained"; readonly seed: number }
  | { readonly type: "pause" }
  | { readonly type: "continue" }
  /** Asks for a file, made between two steps; answered by `file`. */
  | { readonly type: "save"; readonly what: "grid" | "checkpoint" };

/** Losses of one step. */
export interface LossPoint {
  readonly kimg: number;
  readonly generator: number;
  readonly discriminator: number;
}

/** How far training is. */
export interface ProgressFigures {
  readonly kimg: number;
  /** Part of the goal that is done, 0 to 1. */
  readonly progress: number;
  readonly imagesPerSecond: number;
  readonly secondsLeft: number;
  /** Wasm memory in use by kernels and tensors, and the GPU's. */
  readonly bytes: number;
  readonly gpuBytes: number;
  /** Where the latest step was computed, in words. */
  readonly device: string;
}

export type FromWorker =
  /** The kernels are loaded. */
  | { readonly type: "ready" }
  | {
      readonly type: "opened";
      readonly checkpoint: File;
      readonly options: RunOptions;
      /** How far its training was. */
      readonly kimg: number;
    }
  | { readonly type: "refused"; readonly message: string }
  /** Samples of the generator that comes with the page. */
  | {
      readonly type: "trained";
      readonly samples: SampleTiles;
      readonly recipe: RecipeName;
      /** How long it was trained. */
      readonly kimg: number;
    }
  /** Pictures drawn or decoded so far. */
  | { readonly type: "pictures"; readonly done: number; readonly total: number }
  | {
      readonly type: "started";
      readonly options: RunOptions;
      readonly pictures: number;
      readonly skipped: readonly SkippedPicture[];
      /** Where it computes, in words, and why without a GPU where one would have been taken. */
      readonly device: string;
      readonly withoutGpu?: string;
    }
  /** Shaders compiled so far, of those that training has asked for: it waits for them. */
  | { readonly type: "warm-up"; readonly compiled: number; readonly asked: number }
  /** The GPU failed. Nothing is lost: training has gone on from where it was. */
  | {
      readonly type: "gpu-failed";
      readonly kimg: number;
      /** What training goes on with, in words. */
      readonly device: string;
      readonly notice: string;
    }
  /** The doctor found something, in words. */
  | {
      readonly type: "found";
      readonly kimg: number;
      readonly severity: "warning" | "fault";
      readonly text: string;
    }
  /** The steps since the last such message. */
  | { readonly type: "steps"; readonly points: readonly LossPoint[]; readonly figures: ProgressFigures }
  | { readonly type: "samples"; readonly kimg: number; readonly samples: SampleTiles }
  | { readonly type: "paused"; readonly kimg: number }
  | { readonly type: "continued" }
  | { readonly type: "done"; readonly kimg: number }
  /** Training ended or never began; what was trained until then can still be saved. */
  | { readonly type: "failed"; readonly message: string }
  | {
      readonly type: "file";
      readonly name: string;
      readonly mime: string;
      readonly bytes: Uint8Array<ArrayBuffer>;
    };

/** Samples as a canvas takes them: RGBA, one picture behind the other. */
export interface SampleTiles {
  readonly rgba: Uint8ClampedArray<ArrayBuffer>;
  readonly count: number;
  /** Height and width of each in pixels. */
  readonly side: number;
}
