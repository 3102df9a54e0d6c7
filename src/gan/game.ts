import type { Scalar, Tensor, Tensor2D, Tensor4D, Variable } from "@tensorflow/tfjs-core";
import type { Mode, Network } from "../nn/network.ts";
import { emaDecay, type Schedule } from "../optim/schedule.ts";
import type { Key } from "../random.ts";
import type { Controller, Controls } from "./controller.ts";

/** A network and how it is trained. */
export interface Player {
  readonly network: Network;
  readonly learningRate: Schedule;
  /** Adam's decay of the gradient's mean. */
  readonly beta1: number;
  /** Adam's decay of the gradient's square. */
  readonly beta2: Schedule;
  /** The gradient is scaled down to this norm where it is longer. Left out: it is taken as it is. */
  readonly clipNorm?: number;
  /**
   * Keep an exponential moving average of the network, with at most this half-life in images, and a tenth of
   * the pictures seen. Left out: none is kept.
   */
  readonly averageHalfLife?: Schedule;
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
export function averageDecay(
  { averageHalfLife }: Player,
  { imagesSeen, progress }: Pick<Moment, "imagesSeen" | "progress">,
  images: number,
): number {
  const halfLife = averageHalfLife?.(progress) ?? 0;
  return emaDecay(Math.min(halfLife, averageShare * imagesSeen), images);
}

/** Where in training a step stands. */
export interface Moment {
  readonly step: number;
  readonly seed: number;
  /** Real pictures seen before this step. */
  readonly imagesSeen: number;
  /** Part of training done, 0 to 1: the position in every schedule. */
  readonly progress: number;
  /** What controllers hold. */
  readonly controls: Controls;
}

/** What a loss sees of one turn. */
export interface Play {
  /** The turn's pictures, float32 NHWC in [-1, 1]. */
  readonly real: Tensor4D;
  /** Their classes, float32 [N, classes], a one in each row; absent where there are none. */
  readonly labels?: Tensor2D;
  /**
   * Runs a player's network in training mode; each run of a turn draws random numbers of its own.
   * @param parts the batch is so many end to end, each normalised by itself. Default 1. Labels are those of the turn's
   *   pictures, over and over.
   */
  run(player: string, x: Tensor, parts?: number): Tensor;
  /** The mode in which `run` runs a player's network, for one run more. */
  mode(player: string, rows: number, parts?: number): Mode;
  /**
   * Key of this turn's random numbers for one purpose; another at every step, so it is a function, to be handed to
   * `randomNormal` and its kind as it is.
   */
  key(purpose: string): () => Key;
  /** A number that depends on the moment, as a constant of the turn's tape: float32 []. */
  number(of: (moment: Moment) => number): Scalar;
  /**
   * The moment at which the loss is called. A captured step calls it for the first steps of a phase only: see
   * `Game.phase`.
   */
  readonly moment: Moment;
  /** Has a number of this turn in its report, for controllers and whoever watches. A name counts once. */
  observe(name: string, value: Scalar): void;
}

/** One player's move: minimise this loss over the player's own parameters. */
export interface Turn {
  readonly player: string;
  /** Which of the step's batches it plays on. Default 0. */
  readonly batch?: number;
  readonly loss: (play: Play) => Scalar;
}

/** Players by name and the turns of one step, in order. */
export interface Game {
  readonly players: Readonly<Record<string, Player>>;
  readonly turns: readonly Turn[];
  /**
   * Steps of one phase call the same kernels, so that each phase is captured by itself: a loss that computes more in
   * some steps says which they are. Default: all steps are alike.
   */
  readonly phase?: (moment: Pick<Moment, "step" | "progress">) => string;
  /** Numbers that training adapts. */
  readonly controllers?: readonly Controller[];
  /** A turn's pictures are taken in so many portions, whose gradients are averaged. Default 1. */
  readonly accumulate?: number;
}

/** Batches that a step takes. */
export function batchesOf({ turns }: Game): number {
  return 1 + Math.max(...turns.map(({ batch = 0 }) => batch));
}
