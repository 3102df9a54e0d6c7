import { check } from "../errors.ts";
import { deriveKey, permutation } from "../random.ts";
import type { Features } from "./features.ts";
import { groups } from "./measure.ts";

/** Sums over the samples of one group, of their differences from a fixed point. */
interface Sums {
  count: number;
  readonly first: Float64Array;
  /** [size, size], the upper half of it. */
  readonly second: Float64Array;
}

/** Mean and covariance. */
export interface Gaussian {
  readonly count: number;
  readonly mean: Float64Array;
  /** [size, size] row by row, over count − 1. */
  readonly covariance: Float64Array;
}

/**
 * Mean and covariance of features in float64, gathered a batch after the other: samples need not fit into memory, only
 * ten matrices [size, size] do (84 MB for 1,024 features), one for each group that an interval leaves out.
 */
export class Moments {
  readonly name: string;
  readonly size: number;
  readonly #sums: readonly Sums[];
  /** The first sample, which all are taken relative to, so that squares cancel little. */
  #origin: Float64Array | undefined;
  #count = 0;
  #deal: Uint32Array = new Uint32Array();

  /** @param of the feature function, or features: their name and size are taken */
  constructor({ name, size }: Pick<Features, "name" | "size">) {
    this.name = name;
    this.size = size;
    this.#sums = Array.from({ length: groups }, () => ({
      count: 0,
      first: new Float64Array(size),
      second: new Float64Array(size * size),
    }));
  }

  static of(features: Features): Moments {
    return new Moments(features).add(features);
  }

  get count(): number {
    return this.#count;
  }

  /** @throws RangeError for features by another function */
  add({ name, size, count, rows }: Features): this {
    check(
      name === this.name && size === this.size,
      () => `Moments: expected features by ${this.name} (${this.size} numbers), got ${name} (${size})`,
    );
    this.#origin ??= Float64Array.from(rows.subarray(0, size));
    const x = new Float64Array(size);
    for (let row = 0; row < count; row++) {
      for (let i = 0; i < size; i++) x[i] = rows[row * size + i] - this.#origin[i];
      const sums = this.#sums[this.#nextGroup()];
      sums.count++;
      for (let i = 0; i < size; i++) {
        const value = x[i];
        sums.first[i] += value;
        // Features after a ReLU are zero half of the time.
        if (value === 0) continue;
        for (let j = i; j < size; j++) sums.second[i * size + j] += value * x[j];
      }
    }
    return this;
  }

  /** Of each ten in a row one goes to each group, at random: samples may come in the order of their classes. */
  #nextGroup(): number {
    const at = this.#count++ % groups;
    if (at === 0) this.#deal = permutation(groups, deriveKey(0, "moments", this.#count));
    return this.#deal[at];
  }

  /** Of all samples, or of those that are not in one of the groups 0 to 9. */
  gaussian(without?: number): Gaussian {
    const { size } = this;
    const taken = this.#sums.filter((_, group) => group !== without);
    const count = taken.reduce((sum, group) => sum + group.count, 0);
    const mean = new Float64Array(size);
    const covariance = new Float64Array(size * size);
    for (const { first, second } of taken) {
      for (let i = 0; i < size; i++) mean[i] += first[i] / count;
      for (let i = 0; i < covariance.length; i++) covariance[i] += second[i];
    }
    for (let i = 0; i < size; i++) {
      for (let j = i; j < size; j++) {
        const value = (covariance[i * size + j] - count * mean[i] * mean[j]) / (count - 1);
        covariance[i * size + j] = value;
        covariance[j * size + i] = value;
      }
    }
    for (let i = 0; i < size; i++) mean[i] += this.#origin?.[i] ?? 0;
    return { count, mean, covariance };
  }
}
