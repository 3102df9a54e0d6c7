import {
  add,
  argMin,
  avgPool,
  concat,
  matMul,
  min,
  mul,
  relu,
  reshape,
  reverse,
  slice,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  tensor2d,
  tidy,
  transpose,
} from "@tensorflow/tfjs-core";

/** Pictures so small that their distances say which are alike, without any network. */
export interface Thumbnails {
  readonly count: number;
  /** Height and width, about 8 pixels. */
  readonly side: number;
  readonly channels: number;
  /** float32 [count, side·side·channels] in [-1, 1]. */
  readonly values: Float32Array;
}

const wantedSide = 8;

/** @param x float32 NHWC in [-1, 1] */
export async function thumbnails(x: Tensor4D): Promise<Thumbnails> {
  const [count, height, , channels] = x.shape;
  const window = Math.max(1, Math.floor(height / wantedSide));
  const small = avgPool(x, window, window, "valid");
  const side = small.shape[1];
  try {
    return { count, side, channels, values: await small.data<"float32">() };
  } finally {
    small.dispose();
  }
}

/** As rows, float32 [count, side·side·channels]. */
const rows = ({ count, values }: Thumbnails): Tensor2D => tensor2d(values, [count, values.length / count]);

function mirrored(x: Tensor2D, { count, side, channels }: Thumbnails): Tensor2D {
  return reshape(reverse(reshape(x, [count, side, side, channels]), 2), x.shape) as Tensor2D;
}

/** Squared Euclidean distances of all rows of `a` to all of `b`: float32 [a, b]. */
function squaredDistances(a: Tensor2D, b: Tensor2D): Tensor2D {
  const lengths = (x: Tensor2D): Tensor => sum(square(x), 1, true);
  const sums = add(lengths(a), transpose(lengths(b)));
  return relu(sub(sums, mul(matMul(a, b, false, true), 2))) as Tensor2D;
}

export interface Nearest {
  /** Distance of each to its nearest. */
  readonly distances: Float32Array;
  /** Which that is. */
  readonly indices: Int32Array;
}

/**
 * The nearest of `others` to each, by Euclidean distance; a mirror image counts as the picture.
 * @param part the first so many of `others` only
 */
export async function nearest(
  of: Thumbnails,
  others: Thumbnails,
  part: number = others.count,
): Promise<Nearest> {
  const [distances, indices]: Tensor[] = tidy((): Tensor[] => {
    const among = rows(others);
    const candidates = part < others.count ? (slice(among, [0, 0], [part, -1]) as Tensor2D) : among;
    const set = { ...others, count: candidates.shape[0] };
    const a = rows(of);
    const straight = squaredDistances(a, candidates);
    const flipped = squaredDistances(a, mirrored(candidates, set));
    const both = concat([straight, flipped], 1);
    return [sqrt(min(both, 1)), argMin(both, 1)];
  });
  try {
    const found = await indices.data<"int32">();
    const count = Math.min(part, others.count);
    return { distances: await distances.data<"float32">(), indices: found.map((index) => index % count) };
  } finally {
    distances.dispose();
    indices.dispose();
  }
}

/** How unlike one another pictures are. */
export interface Spread {
  /** Mean distance of two of one class. */
  readonly mean: number;
  /** Median distance of one to its nearest. */
  readonly nearest: number;
}

/**
 * How unlike one another pictures are; of classes, those of each.
 * @param labels class of each picture. Default: all are of one.
 */
export function spread({ count, values }: Thumbnails, labels?: ArrayLike<number>): Spread {
  const width = values.length / count;
  const closest = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  let total = 0;
  let pairs = 0;
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < i; j++) {
      if (labels !== undefined && labels[i] !== labels[j]) continue;
      let squares = 0;
      for (let k = 0; k < width; k++) squares += (values[i * width + k] - values[j * width + k]) ** 2;
      const distance = Math.sqrt(squares);
      total += distance;
      pairs++;
      closest[i] = Math.min(closest[i], distance);
      closest[j] = Math.min(closest[j], distance);
    }
  }
  return { mean: pairs > 0 ? total / pairs : Number.NaN, nearest: median(closest.filter(Number.isFinite)) };
}

/** The middle value; of none, NaN. */
export function median(values: ArrayLike<number>): number {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length / 2;
  if (sorted.length === 0) return Number.NaN;
  return Number.isInteger(middle) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[Math.floor(middle)];
}
