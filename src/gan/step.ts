import {
  dispose,
  type NamedTensorMap,
  type Scalar,
  type Tensor,
  type Tensor4D,
  type Variable,
  variableGrads,
} from "@tensorflow/tfjs-core";
import { currentBackend } from "../backend/backend.ts";
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
 * Plays every turn of one step and updates the players. What depends on the moment is asked for when it is
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
    // Every check has passed at the last turn: nothing is undone after it, and averages follow.
    const average = index === last ? averages[player] : undefined;
    optimizers[player].apply(gradients, () => learningRate(moment().progress), {
      ...(average && { average, decay: () => decay(player) }),
      undo: undoneByOptimizer(game, player),
    });
    dispose([loss, norm, ...Object.values(gradients)]);
  }
  for (const [name, average] of Object.entries(averages)) {
    if (name !== game.turns[last].player) average.update(() => decay(name));
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
