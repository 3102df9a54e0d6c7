// Longer than most: all that is public of a GAN in training, each part of which is a line or two here.
import {
  reshape,
  slice,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  tensor,
  tidy,
  type Variable,
} from "@tensorflow/tfjs-core";
import { currentBackend } from "../backend/backend.ts";
import { settled } from "../backend/compile.ts";
import { check, checkType, GanvilError, showShape } from "../errors.ts";
import { disposeNetwork, inferenceMode, type Network, withValues } from "../nn/network.ts";
import { imageBatch } from "../ops/image.ts";
import { assignStep } from "../ops/in-place.ts";
import { Adam } from "../optim/adam.ts";
import { Ema } from "../optim/ema.ts";
import { type Batch, checkBatch, isTensor, oneHot } from "./batch.ts";
import type { Controls, Signals } from "./controller.ts";
import { averageDecay, batchesOf, type Game, type Moment, trainedAndTracked } from "./game.ts";
import { Phases } from "./phases.ts";
import { Safeguard } from "./safeguard.ts";
import { type CompleteSettings, completeSettings, type GanSettings } from "./settings.ts";
import { checkArrays, metadataOf, positionOf, type StateTensor, type TrainingState } from "./state.ts";
import { type Match, type Pictures, playStep, type TurnReport, Undo } from "./step.ts";
import { twoPlayerGame } from "./two-player.ts";

/** A GAN in training: its networks, their optimizers and averages, and where training stands. */
export class Gan {
  readonly settings: CompleteSettings;
  readonly game: Game;
  readonly #optimizers: Record<string, Adam> = {};
  readonly #averages: Record<string, Ema> = {};
  #seed: number;
  #step = 0;
  #imagesSeen = 0;
  #cursor = 0;
  #stepping = false;
  #controls: Record<string, number> = {};
  #reports: Record<string, TurnReport> = {};
  readonly #match: Match;
  readonly #undo: Undo;
  readonly #safeguard = new Safeguard({
    isOnGpu: () => this.device === "webgpu",
    state: () => this.#copyState(),
    restore: (state) => this.#takeState(state),
    play: (batch) => this.#stepOnce(batch),
  });
  readonly #phases: Phases;

  constructor(settings: GanSettings) {
    this.settings = completeSettings(settings);
    this.#seed = this.settings.seed;
    this.game = twoPlayerGame(this.settings);
    for (const [name, player] of Object.entries(this.game.players)) {
      this.#optimizers[name] = new Adam(player.network.parameters, { beta1: player.beta1 });
      if (player.averageHalfLife !== undefined) this.#averages[name] = new Ema(trainedAndTracked(player));
    }
    this.#match = {
      ...{ game: this.game, optimizers: this.#optimizers, averages: this.#averages },
      decay: (name) => averageDecay(this.game.players[name], this.moment, this.imagesPerStep),
    };
    this.#undo = new Undo(this.#match);
    this.#phases = new Phases((pictures) => this.#playOnce(pictures));
    for (const { name, initial } of this.game.controllers ?? []) this.#controls[name] = initial;
  }

  /** Steps done. */
  get stepsDone(): number {
    return this.#step;
  }

  /** Real pictures that the discriminator has been shown. */
  get imagesSeen(): number {
    return this.#imagesSeen;
  }

  /** Real pictures that one step takes: a batch for each of the discriminator's turns. */
  get imagesPerStep(): number {
    return this.settings.batch * batchesOf(this.game);
  }

  /** What controllers have come to, by name, and what the run has been adjusted by: see `adjusted`. */
  get controls(): Controls {
    return { ...this.#controls };
  }

  /** Where training stands. */
  get moment(): Moment {
    return {
      ...{ step: this.#step, seed: this.#seed, imagesSeen: this.#imagesSeen, progress: this.progress },
      controls: this.#controls,
    };
  }

  /**
   * `"captured"` where steps are replayed, `"watched"` before, or why they are not: see `compile`. Of the last step's
   * kind, where steps are of several.
   */
  get stepStatus(): string {
    return this.settings.capture ? this.#phases.status : "capture is off";
  }

  /** Where the weights are, and so where steps compute: `"webgpu"` where some are on the GPU alone. */
  get device(): "wasm" | "webgpu" {
    const { residency } = currentBackend();
    for (const [, { dataId }] of this.#arrays())
      if (residency.isOnGpuOnly(residency.of(dataId))) return "webgpu";
    return "wasm";
  }

  /** What happened to the GPU since this was last asked: each loss, and what training went on with. */
  takeNotices(): string[] {
    return this.#safeguard.takeNotices();
  }

  /** Position in the data to go on from. */
  get cursor(): number {
    return this.#cursor;
  }

  /** Part of the planned training that is done, 0 to 1. */
  get progress(): number {
    return Math.min(1, this.#imagesSeen / (this.settings.kimg * 1000));
  }

  /**
   * One step on one batch: every player's turn, then the averages. All or nothing. Where the GPU is lost on the way,
   * training goes back to the last copy of its state in memory, repeats the steps since on another GPU, or on Wasm, and
   * then makes this step: see `takeNotices`.
   * @throws RangeError when the batch's shape is not [imagesPerStep, resolution, resolution, channels], or its labels
   *   are not as many class numbers
   * @throws NonFiniteError when a loss or gradient is not finite; nothing has changed then
   */
  step(batch: Batch): Promise<Record<string, TurnReport>> {
    return this.#alone("step", async () => {
      try {
        return await this.#safeguard.step(batch, (again) => this.#stepOnce(again));
      } finally {
        if (isTensor(batch.image)) batch.image.dispose();
      }
    });
  }

  /** Runs `f` with no step, nor anything else that changes the GAN, under way. */
  async #alone<T>(what: string, f: () => Promise<T>): Promise<T> {
    this.#notStepping(what);
    this.#stepping = true;
    try {
      return await f();
    } finally {
      this.#stepping = false;
    }
  }

  async #stepOnce({ image, label, cursor }: Batch): Promise<Record<string, TurnReport>> {
    const { resolution, channels, classes } = this.settings;
    const count = this.imagesPerStep;
    const real = isTensor(image) ? image : imageBatch(image);
    let labels: Tensor2D | undefined;
    try {
      checkBatch(real, cursor, { batch: count, resolution, channels });
      labels = oneHot(label, { count, classes });
      const reports = await this.#play({ image: real, labels });
      this.#control(Object.values(reports), count);
      this.#step++;
      this.#imagesSeen += count;
      this.#cursor = cursor;
      return reports;
    } finally {
      real.dispose();
      labels?.dispose();
    }
  }

  /** Controllers hear what the step observed. */
  #control(reports: readonly TurnReport[], images: number): void {
    const signals: Signals = Object.assign({}, ...reports.map((report) => report.signals));
    for (const { name, next } of this.game.controllers ?? []) {
      this.#controls[name] = next(this.#controls[name], signals, images);
    }
  }

  /** Every player's turn, then the averages; the reports of the turns. */
  async #play(pictures: Pictures): Promise<Record<string, TurnReport>> {
    this.#reports = {};
    try {
      if (this.settings.capture) this.#phases.play(this.game.phase?.(this.moment) ?? "", pictures);
      else this.#playOnce(pictures);
      await settled();
      return this.#reports;
    } catch (error) {
      // What a lost GPU takes with it comes back from elsewhere.
      if (currentBackend().gpu?.failure === undefined) this.#undo.restore();
      throw error;
    } finally {
      this.#undo.forget();
    }
  }

  #playOnce(pictures: Pictures): void {
    this.#undo.save();
    playStep(
      this.#match,
      pictures,
      () => this.moment,
      (player, report) => {
        this.#reports[player] = report;
      },
    );
  }

  /**
   * Pictures from latents, by the averaged generator with running statistics.
   * @param z float32 [N, latent], from N(0, 1)
   * @param labels class of each picture, for a GAN of classes
   * @returns float32 [N, resolution, resolution, channels] in [-1, 1]
   */
  generate(z: Tensor2D, labels?: readonly number[]): Tensor4D {
    check(
      z.shape.length === 2 && z.shape[1] === this.settings.latent,
      () => `generate: expected z [N,${this.settings.latent}], got ${showShape(z.shape)}`,
    );
    checkType(z.dtype === "float32", () => `generate: expected z of dtype float32, got ${z.dtype}`);
    return tidy(() => {
      const classes = oneHot(labels, { count: z.shape[0], classes: this.settings.classes });
      return this.withAverages((generator) => generator.apply(z as Tensor, inferenceMode(classes)));
    }) as Tensor4D;
  }

  /** Runs `f` on the generator while it has its averaged weights: for what goes into its halves or weights. */
  withAverages<T extends Tensor>(f: (generator: Network) => T): T {
    const { generator } = this.game.players;
    return withValues(trainedAndTracked(generator), this.#averages.generator.variables, () =>
      f(generator.network),
    );
  }

  /**
   * What the discriminator says of pictures, without augmentation and with running statistics.
   * @param x float32 [N, resolution, resolution, channels] in [-1, 1]
   * @param labels class of each picture, for a GAN of classes
   * @returns float32 [N], high for "real"
   */
  critique(x: Tensor4D, labels?: readonly number[]): Tensor1D {
    return tidy(() => {
      const classes = oneHot(labels, { count: x.shape[0], classes: this.settings.classes });
      const columns = this.settings.discriminator.apply(x, inferenceMode(classes));
      return reshape(slice(reshape(columns, [x.shape[0], -1]), [0, 0], [-1, 1]), [-1]) as Tensor1D;
    });
  }

  /** A copy of all that is needed to go on exactly from here. */
  state(): Promise<TrainingState> {
    return this.surviving(() => this.#copyState());
  }

  /** What `read` gives; where the GPU is lost before or under it, what it took comes back and `read` is called again. */
  async surviving<T>(read: () => Promise<T>): Promise<T> {
    for (;;) {
      await this.#alone("state", () => this.#safeguard.recover());
      try {
        return await read();
      } catch (error) {
        if (currentBackend().gpu?.failure === undefined) throw error;
      }
    }
  }

  async #copyState(): Promise<TrainingState> {
    const optimizerSteps = Object.fromEntries(
      Object.entries(this.#optimizers).map(([name, { step }]) => [name, step]),
    );
    const position = {
      step: this.#step,
      imagesSeen: this.#imagesSeen,
      cursor: this.#cursor,
      seed: this.#seed,
      controls: this.controls,
    };
    const metadata = metadataOf({ ...position, optimizerSteps }, this.settings.recipe);
    // Every read begins before the first is awaited, so that no step can come in between.
    const reading = [...this.#arrays()].map(async ([name, variable]): Promise<[string, StateTensor]> => {
      const data = await variable.data<"float32">();
      return [name, { dtype: "float32", shape: variable.shape, data }];
    });
    const tensors = Object.fromEntries(await Promise.all(reading));
    return { tensors, metadata };
  }

  /**
   * Goes on from a state. Everything is checked before anything is overwritten.
   * @throws CheckpointError when the state is of another format or another network
   */
  restore(state: TrainingState): void {
    this.#notStepping("restore");
    this.#takeState(state);
    this.#safeguard.forget();
  }

  #takeState(state: TrainingState): void {
    const { tensors } = state;
    const arrays = [...this.#arrays()];
    const controllers = (this.game.controllers ?? []).map(({ name }) => name);
    const at = positionOf(state.metadata, Object.keys(this.#optimizers), controllers);
    checkArrays(arrays, tensors);
    for (const [name, variable] of arrays) {
      tidy(() => assignStep(variable, tensor(tensors[name].data, variable.shape, "float32")));
    }
    for (const [name, count] of Object.entries(at.optimizerSteps)) this.#optimizers[name].step = count;
    this.#step = at.step;
    this.#imagesSeen = at.imagesSeen;
    this.#cursor = at.cursor;
    this.#seed = at.seed;
    this.#controls = { ...at.controls };
  }

  /** Frees every variable. */
  dispose(): void {
    this.#notStepping("dispose");
    this.#phases.dispose();
    this.#undo.dispose();
    for (const { network } of Object.values(this.game.players)) disposeNetwork(network);
    for (const holder of [...Object.values(this.#optimizers), ...Object.values(this.#averages)])
      holder.dispose();
  }

  /** Every resumable array under its name in a state. */
  *#arrays(): Generator<[string, Variable]> {
    for (const [name, player] of Object.entries(this.game.players)) {
      const groups = {
        "": trainedAndTracked(player),
        ".adam-first": this.#optimizers[name].first,
        ".adam-second": this.#optimizers[name].second,
        ".average": this.#averages[name]?.variables ?? {},
      };
      for (const [group, variables] of Object.entries(groups)) {
        for (const [key, variable] of Object.entries(variables)) yield [`${name}${group}/${key}`, variable];
      }
    }
  }

  #notStepping(what: string): void {
    if (!this.#stepping) return;
    throw new GanvilError(
      "step-in-progress",
      `${what}: a step is under way. Await it (or the next report of train) first.`,
    );
  }
}

/**
 * A GAN ready to train, or to be restored from a checkpoint.
 * @throws RangeError, TypeError for settings that cannot be, saying what was expected and found
 */
export function createGan(settings: GanSettings): Gan {
  return new Gan(settings);
}
