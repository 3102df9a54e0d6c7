import { check, checkType, show } from "../errors.ts";

/** A setting as a function of training's progress from 0 to 1. */
export type Schedule = (progress: number) => number;

/** Half a cosine wave from `from` at progress 0 to `to` at progress 1; level outside of that. */
export function cosine(from: number, to: number): Schedule {
  return (progress) => {
    const at = Math.min(Math.max(progress, 0), 1);
    return to + ((from - to) * (1 + Math.cos(Math.PI * at))) / 2;
  };
}

/**
 * A schedule as it is, or a number as one that never changes.
 * @param caller and `name` of the setting, for the error
 * @throws RangeError for a negative number, TypeError for what is neither
 */
export function scheduleOf(value: number | Schedule, caller: string, name: string): Schedule {
  if (typeof value === "function") return value;
  checkType(
    typeof value === "number",
    () => `${caller}: expected ${name} to be a number or a function of progress, got ${show(value)}`,
  );
  check(value >= 0, () => `${caller}: expected ${name} of at least 0, got ${value}`);
  return constant(value);
}

/** Straight from `from` at progress 0 to `to` at progress `by` (default 1); level after. */
export function linear(from: number, to: number, by = 1): Schedule {
  return (progress) => from + (to - from) * Math.min(Math.max(progress / by, 0), 1);
}

/** Always `value`. */
export function constant(value: number): Schedule {
  return () => value;
}

/**
 * Decay of an average over weights after a batch of so many images, such that an image's share halves every
 * `halfLifeImages`: 0.5^(batch/halfLifeImages). A half-life of 0 keeps only the newest.
 * @throws RangeError for a negative half-life or batch.
 */
export function emaDecay(halfLifeImages: number, batch: number): number {
  check(
    halfLifeImages >= 0 && batch >= 0,
    () => `emaDecay: expected images of at least 0, got half-life ${halfLifeImages} and batch ${batch}`,
  );
  return halfLifeImages === 0 ? 0 : 0.5 ** (batch / halfLifeImages);
}
