// Batch norm of x [groups, rows, c] with its own statistics, followed by a piecewise linear activation f, see
// lib/activation.ts. A group's rows are cut into blocks of `blockRows`; a unit is one block of one group. A first
// pass leaves a record for each block and quartet of channels, a step between settles the statistics, a second
// pass writes. No outputs alias inputs. `scratch` holds batchNormScratchBytes(c, blockRows).
import { leaky, leakySlope } from "../lib/activation";
import {
  channelOf, chunkRows, foldMoments, foldProducts, narrow, quartetsOf, recordBytes, widen,
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
  return c < 4 ? blockRows << 5 : 0;
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

/** Writes each block's moments, see foldMoments; the shift is the group's first row. */
export function batchNormMoments(
  x: usize, records: usize, rows: i32, c: i32, blockRows: i32, scratch: usize, from: i32, to: i32,
): void {
  const blocks = blocksOf(rows, blockRows);
  const quartets = quartetsOf(c);
  const width = max(c, 4);
  const stride = <usize>width << 2;
  const chunk = chunkRows(width);
  for (let unit = from; unit < to; unit++) {
    const group = x + ((<usize>(unit / blocks) * rows * c) << 2);
    const first = (unit % blocks) * blockRows;
    const count = min(blockRows, rows - first);
    let block = group + ((<usize>first * c) << 2);
    if (c < 4) {
      widen(block, scratch, count, c);
      block = scratch;
    }
    const record = records + <usize>(unit * quartets) * recordBytes;
    for (let row = 0; row < count; row += chunk) {
      const start = block + <usize>row * stride;
      for (let quartet = 0; quartet < quartets; quartet++) {
        const at = channelOf(quartet, width);
        const shift = loadUpTo4<f32>(group + at, c);
        foldMoments(
          start + at, stride, min(chunk, count - row), row, shift, record + <usize>quartet * recordBytes,
        );
      }
    }
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
  const stride = <usize>width << 2;
  const chunk = chunkRows(width);
  const below = f32x4.splat(slope);
  for (let i = from; i < to; i++) {
    const unit = units - 1 - i;
    const group = unit / blocks;
    const first = (unit % blocks) * blockRows;
    const count = min(blockRows, rows - first);
    const start = (<usize>(group * rows + first) * c) << 2;
    let source = x + start;
    let result = y + start;
    if (c < 4) {
      widen(source, scratch, count, c);
      source = result = scratch;
    }
    for (let row = 0; row < count; row += chunk) {
      const bytes = <usize>min(chunk, count - row) * stride;
      for (let quartet = 0; quartet < quartets; quartet++) {
        const at = <usize>row * stride + channelOf(quartet, width);
        const entry = table + <usize>(group * quartets + quartet) * tableBytes;
        const mean = v128.load(entry);
        const gain = v128.load(entry, 16);
        const offset = v128.load(entry, 32);
        const end = source + at + bytes;
        let q = result + at;
        for (let p = source + at; p < end; p += stride, q += stride) {
          v128.store(q, leaky(madd(f32x4.sub(v128.load(p), mean), gain, offset), below));
        }
      }
    }
    if (c < 4) narrow(scratch, y + start, count, c);
  }
}

/** Writes each block's Σ dz and Σ dz·(x − mean), see foldProducts. */
export function batchNormProducts(
  dy: usize, x: usize, table: usize, records: usize, rows: i32, c: i32, blockRows: i32, slope: f32,
  scratch: usize, from: i32, to: i32,
): void {
  const blocks = blocksOf(rows, blockRows);
  const quartets = quartetsOf(c);
  const width = max(c, 4);
  const stride = <usize>width << 2;
  const chunk = chunkRows(width);
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
    const record = records + <usize>(unit * quartets) * recordBytes;
    memory.fill(record, 0, <usize>quartets * recordBytes);
    for (let row = 0; row < count; row += chunk) {
      for (let quartet = 0; quartet < quartets; quartet++) {
        const at = <usize>row * stride + channelOf(quartet, width);
        const entry = table + <usize>(group * quartets + quartet) * tableBytes;
        foldProducts(
          source + at, incoming + at, stride, min(chunk, count - row), v128.load(entry), v128.load(entry, 16),
          v128.load(entry, 32), below, record + <usize>quartet * recordBytes,
        );
      }
    }
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
  const width = max(c, 4);
  const stride = <usize>width << 2;
  const chunk = chunkRows(width);
  const below = f32x4.splat(slope);
  for (let i = from; i < to; i++) {
    const unit = units - 1 - i;
    const group = unit / blocks;
    const first = (unit % blocks) * blockRows;
    const count = min(blockRows, rows - first);
    const start = (<usize>(group * rows + first) * c) << 2;
    let source = x + start;
    let incoming = dy + start;
    let result = dx + start;
    if (c < 4) {
      widen(source, scratch, count, c);
      source = scratch;
      widen(incoming, scratch + (<usize>blockRows << 4), count, c);
      incoming = result = scratch + (<usize>blockRows << 4);
    }
    for (let row = 0; row < count; row += chunk) {
      const bytes = <usize>min(chunk, count - row) * stride;
      for (let quartet = 0; quartet < quartets; quartet++) {
        const at = <usize>row * stride + channelOf(quartet, width);
        const entry = table + <usize>(group * quartets + quartet) * tableBytes;
        const mean = v128.load(entry);
        const gain = v128.load(entry, 16);
        const offset = v128.load(entry, 32);
        const meanDz = v128.load(entry, 64);
        const along = v128.load(entry, 80);
        const end = source + at + bytes;
        let q = incoming + at;
        let r = result + at;
        for (let p = source + at; p < end; p += stride, q += stride, r += stride) {
          const e = f32x4.sub(v128.load(p), mean);
          const dz = leakySlope(madd(e, gain, offset), v128.load(q), below);
          v128.store(r, madd(gain, f32x4.sub(dz, meanDz), f32x4.mul(along, e)));
        }
      }
    }
    if (c < 4) narrow(result, dx + start, count, c);
  }
}
