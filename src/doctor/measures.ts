import type { Spread } from "./thumbnails.ts";

/** What a checkup measured. Numbers that could not be measured are absent. */
export interface Measures {
  /** Real pictures seen. */
  readonly at: number;
  /** Part of training that is done, 0 to 1. */
  readonly progress: number;
  /** How unlike one another samples are, over what data are. */
  readonly diversity: Spread;
  /** Part of pairs of a real picture and a sample whose real one the discriminator rates higher: ½ by guessing. */
  readonly discernment: number;
  /** Likewise of a picture trained on and one held out. */
  readonly familiarity?: Separation;
  /** Nearest neighbours of samples among as many pictures trained on and held out. */
  readonly copies?: Copies;
  /** Times that each picture was shown. */
  readonly passes: number;
  /** Mean sign of the discriminator's logits of real pictures in training: ADA's r_t. */
  readonly signs: number;
  /** Strength of adaptive augmentation, 0 to 1, where there is any. */
  readonly strength?: number;
  /** Part of a network's weights that a step changes, by player. */
  readonly stepSizes: Readonly<Record<string, number>>;
  /** Pixels that give the class away: data are the same at every checkup, so this is of the first only. */
  readonly marks?: Marks;
  /** Frequency of each attribute in data and among samples. */
  readonly balance?: readonly Balance[];
}

export interface Separation {
  /** Part of pairs rated in the right order. */
  readonly value: number;
  /** Its standard error by chance: √((n + m + 1)/12nm) for n pictures and m. */
  readonly error: number;
}

export interface Copies {
  /** Part of samples that are nearer to a picture trained on than to one held out. */
  readonly nearer: number;
  /** Median distance of samples to the nearest picture trained on, over that of held-out pictures. */
  readonly closeness: number;
  readonly samples: number;
}

export interface Marks {
  /** Part of a pixel's variance that the class explains, of the pixel where it is most. */
  readonly explained: number;
  /** Its position. */
  readonly row: number;
  readonly column: number;
  /** Part of all pixels of which the class explains as much as the threshold. */
  readonly area: number;
}

export interface Balance {
  readonly name: string;
  readonly data: number;
  readonly samples: number;
  /** Standard error of the difference of two such samples of the data. */
  readonly error: number;
}

/** Part of all pairs of one of each whose first is higher, ties by half. */
export function separation(high: ArrayLike<number>, low: ArrayLike<number>): number {
  const sorted = Float64Array.from(low).sort();
  let sum = 0;
  for (let i = 0; i < high.length; i++) {
    sum += (below(sorted, (x) => x < high[i]) + below(sorted, (x) => x <= high[i])) / 2;
  }
  return sum / (high.length * low.length);
}

/** How many of sorted numbers are so. */
function below(sorted: Float64Array, isSo: (x: number) => boolean): number {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (isSo(sorted[middle])) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** A pixel whose variance the class explains by this part bears its mark. */
export const marked = 0.9;

/**
 * How much of each pixel's variance the class explains (the correlation ratio η², of its brightest channel).
 * @param values [count, side, side, channels]
 * @returns undefined where all pictures are of one class, or no pixel varies
 */
export function marksOf(
  values: ArrayLike<number>,
  labels: ArrayLike<number>,
  { side, channels, classes }: { readonly side: number; readonly channels: number; readonly classes: number },
): Marks | undefined {
  const width = side * side * channels;
  const counts = new Float64Array(classes);
  const sums = new Float64Array(classes * width);
  const [total, squares] = [new Float64Array(width), new Float64Array(width)];
  for (let i = 0; i < labels.length; i++) {
    counts[labels[i]]++;
    for (let k = 0; k < width; k++) {
      const value = values[i * width + k];
      sums[labels[i] * width + k] += value;
      total[k] += value;
      squares[k] += value * value;
    }
  }
  const present = [...counts.keys()].filter((label) => counts[label] > 1);
  if (present.length < 2) return undefined;
  let [explained, where, area] = [-1, 0, 0];
  for (let pixel = 0; pixel < side * side; pixel++) {
    let most = -1;
    for (let k = pixel * channels; k < (pixel + 1) * channels; k++) {
      const all = squares[k] - total[k] ** 2 / labels.length;
      const between =
        present.reduce((sum, label) => sum + sums[label * width + k] ** 2 / counts[label], 0) -
        total[k] ** 2 / labels.length;
      if (all > 1e-6 * labels.length) most = Math.max(most, between / all);
    }
    if (most >= marked) area++;
    if (most > explained) [explained, where] = [most, pixel];
  }
  if (explained < 0) return undefined;
  return { explained, row: Math.floor(where / side), column: where % side, area: area / side ** 2 };
}

/** Frequencies of classes in data and among samples. */
export function balanceOf(
  data: ArrayLike<number>,
  samples: ArrayLike<number>,
  names: readonly string[],
): Balance[] {
  const part = (of: ArrayLike<number>, wanted: number) =>
    Array.from(of).filter((label) => label === wanted).length / of.length;
  return names.map((name, label) => {
    const [inData, inSamples] = [part(data, label), part(samples, label)];
    // Of a class that neither has, or all have, one picture more or less is the error.
    const pooled =
      (inData * data.length + inSamples * samples.length + 1) / (data.length + samples.length + 2);
    const error = Math.sqrt(pooled * (1 - pooled) * (1 / data.length + 1 / samples.length));
    return { name, data: inData, samples: inSamples, error };
  });
}
