import {
  dispose,
  type NamedTensorMap,
  type Scalar,
  type Tensor,
  type Tensor4D,
  type Variable,
  variableGrads,
} from "@tensorflow/tfjs-core";
import { onHost } from "../backend/compile.ts";
import { NonFiniteError } from "../errors.ts";
import { globalNorm } from "../ops/global-norm.ts";
import { assignStep, zeroVariable } from "../ops/in-place.ts";
import type { Adam } from "../optim/adam.ts";
import type { Ema } from "../optim/ema.ts";
import { deriveKey } from "../random.ts";
import type { Game, Play, Turn } from "./game.ts";

/** What one turn came to. */
export interface TurnReport {
  readonly loss: number;
  /** Euclidean norm of the gradient over all of the player's parameters. */
  readonly gradientNorm: number;
}

/** Where in training a step stands. */
export interface Moment {
  readonly step: number;
  readonly seed: number;
  /** Part of training done, 0 to 1: the position in every schedule. */
  readonly progress: number;
}

/** A game with the optimizer of each player, and the averages of those that have one. */
export interface Match {
  readonly game: Game;
  readonly optimizers: Readonly<Record<string, Adam>>;
  readonly averages: Readonly<Record<string, Ema>>;
  /** Of a player's average, at this step. */
  readonly decay: (player: string) => number;
}

/**
 * Players whose optimizer keeps what a step may have to undo: those with one turn. The last turn is never undone,
 * since it comes after every check.
 */
function undoneByOptimizer({ turns }: Game): ReadonlySet<string> {
  const players = turns.map(({ player }) => player);
  return new Set(
    players.slice(0, -1).filter((player) => players.indexOf(player) === players.lastIndexOf(player)),
  );
}

/**
 * Plays every turn of one step and updates the players and their averages. What depends on the moment is asked for when it is
 * computed, so that a captured step has it anew at each replay.
 * @param report is called after each turn's gradient and before its update
 * @throws NonFiniteError `non-finite-loss` naming step and player, in the midst of the step: `Undo` restores
 */
export function playStep(
  { game, optimizers, averages, decay }: Match,
  real: Tensor4D,
  moment: () => Moment,
  report: (player: string, turn: TurnReport) => void,
): void {
  const undone = undoneByOptimizer(game);
  const last = game.turns.length - 1;
  for (const [index, turn] of game.turns.entries()) {
    const { player } = turn;
    const key: Play["key"] = (purpose) => () => {
      const { seed, step } = moment();
      return deriveKey(seed, "step", step, index, purpose);
    };
    const { loss, gradients } = gradientsOf(game, turn, { real, key });
    const norm = globalNorm(Object.values(gradients));
    onHost([loss, norm], ([lossValue], [gradientNorm]) => {
      if (!(Number.isFinite(lossValue) && Number.isFinite(gradientNorm))) {
        throw new NonFiniteError(
          "non-finite-loss",
          `step ${moment().step}: the ${player}'s loss is ${lossValue} and its gradient's norm ${gradientNorm}; both must be finite. The weights are those before this step. Lower the learning rate, or resume from an earlier checkpoint.`,
        );
      }
      report(player, { loss: lossValue, gradientNorm });
    });
    const { learningRate } = game.players[player];
    optimizers[player].apply(gradients, () => learningRate(moment().progress), {
      undo: undone.has(player),
      // Averages follow when every check has passed.
      average: index === last ? averages[player] : undefined,
      decay: () => decay(player),
    });
    dispose([loss, norm, ...Object.values(gradients)]);
  }
  for (const [player, average] of Object.entries(averages)) {
    if (player !== game.turns[last].player) average.update(() => decay(player));
  }
}

/** The turn's loss and its gradient by the player's parameters, each under the parameter's name. */
function gradientsOf(
  game: Game,
  turn: Turn,
  { real, key }: Pick<Play, "real" | "key">,
): { loss: Scalar; gradients: NamedTensorMap } {
  const { parameters } = game.players[turn.player].network;
  const run: Play["run"] = (player, x, parts = 1) =>
    game.players[player].network.apply(x, { training: true, parts, track: player === turn.player });
  const { value, grads } = variableGrads(() => turn.loss({ real, run, key }), Object.values(parameters));
  const gradients: NamedTensorMap = {};
  for (const [name, variable] of Object.entries(parameters)) {
    if (grads[variable.name] != null) gradients[name] = grads[variable.name];
  }
  return { loss: value, gradients };
}

/** Keeps the values of all that a step may change before its last check, so that a step is all or nothing. */
export class Undo {
  readonly #variables: readonly Variable[];
  readonly #before: readonly Variable[];
  readonly #optimizers: Match["optimizers"];
  readonly #byOptimizer: ReadonlySet<string>;
  #steps: readonly [name: string, step: number][] | undefined;

  constructor({ game, optimizers }: Pick<Match, "game" | "optimizers">) {
    const early = new Set(game.turns.slice(0, -1).map(({ player }) => player));
    const byOptimizer = undoneByOptimizer(game);
    const variables: Variable[] = [];
    for (const [name, { network }] of Object.entries(game.players)) {
      variables.push(...Object.values(network.statistics));
      if (!early.has(name) || byOptimizer.has(name)) continue;
      const { first, second } = optimizers[name];
      for (const group of [network.parameters, first, second]) variables.push(...Object.values(group));
    }
    this.#variables = variables;
    this.#before = variables.map((variable: Tensor) => zeroVariable(variable));
    this.#optimizers = optimizers;
    this.#byOptimizer = byOptimizer;
    // Within the step it would be no part of each repetition.
    for (const name of byOptimizer) optimizers[name].reserveUndo();
  }

  /** Part of a step: notes the present values. */
  save(): void {
    for (const [i, before] of this.#before.entries()) assignStep(before, this.#variables[i]);
    onHost([], () => {
      this.#steps = Object.entries(this.#optimizers).map(([name, { step }]) => [name, step]);
    });
  }

  /** The step has come to its end. */
  forget(): void {
    this.#steps = undefined;
  }

  /** Brings back the values before a step that began and did not end. */
  restore(): void {
    if (this.#steps === undefined) return;
    for (const [i, variable] of this.#variables.entries()) assignStep(variable, this.#before[i]);
    for (const [name, step] of this.#steps) {
      const optimizer = this.#optimizers[name];
      if (this.#byOptimizer.has(name) && optimizer.step > step) optimizer.revert();
      optimizer.step = step;
    }
    this.#steps = undefined;
  }

  dispose(): void {
    dispose([...this.#before]);
  }
}
