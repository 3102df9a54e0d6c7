import { type Network, normals } from "./network.ts";

/**
 * What is compared of a network: its result; the derivative of D along directions of x and of each weight;
 * that of the penalty ‖∇ₓD‖² along directions of each weight. One list of numbers for each tensor.
 */
export interface Answers {
  readonly forward: readonly (readonly number[])[];
  readonly first: readonly (readonly number[])[];
  readonly second: readonly (readonly number[])[];
}

export const levels = ["forward", "first", "second"] as const;
export type Level = (typeof levels)[number];

/** What a backend says of a network: numbers at each level, or why there are none. */
export type Outcome = { readonly [level in Level]: Answers[level] | { readonly failed: string } };

/** By the networks' names. */
export type Outcomes = { readonly [network: string]: Outcome };

/** Three unit vectors of a tensor's space, by its name. */
export function directionsOf(network: Network, tensor: string, size: number): number[][] {
  return [0, 1, 2].map((i) => {
    const direction = normals(`${network.name} ${tensor} direction ${i}`, size);
    const length = Math.hypot(...direction);
    return direction.map((value) => value / length);
  });
}

export const dot = (a: ArrayLike<number>, b: readonly number[]): number =>
  b.reduce((sum, value, i) => sum + value * a[i], 0);
