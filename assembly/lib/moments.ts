// Moments of the columns of x [rows, c], four channels (a quartet) at a time down a chunk of rows. Where c is
// no multiple of 4, the last quartet of a row overlaps the one before it, which only repeats work.
import { leakySlope } from "./activation";
import { madd } from "./simd";

/** Bytes of a quartet's record: two vectors. */
export const recordBytes: usize = 32;

/** Rows of a chunk: it stays in the first-level cache while one quartet after the other walks down it. */
export function chunkRows(c: i32): i32 {
  return max(16, min(64, 4096 / c)) & ~3;
}

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

/** Mean of x − shift over the rows of four channels at x, `stride` bytes apart. */
function meanOf(x: usize, stride: usize, rows: i32, shift: v128): v128 {
  let sum = f32x4.splat(0);
  for (let row = 0; row < rows; row++, x += stride) sum = f32x4.add(sum, f32x4.sub(v128.load(x), shift));
  return f32x4.div(sum, f32x4.splat(<f32>rows));
}

/**
 * Folds a chunk's rows of four channels at x, `stride` bytes apart, into their record, which holds `seen` rows:
 * mean of x − shift, and sum of squared deviations (Chan et al. 1983: moments of a union). One pass about the
 * mean so far, which is as exact as two where there is one: what is then taken away again is at most half.
 */
export function foldMoments(x: usize, stride: usize, rows: i32, seen: i32, shift: v128, record: usize): void {
  const before = seen == 0 ? meanOf(x, stride, rows, shift) : v128.load(record);
  const centre = f32x4.add(shift, before);
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let q0 = s0;
  let q1 = s0;
  let q2 = s0;
  let q3 = s0;
  let row = 0;
  for (; row + 4 <= rows; row += 4, x += stride << 2) {
    const e0 = f32x4.sub(v128.load(x), centre);
    const e1 = f32x4.sub(v128.load(x + stride), centre);
    const e2 = f32x4.sub(v128.load(x + (stride << 1)), centre);
    const e3 = f32x4.sub(v128.load(x + stride * 3), centre);
    s0 = f32x4.add(s0, e0);
    s1 = f32x4.add(s1, e1);
    s2 = f32x4.add(s2, e2);
    s3 = f32x4.add(s3, e3);
    q0 = madd(e0, e0, q0);
    q1 = madd(e1, e1, q1);
    q2 = madd(e2, e2, q2);
    q3 = madd(e3, e3, q3);
  }
  for (; row < rows; row++, x += stride) {
    const e = f32x4.sub(v128.load(x), centre);
    s0 = f32x4.add(s0, e);
    q0 = madd(e, e, q0);
  }
  const sum = f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3));
  const squares = f32x4.add(f32x4.add(q0, q1), f32x4.add(q2, q3));
  const n = <f32>rows;
  const offCentre = f32x4.mul(sum, f32x4.splat(1 / n));
  const within = f32x4.sub(squares, f32x4.mul(sum, offCentre));
  // The centre is rounded: what it really is beside the shift counts.
  const mean = f32x4.add(f32x4.sub(centre, shift), offCentre);
  const step = f32x4.sub(mean, before);
  const share = n / <f32>(seen + rows);
  const between = f32x4.mul(f32x4.mul(step, step), f32x4.splat(share * <f32>seen));
  const so = seen == 0 ? f32x4.splat(0) : v128.load(record, 16);
  v128.store(record, f32x4.add(before, f32x4.mul(step, f32x4.splat(share))));
  v128.store(record, f32x4.add(so, f32x4.add(within, between)), 16);
}

/**
 * Adds a chunk's rows to a record: Σ dz and Σ dz·(x − mean), where dz = dy·f'(gain·(x − mean) + offset) and f has
 * the slope below zero.
 */
export function foldProducts(
  x: usize, dy: usize, stride: usize, rows: i32, mean: v128, gain: v128, offset: v128, slope: v128,
  record: usize,
): void {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let p0 = s0;
  let p1 = s0;
  let row = 0;
  for (; row + 2 <= rows; row += 2, x += stride << 1, dy += stride << 1) {
    const e0 = f32x4.sub(v128.load(x), mean);
    const e1 = f32x4.sub(v128.load(x + stride), mean);
    const d0 = leakySlope(madd(e0, gain, offset), v128.load(dy), slope);
    const d1 = leakySlope(madd(e1, gain, offset), v128.load(dy + stride), slope);
    s0 = f32x4.add(s0, d0);
    s1 = f32x4.add(s1, d1);
    p0 = madd(d0, e0, p0);
    p1 = madd(d1, e1, p1);
  }
  if (row < rows) {
    const e = f32x4.sub(v128.load(x), mean);
    const d = leakySlope(madd(e, gain, offset), v128.load(dy), slope);
    s0 = f32x4.add(s0, d);
    p0 = madd(d, e, p0);
  }
  v128.store(record, f32x4.add(v128.load(record), f32x4.add(s0, s1)));
  v128.store(record, f32x4.add(v128.load(record, 16), f32x4.add(p0, p1)), 16);
}
