// Sums over the columns of x [rows, c], four channels (a quartet) at a time. Rows are walked four at a time, so that
// memory is read in its order, and what is added up waits in the first-level cache: about 0.2 ms for moments of
// [16384, 64], where walking down 16 rows of a quartet at a time took 0.27 ms. Where c is no multiple of 4, the last
// quartet of a row overlaps the one before it, which only repeats work.
import { leakySlope, slopeBits } from "./activation";
import { madd } from "./simd";

/** Bytes of a quartet's record: three vectors. */
export const recordBytes: usize = 48;

/** Quartets of a row; a row of less than four channels is one, zeros after. */
export function quartetsOf(c: i32): i32 {
  return (c + 3) >> 2;
}

/** Bytes from a row's start to the quartet's first channel: a multiple of 16, but for the last quartet. */
export function channelOf(quartet: i32, c: i32): usize {
  return <usize>max(0, min(quartet << 2, c - 4)) << 2;
}

/** Copies [rows, c] with c < 4 to [rows, 4], zeros after. */
export function widen(x: usize, y: usize, rows: i32, c: i32): void {
  memory.fill(y, 0, <usize>rows << 4);
  for (let row = 0; row < rows; row++, y += 16, x += <usize>c << 2) memory.copy(y, x, <usize>c << 2);
}

/** Copies the first c < 4 columns of [rows, 4] to [rows, c]. */
export function narrow(x: usize, y: usize, rows: i32, c: i32): void {
  for (let row = 0; row < rows; row++, x += 16, y += <usize>c << 2) memory.copy(y, x, <usize>c << 2);
}

/** Rows whose mean a block's deviations are first taken from. */
const firstRows: i32 = 16;

/** Mean of x − shift over the rows of four channels at x, `stride` bytes apart. */
function meanOf(x: usize, stride: usize, rows: i32, shift: v128): v128 {
  let sum = f32x4.splat(0);
  for (let row = 0; row < rows; row++, x += stride) sum = f32x4.add(sum, f32x4.sub(v128.load(x), shift));
  return f32x4.div(sum, f32x4.splat(<f32>rows));
}

/**
 * Moments of a block of rows: each quartet's record gets the mean of x − shift and the sum of squared deviations;
 * `shifts` are a row of four channels or more. One pass about the mean of the first rows: what is then taken away
 * again is at most rows/16 times the result.
 */
export function blockMoments(x: usize, rows: i32, width: i32, shifts: usize, records: usize): void {
  const stride = <usize>width << 2;
  const end = records + <usize>quartetsOf(width) * recordBytes;
  const zero = f32x4.splat(0);
  let quartet = 0;
  for (let record = records; record < end; record += recordBytes, quartet++) {
    const at = channelOf(quartet, width);
    const shift = v128.load(shifts + at);
    v128.store(record, zero);
    v128.store(record, zero, 16);
    v128.store(record, f32x4.add(shift, meanOf(x + at, stride, min(rows, firstRows), shift)), 32);
  }
  let row = 0;
  let line = x;
  for (; row + 4 <= rows; row += 4, line += stride << 2) {
    quartet = 0;
    for (let record = records; record < end; record += recordBytes, quartet++) {
      const centre = v128.load(record, 32);
      let p = line + channelOf(quartet, width);
      const e0 = f32x4.sub(v128.load(p), centre);
      p += stride;
      const e1 = f32x4.sub(v128.load(p), centre);
      p += stride;
      const e2 = f32x4.sub(v128.load(p), centre);
      const e3 = f32x4.sub(v128.load(p + stride), centre);
      const sum = f32x4.add(f32x4.add(e0, e1), f32x4.add(e2, e3));
      const squares = madd(e0, e0, madd(e1, e1, madd(e2, e2, f32x4.mul(e3, e3))));
      v128.store(record, f32x4.add(v128.load(record), sum));
      v128.store(record, f32x4.add(v128.load(record, 16), squares), 16);
    }
  }
  for (; row < rows; row++, line += stride) {
    quartet = 0;
    for (let record = records; record < end; record += recordBytes, quartet++) {
      const e = f32x4.sub(v128.load(line + channelOf(quartet, width)), v128.load(record, 32));
      v128.store(record, f32x4.add(v128.load(record), e));
      v128.store(record, madd(e, e, v128.load(record, 16)), 16);
    }
  }
  quartet = 0;
  const n = f32x4.splat(<f32>rows);
  for (let record = records; record < end; record += recordBytes, quartet++) {
    const sum = v128.load(record);
    const off = f32x4.div(sum, n);
    const shift = v128.load(shifts + channelOf(quartet, width));
    // The centre is rounded: what it really is beside the shift counts.
    v128.store(record, f32x4.add(f32x4.sub(v128.load(record, 32), shift), off));
    v128.store(record, f32x4.sub(v128.load(record, 16), f32x4.mul(sum, off)), 16);
  }
}

/**
 * Each quartet's record gets Σ dz and Σ dz·(x − mean) over a block of rows, where dz = dy·f'(gain·(x − mean) +
 * offset) and f has the slope below zero. The table has mean, gain and offset of each quartet, `step` bytes apart.
 */
export function blockProducts(
  x: usize, dy: usize, rows: i32, width: i32, table: usize, step: usize, slope: v128, records: usize,
): void {
  const stride = <usize>width << 2;
  const quartets = quartetsOf(width);
  const bits = slopeBits(slope);
  memory.fill(records, 0, <usize>quartets * recordBytes);
  let row = 0;
  for (; row + 4 <= rows; row += 4, x += stride << 2, dy += stride << 2) {
    let entry = table;
    let record = records;
    for (let quartet = 0; quartet < quartets; quartet++, entry += step, record += recordBytes) {
      const mean = v128.load(entry);
      const gain = v128.load(entry, 16);
      const offset = v128.load(entry, 32);
      const at = channelOf(quartet, width);
      let p = x + at;
      let q = dy + at;
      const e0 = f32x4.sub(v128.load(p), mean);
      const d0 = leakySlope(madd(e0, gain, offset), v128.load(q), slope, bits);
      p += stride;
      q += stride;
      const e1 = f32x4.sub(v128.load(p), mean);
      const d1 = leakySlope(madd(e1, gain, offset), v128.load(q), slope, bits);
      p += stride;
      q += stride;
      const e2 = f32x4.sub(v128.load(p), mean);
      const d2 = leakySlope(madd(e2, gain, offset), v128.load(q), slope, bits);
      const e3 = f32x4.sub(v128.load(p + stride), mean);
      const d3 = leakySlope(madd(e3, gain, offset), v128.load(q + stride), slope, bits);
      const sum = f32x4.add(f32x4.add(d0, d1), f32x4.add(d2, d3));
      const products = madd(d0, e0, madd(d1, e1, madd(d2, e2, f32x4.mul(d3, e3))));
      v128.store(record, f32x4.add(v128.load(record), sum));
      v128.store(record, f32x4.add(v128.load(record, 16), products), 16);
    }
  }
  for (; row < rows; row++, x += stride, dy += stride) {
    let entry = table;
    let record = records;
    for (let quartet = 0; quartet < quartets; quartet++, entry += step, record += recordBytes) {
      const at = channelOf(quartet, width);
      const e = f32x4.sub(v128.load(x + at), v128.load(entry));
      const v = madd(e, v128.load(entry, 16), v128.load(entry, 32));
      const d = leakySlope(v, v128.load(dy + at), slope, bits);
      v128.store(record, f32x4.add(v128.load(record), d));
      v128.store(record, madd(d, e, v128.load(record, 16)), 16);
    }
  }
}
