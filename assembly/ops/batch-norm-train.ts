// Batch norm of x [groups, rows, c] with its own statistics, followed by a piecewise linear activation f, see
// lib/activation.ts. A group's rows are cut into blocks of `blockRows`; a unit is one block of one group. A first
// pass leaves a record for each block and quartet of channels, a step between settles the statistics, a second
// pass writes. No outputs alias inputs. `scratch` holds batchNormScratchBytes(c, blockRows).
import { leaky } from "../lib/activation";
import { blocksOf, tableBytes, tabulate } from "../lib/batch-norm-table";
import { blockMoments, channelOf, narrow, quartetsOf, recordBytes, widen } from "../lib/moments";
import { loadUpTo4, madd, storeUpTo4 } from "../lib/simd";

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
