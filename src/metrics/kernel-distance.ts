import { type Features, pick } from "./features.ts";
import {
  checkEnough,
  checkPositive,
  checkSame,
  dealt,
  groupOf,
  groups,
  jackknifeInterval,
  type Measure,
} from "./measure.ts";
import { dotTiles } from "./tiles.ts";

export interface KernelDistanceOptions {
  /** Samples that are compared with each other at a time; the value is the mean over such subsets. Default 1000. */
  readonly subset?: number;
}

/** Of a set that is compared: subsets of at most so many times `subset`, where the other set is that much smaller. */
const mostTimes = 10;

/**
 * Squared kernel distance (Bińkowski et al. 2018, arXiv 1801.01401): the unbiased MMD² with k(x, y) = (x·y/d + 1)³.
 * Zero in the mean for sets of one distribution, and so below zero half of the time. Both sets are cut into as many
 * disjoint subsets as the smaller one has thousands.
 * @returns `KID-NAME`
 * @throws RangeError for fewer than 20 of either, or features by different functions
 */
export async function kernelDistance(
  samples: Features,
  real: Features,
  { subset = 1000 }: KernelDistanceOptions = {},
): Promise<Measure> {
  const metric = `KID-${samples.name}`;
  checkSame(metric, samples, real);
  checkPositive(metric, { subset });
  const why = "Each tenth of them is left out in turn for the interval.";
  checkEnough(metric, "samples", samples, 2 * groups, why);
  checkEnough(metric, "real pictures", real, 2 * groups, why);
  const limit = Math.max(subset, 2 * groups);
  const blocks = Math.max(1, Math.floor(Math.min(samples.count, real.count) / limit));
  const [cutSamples, cutReal] = [samples, real].map((set, i) => {
    const size = Math.min(Math.floor(set.count / blocks), mostTimes * limit);
    const order = dealt(set.count, `kernel distance ${i}`);
    return (block: number) => pick(set, order.subarray(block * size, (block + 1) * size));
  });
  const values: number[][] = [];
  for (let block = 0; block < blocks; block++) {
    values.push(await distances(cutSamples(block), cutReal(block)));
  }
  const value = values.reduce((sum, [whole]) => sum + whole, 0) / blocks;
  return {
    ...{ metric, value },
    interval: jackknifeInterval(
      value,
      values.map(([, ...without]) => without),
    ),
    samples: blocks * cutSamples(0).count,
    real: blocks * cutReal(0).count,
  };
}

/** Squared distance of two sets, then that without each of the groups. */
async function distances(a: Features, b: Features): Promise<number[]> {
  const [within, among, between] = [await kernelSums(a, a), await kernelSums(b, b), await kernelSums(a, b)];
  return Array.from({ length: groups + 1 }, (_, i) => {
    const meanOf = (sums: Float64Array, counts: Float64Array): number =>
      total(sums, i - 1) / total(counts, i - 1);
    return (
      meanOf(within.sums, within.pairs) +
      meanOf(among.sums, among.pairs) -
      2 * meanOf(between.sums, between.pairs)
    );
  });
}

/** Sum of a table [groups, groups] but the row and column of one group. */
function total(table: Float64Array, without: number): number {
  let sum = 0;
  for (let i = 0; i < table.length; i++) {
    if (Math.floor(i / groups) !== without && i % groups !== without) sum += table[i];
  }
  return sum;
}

/** Σ k over the pairs of each two groups, and how many: of one set with itself without the pairs of a row with itself. */
async function kernelSums(a: Features, b: Features) {
  const sums = new Float64Array(groups * groups);
  const pairs = new Float64Array(groups * groups);
  const groupB = Uint8Array.from({ length: b.count }, (_, j) => groupOf(j, b.count));
  for await (const { row, column, rows, columns, values } of dotTiles(a, b)) {
    for (let i = 0; i < rows; i++) {
      const table = groups * groupOf(row + i, a.count);
      for (let j = 0; j < columns; j++) {
        if (a === b && row + i === column + j) continue;
        const root = values[i * columns + j] / a.size + 1;
        const at = table + groupB[column + j];
        sums[at] += root * root * root;
        pairs[at]++;
      }
    }
  }
  return { sums, pairs };
}
