import { type Features, pick } from "./features.ts";
import {
  checkEnough,
  checkSame,
  dealt,
  groupOf,
  groups,
  jackknifeInterval,
  type Measure,
  wilsonInterval,
} from "./measure.ts";
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
 * @returns `memorization-NAME`, 0 to 1; `samples` are those judged, `real` is each set's number. The interval is the wider of
 * the binomial one and that by leaving out tenths of all three sets, since samples share neighbours.
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
  const shuffled = pick(samples, dealt(samples.count, "memorization"));
  const [near, far] = [await nearest(shuffled, train, compared), await nearest(shuffled, heldOut, compared)];
  const parts = Array.from({ length: groups + 1 }, (_, i) => partCloser(near.among[i], far.among[i], i - 1));
  const [value, ...without] = parts;
  const [low, high] = wilsonInterval(value, samples.count);
  const [least, most] = jackknifeInterval(value, [without], { least: 0, most: 1 });
  const order = dealt(samples.count, "memorization");
  const pairs = near.all.map(
    ({ at, distance }, i): NearestPair => ({
      ...{ sample: order[i], train: at, trainDistance: distance },
      ...{ heldOut: far.all[i].at, heldOutDistance: far.all[i].distance },
    }),
  );
  pairs.sort((a, b) => a.trainDistance - b.trainDistance);
  const interval = [Math.min(low, least), Math.max(high, most)] as const;
  return { metric, value, interval, samples: samples.count, real: compared, pairs };
}

/** Part of the samples that are not in a group whose first distance is less than the second. */
function partCloser(near: Float64Array, far: Float64Array, without: number): number {
  let [closer, count] = [0, 0];
  for (let i = 0; i < near.length; i++) {
    if (groupOf(i, near.length) === without) continue;
    // A tie, as of a picture in both sets, tells nothing.
    closer += (1 + Math.sign(far[i] - near[i])) / 2;
    count++;
  }
  return closer / count;
}

interface Nearest {
  readonly at: number;
  readonly distance: number;
}

/**
 * Of each sample the nearest picture of all, and the distance of the nearest among `compared` random ones: of all of
 * those, then without each group of them.
 */
async function nearest(samples: Features, pictures: Features, compared: number) {
  const { count } = samples;
  const order = dealt(pictures.count, "memorization");
  const shuffled = pick(pictures, order);
  // The groups' nearest of each sample, and last the nearest of what is not compared.
  const kinds = groups + 1;
  const kindOf = Uint8Array.from(order, (_, i) => (i < compared ? groupOf(i, compared) : groups));
  const least = new Float32Array(count * kinds).fill(Number.POSITIVE_INFINITY);
  const at = new Uint32Array(count * kinds);
  for await (const { row, column, rows, columns, values } of distanceTiles(samples, shuffled)) {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        const kind = (row + i) * kinds + kindOf[column + j];
        if (values[i * columns + j] >= least[kind]) continue;
        least[kind] = values[i * columns + j];
        at[kind] = column + j;
      }
    }
  }
  // The products' rounding is as large as the distance of a copy.
  const exact = Float64Array.from(least, (rough, kind) =>
    rough === Number.POSITIVE_INFINITY
      ? rough
      : Math.sqrt(squaredDistance(samples, Math.floor(kind / kinds), shuffled, at[kind])),
  );
  const leastOf = (sample: number, kept: (kind: number) => boolean): number => {
    let best = -1;
    for (let kind = sample * kinds; kind < (sample + 1) * kinds; kind++) {
      if (kept(kind - sample * kinds) && (best < 0 || exact[kind] < exact[best])) best = kind;
    }
    return best;
  };
  const among = Array.from({ length: kinds }, (_, without) =>
    Float64Array.from(
      { length: count },
      (_, i) => exact[leastOf(i, (kind) => kind < groups && kind !== without - 1)],
    ),
  );
  const all = Array.from({ length: count }, (_, i): Nearest => {
    const kind = leastOf(i, () => true);
    return { at: order[at[kind]], distance: exact[kind] };
  });
  return { among, all };
}
