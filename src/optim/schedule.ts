import { check } from "../errors.ts";

/** A setting as a function of training's progress from 0 to 1. */
export type Schedule = (progress: number) => number;

/** Half a cosine wave from `from` at progress 0 to `to` at progress 1; level outside of that. */
export function cosine(from: number, to: number): Schedule {
  return (progress) => {
    const at = Math.min(Math.max(progress, 0), 1);
    return to + ((from - to) * (1 + Math.cos(Math.PI * at))) / 2;
  };
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
