// Batch norm of x [groups, rows, c] with its own statistics, followed by a piecewise linear activation f, see
// lib/activation.ts. A group's rows are cut into blocks of `blockRows`; a unit is one block of one group. A first
// pass leaves a record for each block and quartet of channels, a step between settles the statistics, a second
// pass writes. No outputs alias inputs. `scratch` holds batchNormScratchBytes(c, blockRows).
import { leaky, leakySlope, slopeBits } from "../lib/activation";
import {
  blockMoments, blockProducts, channelOf, narrow, quartetsOf, recordBytes, widen,
} from "../lib/moments";
import { loadUpTo4, madd, storeUpTo4 } from "../lib/simd";

/**
 * Bytes of a row of the table that has one for each group and quartet. It holds, as vectors, the mean, the gain
 * scale/√(variance + epsilon), the offset, and 1/√(variance + epsilon); for the gradient's second pass also the
 * mean of dz (dy behind the activation) and the slope of dx along x.
 */
const tableBytes: usize = 96;

/** Bytes of scratch that a unit takes: rows of less than four channels are widened there. */
export function batchNormScratchBytes(c: i32, blockRows: i32): i32 {
  return c < 4 ? (blockRows << 5) + 16 : 0;
}

/** Bytes of a table for so many groups. */
export function batchNormTableBytes(groups: i32, c: i32): i32 {
  return groups * quartetsOf(c) * <i32>tableBytes;
}

/** Bytes of the records for so many blocks in all groups. */
export function batchNormRecordBytes(blocks: i32, c: i32): i32 {
  return blocks * quartetsOf(c) * <i32>recordBytes;
}

function blocksOf(rows: i32, blockRows: i32): i32 {
  return (rows + blockRows - 1) / blockRows;
}

/** Writes each block's moments, see blockMoments; the shift is the group's first row. */
export function batchNormMoments(
  x: usize, records: usize, rows: i32, c: i32, blockRows: i32, scratch: usize, from: i32, to: i32,
): void {
  const blocks = blocksOf(rows, blockRows);
  const bytes = <usize>quartetsOf(c) * recordBytes;
  for (let unit = from; unit < to; unit++) {
    const group = x + ((<usize>(unit / blocks) * rows * c) << 2);
    const first = (unit % blocks) * blockRows;
    const count = min(blockRows, rows - first);
    let block = group + ((<usize>first * c) << 2);
    let shifts = group;
    if (c < 4) {
      shifts = scratch + (<usize>blockRows << 4);
      widen(group, shifts, 1, c);
      widen(block, scratch, count, c);
      block = scratch;
    }
    blockMoments(block, count, max(c, 4), shifts, records + <usize>unit * bytes);
  }
}

/** Writes a row of the table. */
function tabulate(table: usize, mean: v128, variance: v128, scale: v128, offset: v128, epsilon: f32): void {
  const inverse = f32x4.div(
    f32x4.splat(1), f32x4.sqrt(f32x4.add(variance, f32x4.splat(epsilon))),
  );
  v128.store(table, mean);
  v128.store(table, f32x4.mul(scale, inverse), 16);
  v128.store(table, offset, 32);
  v128.store(table, inverse, 48);
}

/** Joins the blocks' moments to each group's mean and biased variance [groups, c], and writes the table. */
export function batchNormSettle(
  x: usize, scale: usize, offset: usize, records: usize, table: usize, mean: usize, variance: usize,
  groups: i32, rows: i32, c: i32, blockRows: i32, epsilon: f32,
): void {
  const blocks = blocksOf(rows, blockRows);
  const quartets = quartetsOf(c);
  const n = f32x4.splat(<f32>rows);
  const step = <usize>quartets * recordBytes;
  for (let group = 0; group < groups; group++) {
    for (let quartet = 0; quartet < quartets; quartet++) {
      const at = channelOf(quartet, c);
      const first = records + <usize>(group * blocks * quartets + quartet) * recordBytes;
      let sum = f32x4.splat(0);
      let record = first;
      for (let row = 0; row < rows; row += blockRows, record += step) {
        sum = madd(v128.load(record), f32x4.splat(<f32>min(blockRows, rows - row)), sum);
      }
      const centre = f32x4.div(sum, n);
      let squares = f32x4.splat(0);
      record = first;
      for (let row = 0; row < rows; row += blockRows, record += step) {
        const off = f32x4.sub(v128.load(record), centre);
        const between = f32x4.mul(f32x4.mul(off, off), f32x4.splat(<f32>min(blockRows, rows - row)));
        squares = f32x4.add(squares, f32x4.add(v128.load(record, 16), between));
      }
      const shift = loadUpTo4<f32>(x + ((<usize>group * rows * c) << 2) + at, c);
      const average = f32x4.add(shift, centre);
      const spread = f32x4.div(squares, n);
      const channels = (<usize>(group * c) << 2) + at;
      storeUpTo4<f32>(mean + channels, average, c);
      storeUpTo4<f32>(variance + channels, spread, c);
      tabulate(
        table + <usize>(group * quartets + quartet) * tableBytes, average, spread,
        loadUpTo4<f32>(scale + at, c), loadUpTo4<f32>(offset + at, c), epsilon,
      );
    }
  }
}

/** Writes the table from moments that are known. */
export function batchNormTable(
  scale: usize, offset: usize, mean: usize, variance: usize, table: usize, groups: i32, c: i32, epsilon: f32,
): void {
  const quartets = quartetsOf(c);
  for (let group = 0; group < groups; group++) {
    for (let quartet = 0; quartet < quartets; quartet++, table += tableBytes) {
      const at = channelOf(quartet, c);
      const channels = (<usize>(group * c) << 2) + at;
      tabulate(
        table, loadUpTo4<f32>(mean + channels, c), loadUpTo4<f32>(variance + channels, c),
        loadUpTo4<f32>(scale + at, c), loadUpTo4<f32>(offset + at, c), epsilon,
      );
    }
  }
}

/**
 * y = f(gain·(x − mean) + offset). The last blocks come first: the pass before left them in the cache.
 *
 * The moments' error is a few units in the last place of the deviation from a group's first row, so a large
 * mean costs nothing; y's is that of rounding the mean.
 */
export function batchNormApply(
  x: usize, y: usize, table: usize, units: i32, rows: i32, c: i32, blockRows: i32, slope: f32, scratch: usize,
  from: i32, to: i32,
): void {
  const blocks = blocksOf(rows, blockRows);
  const quartets = quartetsOf(c);
  const width = max(c, 4);
  const below = f32x4.splat(slope);
  for (let i = from; i < to; i++) {
    const unit = units - 1 - i;
    const group = unit / blocks;
    const first = (unit % blocks) * blockRows;
    const count = min(blockRows, rows - first);
    const start = (<usize>(group * rows + first) * c) << 2;
    const entries = table + <usize>(group * quartets) * tableBytes;
    if (c < 4) {
      widen(x + start, scratch, count, c);
      applyBlock(scratch, scratch, entries, count, width, below);
      narrow(scratch, y + start, count, c);
    } else applyBlock(x + start, y + start, entries, count, width, below);
  }
}

/** y = f(gain·(x − mean) + offset) for a block of rows, four at a time. */
function applyBlock(x: usize, y: usize, table: usize, rows: i32, width: i32, below: v128): void {
  const stride = <usize>width << 2;
  const quartets = quartetsOf(width);
  let row = 0;
  for (; row + 4 <= rows; row += 4, x += stride << 2, y += stride << 2) {
    let entry = table;
    for (let quartet = 0; quartet < quartets; quartet++, entry += tableBytes) {
      const mean = v128.load(entry);
      const gain = v128.load(entry, 16);
      const offset = v128.load(entry, 32);
      const at = channelOf(quartet, width);
      let p = x + at;
      let q = y + at;
      v128.store(q, leaky(madd(f32x4.sub(v128.load(p), mean), gain, offset), below));
      p += stride;
      q += stride;
      v128.store(q, leaky(madd(f32x4.sub(v128.load(p), mean), gain, offset), below));
      p += stride;
      q += stride;
      v128.store(q, leaky(madd(f32x4.sub(v128.load(p), mean), gain, offset), below));
      v128.store(
        q + stride, leaky(madd(f32x4.sub(v128.load(p + stride), mean), gain, offset), below),
      );
    }
  }
  for (; row < rows; row++, x += stride, y += stride) {
    let entry = table;
    for (let quartet = 0; quartet < quartets; quartet++, entry += tableBytes) {
      const at = channelOf(quartet, width);
      const e = f32x4.sub(v128.load(x + at), v128.load(entry));
      v128.store(y + at, leaky(madd(e, v128.load(entry, 16), v128.load(entry, 32)), below));
    }
  }
}

/** Writes each block's Σ dz and Σ dz·(x − mean), see blockProducts. */
export function batchNormProducts(
  dy: usize, x: usize, table: usize, records: usize, rows: i32, c: i32, blockRows: i32, slope: f32,
  scratch: usize, from: i32, to: i32,
): void {
  const blocks = blocksOf(rows, blockRows);
  const quartets = quartetsOf(c);
  const below = f32x4.splat(slope);
  for (let unit = from; unit < to; unit++) {
    const group = unit / blocks;
    const first = (unit % blocks) * blockRows;
    const count = min(blockRows, rows - first);
    const start = (<usize>(group * rows + first) * c) << 2;
    let source = x + start;
    let incoming = dy + start;
    if (c < 4) {
      widen(source, scratch, count, c);
      source = scratch;
      widen(incoming, scratch + (<usize>blockRows << 4), count, c);
      incoming = scratch + (<usize>blockRows << 4);
    }
    const entries = table + <usize>(group * quartets) * tableBytes;
    const record = records + <usize>(unit * quartets) * recordBytes;
    blockProducts(source, incoming, count, max(c, 4), entries, tableBytes, below, record);
  }
}

/** Joins the blocks' sums: dscale, doffset [c], and the rest of the table. */
export function batchNormSettleGrad(
  records: usize, table: usize, dscale: usize, doffset: usize, groups: i32, rows: i32, c: i32, blockRows: i32,
): void {
  const blocks = blocksOf(rows, blockRows);
  const quartets = quartetsOf(c);
  const n = f32x4.splat(<f32>rows);
  for (let quartet = 0; quartet < quartets; quartet++) {
    let toScale = f32x4.splat(0);
    let toOffset = f32x4.splat(0);
    for (let group = 0; group < groups; group++) {
      let sum = f32x4.splat(0);
      let products = f32x4.splat(0);
      for (let block = 0; block < blocks; block++) {
        const record = records + <usize>((group * blocks + block) * quartets + quartet) * recordBytes;
        sum = f32x4.add(sum, v128.load(record));
        products = f32x4.add(products, v128.load(record, 16));
      }
      const entry = table + <usize>(group * quartets + quartet) * tableBytes;
      const inverse = v128.load(entry, 48);
      toScale = madd(products, inverse, toScale);
      toOffset = f32x4.add(toOffset, sum);
      const along = f32x4.mul(f32x4.mul(v128.load(entry, 16), inverse), f32x4.mul(inverse, products));
      v128.store(entry, f32x4.div(sum, n), 64);
      v128.store(entry, f32x4.div(f32x4.neg(along), n), 80);
    }
    const at = channelOf(quartet, c);
    storeUpTo4<f32>(dscale + at, toScale, c);
    storeUpTo4<f32>(doffset + at, toOffset, c);
  }
}

/**
 * dx = gain·(dz − mean dz) − (x − mean)·gain·Σ dz·(x − mean)/(rows·(variance + epsilon)); the last blocks come
 * first, as in batchNormApply.
 */
export function batchNormApplyGrad(
  dy: usize, x: usize, dx: usize, table: usize, units: i32, rows: i32, c: i32, blockRows: i32, slope: f32,
  scratch: usize, from: i32, to: i32,
): void {
  const blocks = blocksOf(rows, blockRows);
  const quartets = quartetsOf(c);
  const below = f32x4.splat(slope);
  for (let i = from; i < to; i++) {
    const unit = units - 1 - i;
    const group = unit / blocks;
    const first = (unit % blocks) * blockRows;
    const count = min(blockRows, rows - first);
    const start = (<usize>(group * rows + first) * c) << 2;
    const entries = table + <usize>(group * quartets) * tableBytes;
    if (c < 4) {
      const incoming = scratch + (<usize>blockRows << 4);
      widen(x + start, scratch, count, c);
      widen(dy + start, incoming, count, c);
      applyGradBlock(incoming, scratch, incoming, entries, count, 4, below);
      narrow(incoming, dx + start, count, c);
    } else applyGradBlock(dy + start, x + start, dx + start, entries, count, c, below);
  }
}

/** dx of a block of rows, two at a time. */
function applyGradBlock(
  dy: usize, x: usize, dx: usize, table: usize, rows: i32, width: i32, below: v128,
): void {
  const stride = <usize>width << 2;
  const quartets = quartetsOf(width);
  const bits = slopeBits(below);
  let row = 0;
  for (; row + 2 <= rows; row += 2, x += stride << 1, dy += stride << 1, dx += stride << 1) {
    let entry = table;
    for (let quartet = 0; quartet < quartets; quartet++, entry += tableBytes) {
      const at = channelOf(quartet, width);
      const next = at + stride;
      const mean = v128.load(entry);
      const gain = v128.load(entry, 16);
      const offset = v128.load(entry, 32);
      const meanDz = v128.load(entry, 64);
      const along = v128.load(entry, 80);
      const e0 = f32x4.sub(v128.load(x + at), mean);
      const e1 = f32x4.sub(v128.load(x + next), mean);
      const d0 = leakySlope(madd(e0, gain, offset), v128.load(dy + at), below, bits);
      const d1 = leakySlope(madd(e1, gain, offset), v128.load(dy + next), below, bits);
      v128.store(dx + at, madd(gain, f32x4.sub(d0, meanDz), f32x4.mul(along, e0)));
      v128.store(dx + next, madd(gain, f32x4.sub(d1, meanDz), f32x4.mul(along, e1)));
    }
  }
  if (row == rows) return;
  let entry = table;
  for (let quartet = 0; quartet < quartets; quartet++, entry += tableBytes) {
    const at = channelOf(quartet, width);
    const gain = v128.load(entry, 16);
    const e = f32x4.sub(v128.load(x + at), v128.load(entry));
    const d = leakySlope(madd(e, gain, v128.load(entry, 32)), v128.load(dy + at), below, bits);
    v128.store(dx + at, madd(gain, f32x4.sub(d, v128.load(entry, 64)), f32x4.mul(v128.load(entry, 80), e)));
  }
}
