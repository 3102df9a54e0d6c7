import {
  dispose,
  type NamedTensorMap,
  type Scalar,
  type Tensor,
  type Tensor4D,
  type Variable,
  variableGrads,
} from "@tensorflow/tfjs-core";
import { NonFiniteError } from "../errors.ts";
import { globalNorm } from "../ops/global-norm.ts";
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
 * Plays every turn of one step and updates the players. All or nothing: when a loss or gradient is not
 * finite, every variable is again what it was before the step.
 * @throws NonFiniteError `non-finite-loss` naming step and player
 */
export async function playStep(
  match: Match,
  real: Tensor4D,
  moment: Moment,
): Promise<Record<string, TurnReport>> {
  const { game, optimizers, averages, decay } = match;
  const reports: Record<string, TurnReport> = {};
  const undo = remember(match);
  const last = game.turns.length - 1;
  try {
    for (const [index, turn] of game.turns.entries()) {
      const key: Play["key"] = (purpose) => deriveKey(moment.seed, "step", moment.step, index, purpose);
      const { loss, gradients } = gradientsOf(game, turn, { real, key });
      try {
        reports[turn.player] = await finiteReport(loss, gradients, turn.player, moment.step);
        const { player } = turn;
        // Every check has passed at the last turn: nothing is undone after it, and averages follow.
        const average = index === last ? averages[player] : undefined;
        optimizers[player].apply(gradients, game.players[player].learningRate(moment.progress), {
          ...(average && { average, decay: decay(player) }),
          undo: undo.byOptimizer.has(player),
        });
      } finally {
        dispose([loss, ...Object.values(gradients)]);
      }
    }
  } catch (error) {
    undo.restore();
    throw error;
  } finally {
    undo.forget();
  }
  for (const [name, average] of Object.entries(averages)) {
    if (name !== game.turns[last].player) average.update(decay(name));
  }
  return reports;
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

async function finiteReport(
  loss: Scalar,
  gradients: NamedTensorMap,
  player: string,
  step: number,
): Promise<TurnReport> {
  const norm = globalNorm(Object.values(gradients));
  const [[lossValue], [gradientNorm]] = await Promise.all([loss.data(), norm.data()]);
  norm.dispose();
  if (Number.isFinite(lossValue) && Number.isFinite(gradientNorm)) return { loss: lossValue, gradientNorm };
  throw new NonFiniteError(
    "non-finite-loss",
    `step ${step}: the ${player}'s loss is ${lossValue} and its gradient's norm ${gradientNorm}; both must be finite. The weights are those before this step. Lower the learning rate, or resume from an earlier checkpoint.`,
  );
}

/**
 * Holds on to the present values of all that this step may change before its last check. The optimizer of a
 * player with one turn keeps what it changes. The rest is cloned: a clone shares a variable's values until an
 * in-place update, which then writes to a copy, so that only what changes is copied.
 */
function remember({ game, optimizers }: Match) {
  const turns = game.turns.map(({ player }) => player);
  // The last player's weights change after every check has passed.
  const changing = new Set(turns.slice(0, -1));
  const byOptimizer = new Set([...changing].filter((name) => turns.filter((it) => it === name).length === 1));
  const variables: Variable[] = [];
  for (const [name, { network }] of Object.entries(game.players)) {
    variables.push(...Object.values(network.statistics));
    if (!changing.has(name) || byOptimizer.has(name)) continue;
    const { first, second } = optimizers[name];
    for (const group of [network.parameters, first, second]) variables.push(...Object.values(group));
  }
  const values: Tensor[] = variables.map((variable) => variable.clone());
  const steps = Object.entries(optimizers).map(([name, { step }]) => ({ name, step }));
  return {
    /** Players whose steps are to be made with `undo`. */
    byOptimizer: byOptimizer as ReadonlySet<string>,
    restore: () => {
      for (const [i, variable] of variables.entries()) variable.assign(values[i]);
      for (const { name, step } of steps) {
        const optimizer = optimizers[name];
        if (byOptimizer.has(name) && optimizer.step > step) optimizer.revert();
        optimizer.step = step;
      }
    },
    forget: () => dispose(values),
  };
}
