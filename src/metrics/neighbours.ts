// Precision, recall, density and coverage: which samples lie in the balls that reach from points of one set to their
// k-th neighbours in it.
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
import { distanceTiles } from "./tiles.ts";

export interface NeighbourOptions {
  /** Which neighbour a ball reaches to. Default 3 of precision and recall, 5 of density and coverage, as published. */
  readonly k?: number;
}

/**
 * Improved precision and recall (Kynkäänniemi et al. 2019, arXiv 1904.06991): the part of samples within the balls of
 * real pictures, and the part of real pictures within the balls of samples. Both grow with the number of samples.
 * @returns `precision-NAME` and `recall-NAME`, 0 to 1
 * @throws RangeError for fewer than 10·k of either
 */
export async function precisionRecall(
  samples: Features,
  real: Features,
  { k = 3 }: NeighbourOptions = {},
): Promise<{ readonly precision: Measure; readonly recall: Measure }> {
  const [x, y] = prepared("precision", samples, real, k);
  const counts = await crossings(x, y, await radii(y, k), await radii(x, k));
  return {
    precision: measured("precision", x, y, counts.rowsInColumnBalls),
    recall: measured("recall", x, y, counts.columnsInRowBalls),
  };
}

/**
 * Density and coverage (Naeem et al. 2020, arXiv 2002.09797): how many balls of real pictures a sample lies in, over k, 1
 * in the mean for samples like the real ones; and the part of the balls that hold a sample. Outliers among the real
 * pictures count less than in precision.
 * @returns `density-NAME`, at least 0, and `coverage-NAME`, 0 to 1
 * @throws RangeError for fewer than 10·k of either
 */
export async function densityCoverage(
  samples: Features,
  real: Features,
  { k = 5 }: NeighbourOptions = {},
): Promise<{ readonly density: Measure; readonly coverage: Measure }> {
  const [x, y] = prepared("density", samples, real, k);
  const { pairs, columnBallsHit } = await crossings(x, y, await radii(y, k));
  const densities = pairs.map((count, at) => count / (k * countWithout(x.count, at - 1)));
  return {
    density: measured("density", x, y, densities, Number.POSITIVE_INFINITY),
    coverage: measured("coverage", x, y, columnBallsHit),
  };
}

/** Both sets in random order, so that the groups that an interval leaves out are alike. */
function prepared(metric: string, samples: Features, real: Features, k: number): Features[] {
  checkSame(metric, samples, real);
  checkPositive(metric, { k });
  const why = `Each needs ${k} neighbours when a tenth of them is left out for the interval.`;
  const needed = Math.max(2 * groups, groups * k);
  checkEnough(`${metric}-${samples.name}`, "samples", samples, needed, why);
  checkEnough(`${metric}-${samples.name}`, "real pictures", real, needed, why);
  return [samples, real].map((set, i) => pick(set, dealt(set.count, `neighbours ${i}`)));
}

/** Of values for all samples and then without each group. */
function measured(
  name: string,
  samples: Features,
  real: Features,
  [value, ...without]: readonly number[],
  most = 1,
): Measure {
  return {
    ...{ metric: `${name}-${samples.name}`, value, samples: samples.count, real: real.count },
    interval: jackknifeInterval(value, [without], { least: 0, most }),
  };
}

/** Rows of `count` that are not in a group. */
function countWithout(count: number, group: number): number {
  if (group < 0) return count;
  let kept = 0;
  for (let row = 0; row < count; row++) if (groupOf(row, count) !== group) kept++;
  return kept;
}

/**
 * Squared distance of each row from its k-th nearest other one: of all rows, then without those of each group.
 * @returns [groups + 1][count]
 */
async function radii(set: Features, k: number): Promise<Float32Array[]> {
  const { count } = set;
  // Of each row the k nearest of every group, nearest first.
  const nearest = new Float32Array(count * groups * k).fill(Number.POSITIVE_INFINITY);
  const groupsOf = Uint8Array.from({ length: count }, (_, row) => groupOf(row, count));
  for await (const { row, column, rows, columns, values } of distanceTiles(set, set)) {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        const distance = values[i * columns + j];
        const start = ((row + i) * groups + groupsOf[column + j]) * k;
        let at = start + k - 1;
        if (distance >= nearest[at] || row + i === column + j) continue;
        for (; at > start && nearest[at - 1] > distance; at--) nearest[at] = nearest[at - 1];
        nearest[at] = distance;
      }
    }
  }
  const found = Array.from({ length: groups + 1 }, () => new Float32Array(count));
  for (let row = 0; row < count; row++) {
    const own = nearest.subarray(row * groups * k, (row + 1) * groups * k);
    const order = Array.from(own.keys()).sort((a, b) => own[a] - own[b]);
    for (let without = -1; without < groups; without++) {
      const kept = order.filter((at) => Math.floor(at / k) !== without);
      found[without + 1][row] = own[kept[k - 1]];
    }
  }
  return found;
}

/** For all rows, then without each group: parts of the rows or columns, or numbers of pairs. */
interface Crossings {
  readonly rowsInColumnBalls: number[];
  readonly columnsInRowBalls: number[];
  readonly columnBallsHit: number[];
  /** A row within the ball of a column. */
  readonly pairs: number[];
}

/** Which rows of x lie in the balls of the rows of y, and the other way round where there are balls of x. */
async function crossings(
  x: Features,
  y: Features,
  ballsY: readonly Float32Array[],
  ballsX?: readonly Float32Array[],
): Promise<Crossings> {
  const groupX = Uint8Array.from({ length: x.count }, (_, i) => groupOf(i, x.count));
  const groupY = Uint8Array.from({ length: y.count }, (_, i) => groupOf(i, y.count));
  // Bit r of a row: it was met in replicate r.
  const [xIn, yIn, ballHit] = [x.count, y.count, y.count].map((count) => new Uint16Array(count));
  const pairs = Array<number>(groups + 1).fill(0);
  const widest = (balls: readonly Float32Array[] | undefined, count: number): Float32Array =>
    Float32Array.from({ length: count }, (_, i) => Math.max(-1, ...(balls ?? []).map((radius) => radius[i])));
  const [mostX, mostY] = [widest(ballsX, x.count), widest(ballsY, y.count)];
  for await (const { row, column, rows, columns, values } of distanceTiles(x, y)) {
    for (let i = row; i < row + rows; i++) {
      for (let j = column; j < column + columns; j++) {
        const distance = values[(i - row) * columns + j - column];
        if (distance > mostX[i] && distance > mostY[j]) continue;
        for (let replicate = 0; replicate <= groups; replicate++) {
          if (groupX[i] === replicate - 1 || groupY[j] === replicate - 1) continue;
          const bit = 1 << replicate;
          if (distance <= ballsY[replicate][j]) {
            pairs[replicate]++;
            xIn[i] |= bit;
            ballHit[j] |= bit;
          }
          if (ballsX !== undefined && distance <= ballsX[replicate][i]) yIn[j] |= bit;
        }
      }
    }
  }
  const parts = (met: Uint16Array): number[] =>
    Array.from({ length: groups + 1 }, (_, replicate) => {
      const bit = 1 << replicate;
      return (
        met.reduce((sum, bits) => sum + Number((bits & bit) > 0), 0) / countWithout(met.length, replicate - 1)
      );
    });
  return {
    ...{
      rowsInColumnBalls: parts(xIn),
      columnsInRowBalls: parts(yIn),
      columnBallsHit: parts(ballHit),
      pairs,
    },
  };
}
