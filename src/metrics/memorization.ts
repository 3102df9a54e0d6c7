import { type Features, pick } from "./features.ts";
import { checkEnough, checkSame, dealt, type Measure, wilsonInterval } from "./measure.ts";
import { distanceTiles, squaredDistance } from "./tiles.ts";

/** A sample, and what is nearest to it among the pictures trained on and among those held out. */
export interface NearestPair {
  /** Position of the sample. */
  readonly sample: number;
  /** Position of the picture among those trained on, and its Euclidean distance. */
  readonly train: number;
  readonly trainDistance: number;
  /** Likewise of those held out. */
  readonly heldOut: number;
  readonly heldOutDistance: number;
}

export interface Memorization extends Measure {
  /**
   * How many comparisons are independent of each other, since samples share nearest pictures: few where they are all alike,
   * or far from every real picture, and then the value says little.
   */
  readonly cases: number;
  /** One for each sample, those nearest to what was trained on first: the ones to look at. */
  readonly pairs: readonly NearestPair[];
}

/** Fewer have intervals that tell nothing. */
const leastSamples = 20;

/**
 * Nearest-neighbour test of memorisation (after Meehan et al. 2020, arXiv 2004.05675): the part of samples that are nearer to
 * a picture trained on than to any of as many held-out ones. ½ for a generator that does not copy, towards 1 for one
 * that does; well below ½ means that the two sets differ. Real pictures that training was stopped or chosen by are not
 * held out.
 * @param train, heldOut features of real pictures; of the larger set a random part is compared, and all of it in `pairs`
 * @returns `memorization-NAME`, 0 to 1; `samples` are those judged, `real` is each set's number. The interval is the
 * binomial one of `cases`
 * @throws RangeError for fewer than 20 of any
 */
export async function memorization(
  samples: Features,
  train: Features,
  heldOut: Features,
): Promise<Memorization> {
  const metric = `memorization-${samples.name}`;
  checkSame(metric, samples, train);
  checkSame(metric, samples, heldOut);
  const why = "The part that is nearer to the training pictures says nothing of so few.";
  checkEnough(metric, "samples", samples, leastSamples, why);
  checkEnough(metric, "training pictures", train, leastSamples, why);
  checkEnough(metric, "held-out pictures", heldOut, leastSamples, why);
  const compared = Math.min(train.count, heldOut.count);
  const [near, far] = [await nearest(samples, train, compared), await nearest(samples, heldOut, compared)];
  let closer = 0;
  for (let i = 0; i < samples.count; i++) {
    // A tie, as of a picture in both sets, tells nothing.
    closer += (1 + Math.sign(far.among[i].distance - near.among[i].distance)) / 2;
  }
  const value = closer / samples.count;
  const pairs = near.all.map(
    ({ at, distance }, sample): NearestPair => ({
      ...{ sample, train: at, trainDistance: distance },
      ...{ heldOut: far.all[sample].at, heldOutDistance: far.all[sample].distance },
    }),
  );
  pairs.sort((a, b) => a.trainDistance - b.trainDistance);
  const cases = Math.min(...[near, far].map(({ among }) => independent(among)));
  return {
    metric,
    value,
    interval: wilsonInterval(value, cases),
    cases,
    samples: samples.count,
    real: compared,
    pairs,
  };
}

/** N²/Σn² for N samples, of which n have the same nearest picture: N where each has its own, 1 where all share one. */
function independent(nearest: readonly Nearest[]): number {
  const counts = new Map<number, number>();
  for (const { at } of nearest) counts.set(at, (counts.get(at) ?? 0) + 1);
  return nearest.length ** 2 / [...counts.values()].reduce((sum, count) => sum + count ** 2, 0);
}

interface Nearest {
  readonly at: number;
  readonly distance: number;
}

/** Of each sample the nearest picture of all, and the nearest among `compared` random ones. */
async function nearest(samples: Features, pictures: Features, compared: number) {
  const order = dealt(pictures.count, "memorization");
  const shuffled = pick(pictures, order);
  const found = [compared, pictures.count].map((limit) => ({
    limit,
    least: new Float32Array(samples.count).fill(Number.POSITIVE_INFINITY),
    at: new Uint32Array(samples.count),
  }));
  for await (const { row, column, rows, columns, values } of distanceTiles(samples, shuffled)) {
    for (const { limit, least, at } of found) {
      const end = Math.min(columns, limit - column);
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < end; j++) {
          const distance = values[i * columns + j];
          if (distance >= least[row + i]) continue;
          least[row + i] = distance;
          at[row + i] = column + j;
        }
      }
    }
  }
  // The products' rounding is as large as the distance of a copy.
  const [among, all] = found.map(({ at }) =>
    Array.from(at, (column, i): Nearest => {
      const distance = Math.sqrt(squaredDistance(samples, i, shuffled, column));
      return { at: order[column], distance };
    }),
  );
  return { among, all };
}
