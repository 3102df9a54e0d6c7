import { cast, exp, floor, less, mul, sub, type Tensor, unstack } from "@tensorflow/tfjs-core";
import { randomNormal, randomUniform } from "../ops/random.ts";
import type { AugmentTurn } from "./augment.ts";

/** Random numbers of ADA's changes, one for each picture: float32 [N]. Each call gives others. */
export interface Draws {
  /** In [0, 1). */
  uniform(): Tensor;
  /** Standard normal. */
  normal(): Tensor;
  /** 1 with the probability that training has come to, or a given one, else 0. */
  gate(probability?: Tensor): Tensor;
  /** That probability, float32 []. */
  readonly probability: Tensor;
}

/** Draws at most: the numbers of a kind come as one tensor. */
const most = { uniform: 25, normal: 8 };

/** The draws of a turn, for n pictures. */
export function drawsFor({ key, control }: AugmentTurn, n: number): Draws {
  const uniforms = unstack(randomUniform([most.uniform, n], { key: key("uniform") }));
  const normals = unstack(randomNormal([most.normal, n], { key: key("normal") }));
  const p = control("ada");
  const uniform = () => uniforms.pop()!;
  return {
    ...{ uniform, probability: p },
    normal: () => normals.pop()!,
    gate: (probability = p) => cast(less(uniform(), probability), "float32"),
  };
}

/** 2 to the power of a normal number of this deviation where the gate is open, else 1. */
export const logNormal = ({ gate, normal }: Draws, deviation: number): Tensor =>
  exp(mul(mul(gate(), normal()), deviation * Math.LN2));

/** −1 for half of the pictures whose gate is open, else 1. */
export const turnedAbout = (draws: Draws): Tensor => sub(1, mul(among(draws, 2), 2));

/** 0 to count − 1 where the gate is open, else 0. */
export const among = ({ gate, uniform }: Draws, count: number): Tensor =>
  mul(gate(), floor(mul(uniform(), count)));

/** From −by to by where the gate is open, else 0. */
export const around = ({ gate, uniform }: Draws, by: number, probability?: Tensor): Tensor =>
  mul(gate(probability), mul(sub(mul(uniform(), 2), 1), by));
