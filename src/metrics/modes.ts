import { check } from "../errors.ts";
import type { ImageBytes } from "../gan/batch.ts";
import { checkEnough, dealt, groupOf, groups, jackknifeInterval, type Measure } from "./measure.ts";

export interface ModeOptions {
  /** Number of classes. */
  readonly classes: number;
  /** Name of the classifier, which becomes part of the metrics' names. */
  readonly classifier: string;
  /** Classes of real pictures, whose frequencies are the reference. Default: each class is as frequent. */
  readonly real?: ArrayLike<number>;
}

export interface Modes {
  /** `modes-CLASSIFIER`: classes with at least one sample. */
  readonly modes: Measure;
  /**
   * `KL-CLASSIFIER`: KL(samples ‖ reference) of the classes' frequencies, in nats. Infinite where a sample is of a class
   * that no real picture is of.
   */
  readonly kl: Measure & {
    /** What as many samples from the reference itself come to in the mean: (classes − 1)/2n (Miller 1955). */
    readonly floor: number;
  };
}

/**
 * How many modes there are among samples, and how evenly (Srivastava et al. 2017, arXiv 1705.07761; Metz et al. 2016,
 * arXiv 1611.02163), by the classes that a given classifier finds.
 * @param found class of each sample, 0 to classes − 1
 * @throws RangeError for so few samples that a class could be missing by chance
 */
export function modeCoverage(found: ArrayLike<number>, { classes, classifier, real }: ModeOptions): Modes {
  check(Number.isInteger(classes) && classes > 1, () => `modes: expected at least 2 classes, got ${classes}`);
  const needed = samplesForModes(classes);
  const count = found.length;
  const why = `With fewer, one of ${classes} equally frequent classes is missing by chance in 1 of 20 cases.`;
  checkEnough(`modes-${classifier}`, "samples", { count }, needed, why);
  const tables = counted(found, classes);
  const reference =
    real === undefined ? Array<number>(classes).fill(1 / classes) : frequencies(counted(real, classes));
  const value = divergence(frequencies(tables), reference);
  const without = tables.map((_, group) =>
    divergence(frequencies(tables.filter((_, other) => other !== group)), reference),
  );
  const seen = frequencies(tables).filter((part) => part > 0).length;
  const judged = { samples: count, ...(real && { real: real.length }) };
  return {
    modes: { metric: `modes-${classifier}`, value: seen, ...judged },
    kl: {
      ...{ metric: `KL-${classifier}`, value, ...judged, floor: (classes - 1) / (2 * count) },
      interval: Number.isFinite(value) ? jackknifeInterval(value, [without], { least: 0 }) : [value, value],
    },
  };
}

/** So many samples miss any one of equally frequent classes in less than 1 of 20 cases: classes·e^(−n/classes) < 0.05. */
export const samplesForModes = (classes: number): number => Math.ceil(classes * Math.log(classes / 0.05));

/** Samples of each class, in each of the groups that an interval leaves out. */
function counted(found: ArrayLike<number>, classes: number): Float64Array[] {
  const tables = Array.from({ length: groups }, () => new Float64Array(classes));
  for (const [row, sample] of dealt(found.length, "modes").entries()) {
    const id = found[sample];
    check(
      Number.isInteger(id) && id >= 0 && id < classes,
      () => `modes: expected classes from 0 to ${classes - 1}, got ${id} at ${sample}`,
    );
    tables[groupOf(row, found.length)][id]++;
  }
  return tables;
}

function frequencies(tables: readonly Float64Array[]): number[] {
  const sums = Array.from(tables[0], (_, id) => tables.reduce((sum, table) => sum + table[id], 0));
  const total = sums.reduce((a, b) => a + b, 0);
  return sums.map((count) => count / total);
}

/** KL(p ‖ q) in nats. */
const divergence = (p: readonly number[], q: readonly number[]): number =>
  p.reduce((sum, part, i) => (part === 0 ? sum : sum + part * Math.log(part / q[i])), 0);

/**
 * Classes of stacked pictures, whose channels are pictures of their own: 100a + 10b + c for three digits (Stacked-MNIST,
 * Metz et al. 2016, arXiv 1611.02163).
 * @param classify gives the class of pictures with one channel, below `classes`
 */
export async function stackedClasses(
  classify: (pictures: ImageBytes) => Promise<ArrayLike<number>>,
  { data, shape, mirror }: ImageBytes,
  classes = 10,
): Promise<Int32Array> {
  const [count, height, width, channels] = shape;
  const result = new Int32Array(count);
  for (let channel = 0; channel < channels; channel++) {
    const plane = Uint8Array.from({ length: data.length / channels }, (_, i) => data[i * channels + channel]);
    const found = await classify({ data: plane, shape: [count, height, width, 1], mirror });
    for (let i = 0; i < count; i++) result[i] = classes * result[i] + found[i];
  }
  return result;
}
