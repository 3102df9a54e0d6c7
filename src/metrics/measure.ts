import { check, show } from "../errors.ts";
import { deriveKey, permutation } from "../random.ts";
import type { Features } from "./features.ts";

/** What a metric came to. */
export interface Measure {
  /** Of the metric, and of the feature function that it is by: `KID-MobileNet`. */
  readonly metric: string;
  readonly value: number;
  /** Where the value lies with 95 % confidence, had other samples been drawn. */
  readonly interval?: readonly [low: number, high: number];
  /** Samples that are judged. */
  readonly samples: number;
  /** Real pictures that they are judged by, where there are any. */
  readonly real?: number;
}

/**
 * Groups that samples are dealt into: intervals are by what leaving out each of them changes (the jackknife: Quenouille
 * 1956, Tukey 1958), which serves means, distances and fractions alike.
 */
export const groups = 10;

/** Row i of what has `count` rows in random order belongs to this group: each is as large as another, give or take one. */
export const groupOf = (row: number, count: number): number => Math.floor((row * groups) / count);

/** The order that samples are dealt into groups by: the same at each call, and blind to how they were sorted. */
export const dealt = (count: number, purpose: string): Uint32Array =>
  permutation(count, deriveKey(0, "metrics", purpose));

/** 97.5 % of Student's distribution lie below: Cornish and Fisher's expansion, right to 1e-4 from 9 degrees on (Abramowitz & Stegun 26.7.5). */
function studentQuantile(degrees: number): number {
  const z = 1.959964;
  const terms = [z, (z ** 3 + z) / 4, (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96];
  terms.push((3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384);
  terms.push((79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / 92160);
  return terms.reduce((sum, term, power) => sum + term / degrees ** power, 0);
}

interface Bounds {
  readonly least?: number;
  readonly most?: number;
}

/**
 * value ± t·(its standard error by the jackknife).
 * @param without the value without each of the groups, for each block of samples that the value is a mean over
 */
export function jackknifeInterval(
  value: number,
  without: readonly (readonly number[])[],
  { least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY }: Bounds = {},
): [number, number] {
  let variance = 0;
  for (const values of without) {
    const middle = values.reduce((a, b) => a + b, 0) / values.length;
    const squares = values.reduce((sum, one) => sum + (one - middle) ** 2, 0);
    variance += ((values.length - 1) / values.length) * squares;
  }
  const degrees = without.reduce((sum, { length }) => sum + length - 1, 0);
  const by = (studentQuantile(degrees) * Math.sqrt(variance)) / without.length;
  return [Math.max(least, value - by), Math.min(most, value + by)];
}

/** Where a part of independent cases lies with 95 % confidence (Wilson 1927). */
export function wilsonInterval(part: number, cases: number): [number, number] {
  const z = 1.959964 ** 2 / cases;
  const middle = part + z / 2;
  const by = Math.sqrt(z * (part * (1 - part) + z / 4));
  return [Math.max(0, (middle - by) / (1 + z)), Math.min(1, (middle + by) / (1 + z))];
}

/** Refuses features of different functions. */
export function checkSame(
  metric: string,
  a: { name: string; size: number },
  b: { name: string; size: number },
): void {
  check(
    a.name === b.name && a.size === b.size,
    () =>
      `${metric}: expected features by one function, got ${a.name} (${a.size} numbers) and ${b.name} (${b.size}). Take both by the same.`,
  );
}

/**
 * Refuses too few samples.
 * @param needed of them, and why
 */
export function checkEnough(
  metric: string,
  what: string,
  { count }: Pick<Features, "count">,
  needed: number,
  why: string,
): void {
  check(count >= needed, () => `${metric}: expected at least ${needed} ${what}, got ${count}. ${why}`);
}

export function checkPositive(metric: string, values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values)) {
    check(
      Number.isSafeInteger(value) && value > 0,
      () => `${metric}: expected ${name} to be a whole number above 0, got ${show(value)}`,
    );
  }
}
