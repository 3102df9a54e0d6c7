import {
  add,
  concat,
  dispose,
  div,
  keep,
  maximum,
  minimum,
  mul,
  type NamedTensorMap,
  type Scalar,
  slice,
  stack,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  tidy,
  type Variable,
  variableGrads,
} from "@tensorflow/tfjs-core";
import { currentBackend } from "../backend/backend.ts";
import { onHost } from "../backend/compile.ts";
import { NonFiniteError } from "../errors.ts";
import { globalNorm } from "../ops/global-norm.ts";
import { assignStep, zeroVariable } from "../ops/in-place.ts";
import { liveScalar } from "../ops/live-scalar.ts";
import type { Adam } from "../optim/adam.ts";
import type { Ema } from "../optim/ema.ts";
import { deriveKey } from "../random.ts";
import { adjustmentOf } from "./adjust.ts";
import type { Signals } from "./controller.ts";
import { batchesOf, type Game, type Moment, type Play, type Turn } from "./game.ts";

/** What one turn came to. */
export interface TurnReport {
  readonly loss: number;
  /** Euclidean norm of the gradient over all of the player's parameters, before clipping. */
  readonly gradientNorm: number;
  /** What the loss observed. */
  readonly signals: Signals;
}

/** A game with the optimizer of each player, and the averages of those that have one. */
export interface Match {
  readonly game: Game;
  readonly optimizers: Readonly<Record<string, Adam>>;
  readonly averages: Readonly<Record<string, Ema>>;
  /** Of a player's average, at this step. */
  readonly decay: (player: string) => number;
}

/** A step's real pictures, float32 NHWC, and their classes one-hot, for all of its turns end to end. */
export interface Pictures {
  readonly image: Tensor4D;
  readonly labels?: Tensor2D;
}

/**
 * Plays every turn of one step and updates the players. What depends on the moment is asked for when it is
 * computed, so that a captured step has it anew at each replay.
 * @param report is called after each turn's gradient and before its update
 * @throws NonFiniteError `non-finite-loss` naming step and player, in the midst of the step: `Undo` restores
 */
export function playStep(
  { game, optimizers, averages, decay }: Match,
  pictures: Pictures,
  moment: () => Moment,
  report: (player: string, turn: TurnReport) => void,
): void {
  const last = game.turns.length - 1;
  for (const [index, turn] of game.turns.entries()) {
    const { player } = turn;
    const { loss, gradients, signals } = turnGradients(game, index, pictures, moment);
    const norm = globalNorm(Object.values(gradients));
    const names = Object.keys(signals);
    const observed = names.length > 0 ? [stack(Object.values(signals))] : [];
    onHost([loss, norm, ...observed], ([lossValue], [gradientNorm], values = []) => {
      if (!(Number.isFinite(lossValue) && Number.isFinite(gradientNorm))) {
        throw new NonFiniteError(
          "non-finite-loss",
          // Counted as reports are: from 1 on.
          `step ${moment().step + 1}: the ${player}'s loss is ${lossValue} and its gradient's norm ${gradientNorm}; both must be finite. The weights are those before this step. Lower the learning rate, or resume from an earlier checkpoint.`,
        );
      }
      const entries = names.map((name, i) => [name, values[i]]);
      report(player, { loss: lossValue, gradientNorm, signals: Object.fromEntries(entries) });
    });
    const { learningRate, beta2, clipNorm } = game.players[player];
    const taken = clipNorm === undefined ? gradients : clipped(gradients, norm, clipNorm);
    // Every check has passed at the last turn: nothing is undone after it, and averages follow.
    const average = index === last ? averages[player] : undefined;
    const rate = () => {
      const { progress, controls } = moment();
      return learningRate(progress) * adjustmentOf(controls, `learningRate.${player}`);
    };
    optimizers[player].apply(taken, rate, {
      beta2: () => beta2(moment().progress),
      ...(average && { average, decay: () => decay(player) }),
      undo: undoneByOptimizer(game, player),
    });
    dispose([loss, norm, ...observed, ...Object.values(signals), ...Object.values(gradients)]);
    if (taken !== gradients) dispose(taken);
  }
  for (const [name, average] of Object.entries(averages)) {
    if (name !== game.turns[last].player) average.update(() => decay(name));
  }
}

/** Gradients no longer than `most` together: g·min(1, most/‖g‖). */
function clipped(gradients: NamedTensorMap, norm: Tensor, most: number): NamedTensorMap {
  return tidy(() => {
    const factor = minimum(div(most, maximum(norm, 1e-30)), 1);
    return Object.fromEntries(
      Object.entries(gradients).map(([name, gradient]) => [name, mul(gradient, factor)]),
    );
  });
}

/** A turn's loss, its gradient by each of the player's parameters, and what it observed. */
interface Outcome {
  readonly loss: Scalar;
  readonly gradients: NamedTensorMap;
  readonly signals: Readonly<Record<string, Tensor>>;
}

/** The turn's outcome, taken in portions where the game says so: the means over them. */
function turnGradients(game: Game, index: number, pictures: Pictures, moment: () => Moment): Outcome {
  const { accumulate = 1 } = game;
  const turn = game.turns[index];
  const portions = batchesOf(game) * accumulate;
  const portion = (i: number): Outcome => {
    const key: Play["key"] = (purpose) => () => {
      const { seed, step } = moment();
      const part = accumulate > 1 ? [i] : [];
      return deriveKey(seed, "step", step, index, purpose, ...part);
    };
    if (portions === 1) return gradientsOf(game, turn, pictures, key, moment);
    const count = pictures.image.shape[0] / portions;
    const start = ((turn.batch ?? 0) * accumulate + i) * count;
    const image = slice(pictures.image, [start, 0, 0, 0], [count, -1, -1, -1]);
    const labels = pictures.labels && slice(pictures.labels, [start, 0], [count, -1]);
    const outcome = gradientsOf(game, turn, { image, labels }, key, moment);
    dispose(labels === undefined ? image : [image, labels]);
    return outcome;
  };
  let sum = portion(0);
  for (let i = 1; i < accumulate; i++) {
    const next = portion(i);
    sum = combined([sum, next], ([a, b]) => add(a, b));
  }
  return accumulate === 1 ? sum : combined([sum], ([a]) => mul(a, 1 / accumulate));
}

/** Outcomes tensor by tensor made one; they are disposed. */
function combined(outcomes: readonly Outcome[], combine: (tensors: readonly Tensor[]) => Tensor): Outcome {
  const each = (tensors: readonly Tensor[]): Tensor => {
    const result = combine(tensors);
    dispose([...tensors]);
    return result;
  };
  const named = (group: "gradients" | "signals") =>
    Object.fromEntries(
      Object.keys(outcomes[0][group]).map((name) => [
        name,
        each(outcomes.map((outcome) => outcome[group][name])),
      ]),
    );
  return {
    loss: each(outcomes.map(({ loss }) => loss)) as Scalar,
    gradients: named("gradients"),
    signals: named("signals"),
  };
}

/** The turn's loss on pictures, its gradient by the player's parameters, each under the parameter's name. */
function gradientsOf(
  game: Game,
  turn: Turn,
  { image: real, labels }: Pictures,
  key: Play["key"],
  moment: () => Moment,
): Outcome {
  const { parameters } = game.players[turn.player].network;
  const signals: Record<string, Tensor> = {};
  let runs = 0;
  const mode: Play["mode"] = (player, rows, parts = 1) => {
    const run = runs++;
    const times = labels === undefined ? 0 : rows / labels.shape[0];
    return {
      ...{ training: true, parts, track: player === turn.player },
      labels: times > 1 ? concat(Array.from({ length: times }, () => labels as Tensor)) : labels,
      key: (purpose) => key(`${player}.${run}.${purpose}`),
    };
  };
  const play: Play = {
    ...{ real, labels, key, mode },
    run: (player, x, parts = 1) => game.players[player].network.apply(x, mode(player, x.shape[0], parts)),
    number: (of) => liveScalar(() => of(moment())),
    moment: moment(),
    observe(name, value) {
      // What the tape's end would free is read after it.
      signals[name] = keep(value.clone());
    },
  };
  const { value, grads } = variableGrads(() => turn.loss(play), Object.values(parameters));
  const gradients: NamedTensorMap = {};
  for (const [name, variable] of Object.entries(parameters)) {
    if (grads[variable.name] != null) gradients[name] = grads[variable.name];
  }
  return { loss: value, gradients, signals };
}

/**
 * True for a player that changes before the last check, and once: its optimizer itself can undo that. Where checks come
 * late, all of them change before.
 */
function undoneByOptimizer({ turns }: Game, player: string): boolean {
  const own = turns.filter((turn) => turn.player === player);
  return own.length === 1 && (currentBackend().checksLate || own[0] !== turns.at(-1));
}

/** What a step may change before its last check, and a copy of each for when it does not come to its end. */
interface Copies {
  readonly variables: readonly Variable[];
  readonly before: readonly Variable[];
}

/** Keeps what a step may change before its last check, so that a step is all or nothing. */
export class Undo {
  readonly #match: Match;
  /** By whether checks come late. */
  readonly #copies = new Map<boolean, Copies>();
  #steps: ReadonlyMap<string, number> | undefined;

  constructor(match: Match) {
    this.#match = match;
  }

  /** Part of a step: notes the present values. */
  save(): void {
    const { variables, before } = this.#present();
    for (const [i, copy] of before.entries()) assignStep(copy, variables[i]);
    onHost([], () => {
      this.#steps = new Map(Object.entries(this.#match.optimizers).map(([name, { step }]) => [name, step]));
    });
  }

  /** The step has come to its end. */
  forget(): void {
    this.#steps = undefined;
  }

  /** Brings back the values before a step that began and did not end. */
  restore(): void {
    if (this.#steps === undefined) return;
    const { variables, before } = this.#present();
    for (const [i, variable] of variables.entries()) assignStep(variable, before[i]);
    const { game, optimizers } = this.#match;
    for (const [name, step] of this.#steps) {
      if (optimizers[name].step > step && undoneByOptimizer(game, name)) optimizers[name].revert();
      optimizers[name].step = step;
    }
    this.#steps = undefined;
  }

  dispose(): void {
    for (const { before } of this.#copies.values()) dispose([...before]);
  }

  #present(): Copies {
    const late = currentBackend().checksLate;
    let copies = this.#copies.get(late);
    if (copies === undefined) {
      const variables = changing(this.#match, late);
      copies = { variables, before: variables.map((variable: Tensor) => zeroVariable(variable)) };
      this.#copies.set(late, copies);
    }
    return copies;
  }
}

/** Variables that a step may change before its last check, apart from those that an optimizer itself can bring back. */
function changing({ game, optimizers, averages }: Match, late: boolean): Variable[] {
  const turns = late ? game.turns : game.turns.slice(0, -1);
  const players = new Set(turns.map(({ player }) => player));
  const variables: Variable[] = [];
  for (const [name, { network }] of Object.entries(game.players)) {
    variables.push(...Object.values(network.statistics));
    if (late) variables.push(...Object.values(averages[name]?.variables ?? {}));
    if (!players.has(name) || undoneByOptimizer(game, name)) continue;
    const { first, second } = optimizers[name];
    for (const group of [network.parameters, first, second]) variables.push(...Object.values(group));
  }
  return variables;
}
