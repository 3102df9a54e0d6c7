import {
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  tensor,
  tidy,
  type Variable,
} from "@tensorflow/tfjs-core";
import { currentBackend } from "../backend/backend.ts";
import { type CompiledStep, compile, settled } from "../backend/compile.ts";
import { check, checkType, GanvilError, showShape } from "../errors.ts";
import { disposeNetwork, withValues } from "../nn/network.ts";
import { imageBatch } from "../ops/image.ts";
import { assignStep } from "../ops/in-place.ts";
import { Adam } from "../optim/adam.ts";
import { Ema } from "../optim/ema.ts";
import { type Batch, checkBatch, isTensor } from "./batch.ts";
import { averageDecay, type Game, trainedAndTracked } from "./game.ts";
import { Safeguard } from "./safeguard.ts";
import { type CompleteSettings, completeSettings, type GanSettings, twoPlayerGame } from "./settings.ts";
import { checkArrays, metadataOf, positionOf, type StateTensor, type TrainingState } from "./state.ts";
import { type Match, playStep, type TurnReport, Undo } from "./step.ts";

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
  #reports: Record<string, TurnReport> = {};
  readonly #match: Match;
  readonly #undo: Undo;
  readonly #safeguard = new Safeguard({
    isOnGpu: () => this.device === "webgpu",
    state: () => this.#copyState(),
    restore: (state) => this.#takeState(state),
    play: (batch) => this.#stepOnce(batch),
  });
  readonly #compiled: CompiledStep = compile((real) => {
    this.#playOnce(real as Tensor4D);
    return [];
  });

  constructor(settings: GanSettings) {
    this.settings = completeSettings(settings);
    this.#seed = this.settings.seed;
    this.game = twoPlayerGame(this.settings);
    for (const [name, player] of Object.entries(this.game.players)) {
      this.#optimizers[name] = new Adam(player.network.parameters, player);
      if (player.averageHalfLife !== undefined) this.#averages[name] = new Ema(trainedAndTracked(player));
    }
    this.#match = {
      ...{ game: this.game, optimizers: this.#optimizers, averages: this.#averages },
      decay: (name) => averageDecay(this.game.players[name], this.#imagesSeen, this.settings.batch),
    };
    this.#undo = new Undo(this.#match);
  }

  /** Steps done. */
  get stepsDone(): number {
    return this.#step;
  }

  /** Real pictures that the discriminator has been shown. */
  get imagesSeen(): number {
    return this.#imagesSeen;
  }

  /** `"captured"` where steps are replayed, `"watched"` before, or why they are not: see `compile`. */
  get stepStatus(): string {
    return this.settings.capture ? this.#compiled.status : "capture is off";
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
   * @throws RangeError when the batch's shape is not [batch, resolution, resolution, channels]
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

  async #stepOnce({ image, cursor }: Batch): Promise<Record<string, TurnReport>> {
    const real = isTensor(image) ? image : imageBatch(image);
    try {
      checkBatch(real, cursor, this.settings);
      const reports = await this.#play(real);
      this.#step++;
      this.#imagesSeen += this.settings.batch;
      this.#cursor = cursor;
      return reports;
    } finally {
      real.dispose();
    }
  }

  /** Every player's turn, then the averages; the reports of the turns. */
  async #play(real: Tensor4D): Promise<Record<string, TurnReport>> {
    this.#reports = {};
    try {
      if (this.settings.capture) this.#compiled(real);
      else this.#playOnce(real);
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

  #playOnce(real: Tensor4D): void {
    const moment = () => ({ step: this.#step, seed: this.#seed, progress: this.progress });
    this.#undo.save();
    playStep(this.#match, real, moment, (player, report) => {
      this.#reports[player] = report;
    });
  }

  /**
   * Pictures from latents, by the averaged generator with running statistics.
   * @param z float32 [N, latent], from N(0, 1)
   * @returns float32 [N, resolution, resolution, channels] in [-1, 1]
   */
  generate(z: Tensor2D): Tensor4D {
    check(
      z.shape.length === 2 && z.shape[1] === this.settings.latent,
      () => `generate: expected z [N,${this.settings.latent}], got ${showShape(z.shape)}`,
    );
    checkType(z.dtype === "float32", () => `generate: expected z of dtype float32, got ${z.dtype}`);
    const { generator } = this.game.players;
    return withValues(trainedAndTracked(generator), this.#averages.generator.variables, () =>
      generator.network.apply(z as Tensor, { training: false, parts: 1, track: false }),
    ) as Tensor4D;
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
    const at = positionOf(state.metadata, Object.keys(this.#optimizers));
    checkArrays(arrays, tensors);
    for (const [name, variable] of arrays) {
      tidy(() => assignStep(variable, tensor(tensors[name].data, variable.shape, "float32")));
    }
    for (const [name, count] of Object.entries(at.optimizerSteps)) this.#optimizers[name].step = count;
    this.#step = at.step;
    this.#imagesSeen = at.imagesSeen;
    this.#cursor = at.cursor;
    this.#seed = at.seed;
  }

  /** Frees every variable. */
  dispose(): void {
    this.#notStepping("dispose");
    this.#compiled.dispose();
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
