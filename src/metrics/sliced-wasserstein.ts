import { div, matMul, norm, sub, type Tensor2D, type Tensor4D, tensor2d, tidy } from "@tensorflow/tfjs-core";
import { check, showShape } from "../errors.ts";
import type { ImageBytes } from "../gan/batch.ts";
import { imageBatch } from "../ops/image.ts";
import { randomNormal } from "../ops/random.ts";
import { deriveKey, type Key, threefry, words } from "../random.ts";
import {
  checkEnough,
  checkPositive,
  dealt,
  groupOf,
  groups,
  jackknifeInterval,
  type Measure,
} from "./measure.ts";
import { picturesFrom, portions } from "./pictures.ts";
import { resampled } from "./resize.ts";

export interface SlicedWassersteinOptions {
  /** Patches of each picture at each level. Default 64; published figures have 128. */
  readonly patches?: number;
  /** Directions that patches are projected onto. Default 128; published figures have 4·128. */
  readonly directions?: number;
  /** Integer, 0 to 2^32 - 1: of places and directions. Default 0. */
  readonly seed?: number;
}

export interface SlicedWasserstein extends Measure {
  /** The distance at each level, the finest first; the value is their mean. */
  readonly levels: readonly { readonly resolution: number; readonly value: number }[];
}

/** Height and width of a patch, and of the coarsest level. */
const patch = 7;
const coarsest = 16;

/** Directions whose projections are in memory at a time. */
const atATime = 16;

/**
 * Sliced Wasserstein distance of 7×7 patches of a Laplacian pyramid (Karras et al. 2017, arXiv 1710.10196): the mean over
 * random directions of how far sorted projections lie apart, at each resolution down to 16. Fine levels tell of
 * texture, coarse ones of structure. Needs no network. As
 * published, each set's channels are brought to mean 0 and variance 1, so that overall brightness and contrast do not
 * count, and published figures are 1000 times as large.
 * @param samples, real uint8 of one size; of the larger set the first pictures are taken
 * @returns `SWD`
 * @throws RangeError for fewer than 20 of either, or pictures of different sizes
 */
export async function slicedWasserstein(
  samples: ImageBytes,
  real: ImageBytes,
  { patches = 64, directions = 128, seed = 0 }: SlicedWassersteinOptions = {},
): Promise<SlicedWasserstein> {
  const metric = "SWD";
  const [, height, width, channels] = samples.shape;
  check(
    showShape(samples.shape.slice(1)) === showShape(real.shape.slice(1)) && Math.min(height, width) >= patch,
    () =>
      `${metric}: expected pictures of one size of at least ${patch}×${patch}, got ${showShape(samples.shape)} and ${showShape(real.shape)}`,
  );
  checkPositive(metric, { patches, directions });
  const count = Math.min(samples.shape[0], real.shape[0]);
  const why = "Each tenth of them is left out in turn for the interval.";
  checkEnough(metric, "pictures of both kinds", { count }, 2 * groups, why);
  const cut = (set: ImageBytes, i: number) =>
    pyramidPatches(picturesFrom(set, 0, count), patches, deriveKey(seed, metric, "patches", i));
  const sets = [await cut(samples, 0), await cut(real, 1)];
  const groupOfRow = new Uint8Array(count * patches);
  for (const [row, picture] of dealt(count, "sliced wasserstein").entries()) {
    groupOfRow.fill(groupOf(row, count), picture * patches, (picture + 1) * patches);
  }
  const levels: { resolution: number; value: number }[] = [];
  const without = Array<number>(groups).fill(0);
  for (const [level, a] of sets[0].entries()) {
    const size = patch * patch * channels;
    const key = deriveKey(seed, metric, "directions", level);
    const b = normalised(sets[1][level], channels);
    const found = await sliced(normalised(a, channels), b, { size, directions, key, groupOfRow });
    levels.push({ resolution: Math.ceil(height / 2 ** level), value: found[0] });
    for (let group = 0; group < groups; group++) without[group] += found[group + 1] / sets[0].length;
  }
  const value = levels.reduce((sum, one) => sum + one.value, 0) / levels.length;
  const interval = jackknifeInterval(value, [without], { least: 0 });
  return { metric, value, interval, samples: count, real: count, levels };
}

/** Weights of a binomial filter of 5, mirrored at the edges, that halves (or doubles, zeros between) a line. */
function pyramidWeights(length: number, direction: "down" | "up"): Float32Array {
  const half = Math.ceil(length / 2);
  const weights = new Float32Array(half * length);
  const taps = [1, 4, 6, 4, 1].map((tap) => tap / 16);
  for (let at = 0; at < length; at++) {
    for (const [tap, weight] of taps.entries()) {
      const from = Math.abs(at + tap - 2);
      const source = from < length ? from : 2 * (length - 1) - from;
      if (direction === "down" && at % 2 === 0) weights[(at / 2) * length + source] += weight;
      if (direction === "up" && source % 2 === 0) weights[at * half + source / 2] += 2 * weight;
    }
  }
  return weights;
}

/**
 * Random patches of every level of the pictures' pyramids.
 * @returns for each level float32 [pictures·patches, 7, 7, channels]
 */
async function pyramidPatches(pictures: ImageBytes, patches: number, key: Key): Promise<Float32Array[]> {
  const [count, , , channels] = pictures.shape;
  const found: Float32Array[] = [];
  for (const { start, part } of portions(pictures, 64)) {
    for (const [level, detail] of tidy(() => pyramid(imageBatch(part))).entries()) {
      found[level] ??= new Float32Array(count * patches * patch * patch * channels);
      const values = await detail.data<"float32">();
      takePatches(values, detail.shape, patches, found[level], start, deriveKey(key[0], key[1], level));
      detail.dispose();
    }
  }
  return found;
}

/** What each level adds to the next coarser one; the last is the coarsest picture itself. */
function pyramid(x: Tensor4D): Tensor4D[] {
  const [, height, width] = x.shape;
  if (Math.ceil(Math.min(height, width) / 2) < coarsest) return [x];
  const low = resampled(x, pyramidWeights(height, "down"), pyramidWeights(width, "down"));
  const again = resampled(low, pyramidWeights(height, "up"), pyramidWeights(width, "up"));
  return [sub(x, again), ...pyramid(low)];
}

/** Copies patches at random places of pictures into `to`, from picture `start` on. */
function takePatches(
  values: Float32Array,
  [count, height, width, channels]: Tensor4D["shape"],
  patches: number,
  to: Float32Array,
  start: number,
  key: Key,
): void {
  const line = patch * channels;
  let at = start * patches * patch * line;
  for (let i = 0; i < count * patches; i++) {
    const [down, right] = threefry(key, ...words(start * patches + i));
    const [top, left] = [down % (height - patch + 1), right % (width - patch + 1)];
    for (let row = 0; row < patch; row++) {
      const from = ((Math.floor(i / patches) * height + top + row) * width + left) * channels;
      to.set(values.subarray(from, from + line), at);
      at += line;
    }
  }
}

/** In place: every channel with mean 0 and variance 1 over all patches. */
function normalised(values: Float32Array, channels: number): Float32Array {
  const count = values.length / channels;
  for (let channel = 0; channel < channels; channel++) {
    let [sum, squares] = [0, 0];
    for (let i = channel; i < values.length; i += channels) {
      sum += values[i];
      squares += values[i] ** 2;
    }
    const mean = sum / count;
    const variance = squares / count - mean ** 2;
    const scale = variance > 0 ? 1 / Math.sqrt(variance) : 0;
    for (let i = channel; i < values.length; i += channels) values[i] = (values[i] - mean) * scale;
  }
  return values;
}

interface Slices {
  /** Numbers of each patch. */
  readonly size: number;
  readonly directions: number;
  readonly key: Key;
  /** Group of the picture that a patch is of. */
  readonly groupOfRow: Uint8Array;
}

/** Mean over directions of the distance of sorted projections: of all pictures, then without each group. */
async function sliced(a: Float32Array, b: Float32Array, options: Slices): Promise<number[]> {
  const { size, directions, groupOfRow } = options;
  const count = groupOfRow.length;
  const distances = Array<number>(groups + 1).fill(0);
  for (let start = 0; start < directions; start += atATime) {
    const some = Math.min(atATime, directions - start);
    const [x, y] = [
      await projections(a, size, some, start, options),
      await projections(b, size, some, start, options),
    ];
    for (let i = 0; i < some; i++) {
      const [left, right] = [x, y].map((rows) =>
        sorted(rows.subarray(i * count, (i + 1) * count), groupOfRow),
      );
      for (let without = -1; without < groups; without++) {
        distances[without + 1] += distanceWithout(left, right, without) / directions;
      }
    }
  }
  return distances;
}

/** Projections of all rows on directions `start` to `start + some`: [some, rows]. */
async function projections(
  rows: Float32Array,
  size: number,
  some: number,
  start: number,
  { key }: Slices,
): Promise<Float32Array> {
  const product = tidy(() => {
    const drawn = randomNormal([some, size], { key, offset: start * size }) as Tensor2D;
    const units = div(drawn, norm(drawn, "euclidean", 1, true)) as Tensor2D;
    return matMul(units, tensor2d(rows, [rows.length / size, size]), false, true);
  });
  const values = await product.data<"float32">();
  product.dispose();
  return values;
}

/** Numbers in order, and the group of each. */
interface Sorted {
  readonly values: Float32Array;
  readonly groups: Uint8Array;
}

/**
 * A float's bits, its sign turned so that whole numbers sort as floats do, hold the group in their last four: one sort of
 * words in place of one of pairs, for a rounding of 1e-6.
 */
function sorted(values: Float32Array, groupOfRow: Uint8Array): Sorted {
  const bits = new Uint32Array(values.slice().buffer);
  for (let i = 0; i < bits.length; i++) {
    const ordered = bits[i] >>> 31 ? ~bits[i] : bits[i] | 0x80000000;
    bits[i] = (ordered & ~15) | groupOfRow[i];
  }
  bits.sort();
  const owners = Uint8Array.from(bits, (word) => word & 15);
  for (let i = 0; i < bits.length; i++) {
    const ordered = bits[i] & ~15;
    bits[i] = ordered >>> 31 ? ordered & 0x7fffffff : ~ordered;
  }
  return { values: new Float32Array(bits.buffer), groups: owners };
}

/** Mean distance of the n-th smallest of either, where both have as many of each group. */
function distanceWithout(a: Sorted, b: Sorted, group: number): number {
  let [sum, count, j] = [0, 0, 0];
  for (let i = 0; i < a.values.length; i++) {
    if (a.groups[i] === group) continue;
    while (b.groups[j] === group) j++;
    sum += Math.abs(a.values[i] - b.values[j++]);
    count++;
  }
  return sum / count;
}
