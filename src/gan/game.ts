import type { Scalar, Tensor, Tensor4D, Variable } from "@tensorflow/tfjs-core";
import type { Network } from "../nn/network.ts";
import { emaDecay, type Schedule } from "../optim/schedule.ts";
import type { Key } from "../random.ts";

/** A network and how it is trained. */
export interface Player {
  readonly network: Network;
  readonly learningRate: Schedule;
  /** Adam's decay of the gradient's mean. */
  readonly beta1: number;
  /** Adam's decay of the gradient's square. */
  readonly beta2: number;
  /**
   * Keep an exponential moving average of the network, with at most this half-life in images, and a tenth of
   * the pictures seen. Left out: none is kept.
   */
  readonly averageHalfLife?: number;
}

/** A player's variables: what is trained, and what follows along. */
export function trainedAndTracked({ network }: Player): Record<string, Variable> {
  return { ...network.parameters, ...network.statistics };
}

/**
 * An average's half-life is at most this part of the pictures seen, so that it forgets the start of training
 * (Karras et al. 2020, arXiv 2006.06676, who take a twentieth).
 */
const averageShare = 0.1;

/** Decay of a player's average at a step of so many pictures. */
export function averageDecay({ averageHalfLife = 0 }: Player, imagesSeen: number, batch: number): number {
  return emaDecay(Math.min(averageHalfLife, averageShare * imagesSeen), batch);
}

/** What a loss sees of one turn. */
export interface Play {
  /** The batch's pictures, float32 NHWC in [-1, 1]. */
  readonly real: Tensor4D;
  /**
   * Runs a player's network in training mode.
   * @param parts the batch is so many end to end, each normalised by itself. Default 1.
   */
  run(player: string, x: Tensor, parts?: number): Tensor;
  /**
   * Key of this turn's random numbers for one purpose; another at every step, so it is a function, to be handed to
   * `randomNormal` and its kind as it is.
   */
  key(purpose: string): () => Key;
}

/** One player's move: minimise this loss over the player's own parameters. */
export interface Turn {
  readonly player: string;
  readonly loss: (play: Play) => Scalar;
}

/** Players by name and the turns of one step, in order. */
export interface Game {
  readonly players: Readonly<Record<string, Player>>;
  readonly turns: readonly Turn[];
}
