// Tiles of three sizes, each written out so that its sums stay in registers: longer than most.
import { copyFloats } from "./pack";
import { madd } from "./simd";

/**
 * One 4×8 tile of a product: y_i[j] = Σ a_i[k]·b[k][j], i < 4, j < 8, where row i's k run over
 * `high`·`wide` contiguous runs of `run` bytes: run (r, s) starts `r·stepHigh + s·stepWide` bytes after a_i.
 * b is one packed panel [k][8]. Rows may coincide. Pointers need no alignment.
 *
 * k is not unrolled: with k by 4, V8's TurboFan hoists the loads and spills (25-29 instead of 41 GFLOP/s).
 */
export function tileOfRuns(
  a0: usize,
  a1: usize,
  a2: usize,
  a3: usize,
  high: i32,
  stepHigh: usize,
  wide: i32,
  stepWide: usize,
  run: usize,
  b: usize,
  y0: usize,
  y1: usize,
  y2: usize,
  y3: usize,
): void {
  let c00 = f32x4.splat(0);
  let c01 = c00;
  let c10 = c00;
  let c11 = c00;
  let c20 = c00;
  let c21 = c00;
  let c30 = c00;
  let c31 = c00;
  const nextHigh = stepHigh - <usize>wide * stepWide;
  const nextWide = stepWide - run;
  for (let r = 0; r < high; r++) {
    for (let s = 0; s < wide; s++) {
      const end = a0 + run;
      while (a0 < end) {
        const b0 = v128.load(b);
        const b1 = v128.load(b, 16);
        const x0 = v128.load32_splat(a0);
        c00 = madd(x0, b0, c00);
        c01 = madd(x0, b1, c01);
        const x1 = v128.load32_splat(a1);
        c10 = madd(x1, b0, c10);
        c11 = madd(x1, b1, c11);
        const x2 = v128.load32_splat(a2);
        c20 = madd(x2, b0, c20);
        c21 = madd(x2, b1, c21);
        const x3 = v128.load32_splat(a3);
        c30 = madd(x3, b0, c30);
        c31 = madd(x3, b1, c31);
        a0 += 4;
        a1 += 4;
        a2 += 4;
        a3 += 4;
        b += 32;
      }
      a0 += nextWide;
      a1 += nextWide;
      a2 += nextWide;
      a3 += nextWide;
    }
    a0 += nextHigh;
    a1 += nextHigh;
    a2 += nextHigh;
    a3 += nextHigh;
  }
  v128.store(y0, c00);
  v128.store(y0, c01, 16);
  v128.store(y1, c10);
  v128.store(y1, c11, 16);
  v128.store(y2, c20);
  v128.store(y2, c21, 16);
  v128.store(y3, c30);
  v128.store(y3, c31, 16);
}

/**
 * As tileOfRuns, 8×4 for at most four columns: the panel's other half is not read. Rows o, o + 8, ... of
 * `offsets` up to `last` (see multiplyRuns); row i is stored at y + i·32.
 */
function narrowTileOfRuns(
  x: usize,
  o: usize,
  last: usize,
  high: i32,
  stepHigh: usize,
  wide: i32,
  stepWide: usize,
  run: usize,
  b: usize,
  y: usize,
): void {
  let a0 = x + load<u32>(o);
  let a1 = x + load<u32>(min(o + 8, last));
  let a2 = x + load<u32>(min(o + 16, last));
  let a3 = x + load<u32>(min(o + 24, last));
  let a4 = x + load<u32>(min(o + 32, last));
  let a5 = x + load<u32>(min(o + 40, last));
  let a6 = x + load<u32>(min(o + 48, last));
  let a7 = x + load<u32>(min(o + 56, last));
  let c0 = f32x4.splat(0);
  let c1 = c0;
  let c2 = c0;
  let c3 = c0;
  let c4 = c0;
  let c5 = c0;
  let c6 = c0;
  let c7 = c0;
  const nextHigh = stepHigh - <usize>wide * stepWide;
  for (let r = 0; r < high; r++) {
    for (let s = 0; s < wide; s++) {
      for (let k: usize = 0; k < run; k += 4, b += 32) {
        const v = v128.load(b);
        c0 = madd(v128.load32_splat(a0 + k), v, c0);
        c1 = madd(v128.load32_splat(a1 + k), v, c1);
        c2 = madd(v128.load32_splat(a2 + k), v, c2);
        c3 = madd(v128.load32_splat(a3 + k), v, c3);
        c4 = madd(v128.load32_splat(a4 + k), v, c4);
        c5 = madd(v128.load32_splat(a5 + k), v, c5);
        c6 = madd(v128.load32_splat(a6 + k), v, c6);
        c7 = madd(v128.load32_splat(a7 + k), v, c7);
      }
      a0 += stepWide;
      a1 += stepWide;
      a2 += stepWide;
      a3 += stepWide;
      a4 += stepWide;
      a5 += stepWide;
      a6 += stepWide;
      a7 += stepWide;
    }
    a0 += nextHigh;
    a1 += nextHigh;
    a2 += nextHigh;
    a3 += nextHigh;
    a4 += nextHigh;
    a5 += nextHigh;
    a6 += nextHigh;
    a7 += nextHigh;
  }
  v128.store(y, c0);
  v128.store(y, c1, 32);
  v128.store(y, c2, 64);
  v128.store(y, c3, 96);
  v128.store(y, c4, 128);
  v128.store(y, c5, 160);
  v128.store(y, c6, 192);
  v128.store(y, c7, 224);
}

/**
 * One 6×8 tile of a product: y_i[j] (+)= Σ a_i[k]·b[k][j], i < 6, j < 8, over `run` bytes of k. b is one packed panel
 * [k][8], rows of y are `stepY` bytes apart; with `add` the product is added to what is there. Rows may coincide.
 *
 * Twelve sums hide the latency of a fused multiply-add, which the eight of 4×8 do not: 59 against 49 GFLOP/s. Around
 * this loop V8 has no registers left for others: runs are put together by `add`.
 */
function sixRows(
  a0: usize,
  a1: usize,
  a2: usize,
  a3: usize,
  a4: usize,
  a5: usize,
  run: usize,
  b: usize,
  y: usize,
  stepY: usize,
  add: bool,
): void {
  let c00 = f32x4.splat(0);
  let c01 = c00;
  let c10 = c00;
  let c11 = c00;
  let c20 = c00;
  let c21 = c00;
  let c30 = c00;
  let c31 = c00;
  let c40 = c00;
  let c41 = c00;
  let c50 = c00;
  let c51 = c00;
  if (add) {
    let from = y;
    c00 = v128.load(from);
    c01 = v128.load(from, 16);
    from += stepY;
    c10 = v128.load(from);
    c11 = v128.load(from, 16);
    from += stepY;
    c20 = v128.load(from);
    c21 = v128.load(from, 16);
    from += stepY;
    c30 = v128.load(from);
    c31 = v128.load(from, 16);
    from += stepY;
    c40 = v128.load(from);
    c41 = v128.load(from, 16);
    from += stepY;
    c50 = v128.load(from);
    c51 = v128.load(from, 16);
  }
  const end = b + (run << 3);
  while (b < end) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const x0 = v128.load32_splat(a0);
    c00 = madd(x0, b0, c00);
    c01 = madd(x0, b1, c01);
    const x1 = v128.load32_splat(a1);
    c10 = madd(x1, b0, c10);
    c11 = madd(x1, b1, c11);
    const x2 = v128.load32_splat(a2);
    c20 = madd(x2, b0, c20);
    c21 = madd(x2, b1, c21);
    const x3 = v128.load32_splat(a3);
    c30 = madd(x3, b0, c30);
    c31 = madd(x3, b1, c31);
    const x4 = v128.load32_splat(a4);
    c40 = madd(x4, b0, c40);
    c41 = madd(x4, b1, c41);
    const x5 = v128.load32_splat(a5);
    c50 = madd(x5, b0, c50);
    c51 = madd(x5, b1, c51);
    a0 += 4;
    a1 += 4;
    a2 += 4;
    a3 += 4;
    a4 += 4;
    a5 += 4;
    b += 32;
  }
  v128.store(y, c00);
  v128.store(y, c01, 16);
  y += stepY;
  v128.store(y, c10);
  v128.store(y, c11, 16);
  y += stepY;
  v128.store(y, c20);
  v128.store(y, c21, 16);
  y += stepY;
  v128.store(y, c30);
  v128.store(y, c31, 16);
  y += stepY;
  v128.store(y, c40);
  v128.store(y, c41, 16);
  y += stepY;
  v128.store(y, c50);
  v128.store(y, c51, 16);
}

/** As tileOfRuns, 6×8 for rows o, o + 8, ... of `offsets`: stored at y, `stepY` bytes apart. */
function sixRowsOfRuns(
  x: usize,
  o: usize,
  high: i32,
  stepHigh: usize,
  wide: i32,
  stepWide: usize,
  run: usize,
  b: usize,
  y: usize,
  stepY: usize,
): void {
  const a0 = x + load<u32>(o);
  const a1 = x + load<u32>(o, 8);
  const a2 = x + load<u32>(o, 16);
  const a3 = x + load<u32>(o, 24);
  const a4 = x + load<u32>(o, 32);
  const a5 = x + load<u32>(o, 40);
  for (let r: usize = 0; r < <usize>high; r++) {
    let at = r * stepHigh;
    for (let s = 0; s < wide; s++, at += stepWide, b += run << 3) {
      const add = r > 0 || s > 0;
      sixRows(a0 + at, a1 + at, a2 + at, a3 + at, a4 + at, a5 + at, run, b, y, stepY, add);
    }
  }
}

/** Bytes from row to row of y where six rows of `offsets` are evenly spaced; else 0. */
function evenStep(o: usize): usize {
  const step = load<u32>(o, 12) - load<u32>(o, 4);
  const even =
    load<u32>(o, 20) - load<u32>(o, 12) == step &&
    load<u32>(o, 28) - load<u32>(o, 20) == step &&
    load<u32>(o, 36) - load<u32>(o, 28) == step &&
    load<u32>(o, 44) - load<u32>(o, 36) == step;
  return even ? step : 0;
}

/** Whether the next tile takes six rows, not four, where so many are left. */
function takesSix(rows: i32): bool {
  return rows >= 6 && rows != 7 && rows != 8;
}

/** Shortest run, in bytes, that the 6×8 tile takes: each begins and ends a loop, and may load and store the sums. */
const longRun: usize = 192;

/**
 * y[pixel][n] = Σ x[pixel][k]·panels[n/8][k][n%8] for n < columns: a product whose left rows are read where
 * they lie. `offsets` says where each pixel's row is read in x and written in y (see pixelOffsets); a row's k
 * are runs as in tileOfRuns, steps and `run` in bytes. `edge` is a workspace of 256 bytes.
 */
export function multiplyRuns(
  y: usize,
  x: usize,
  offsets: usize,
  pixels: i32,
  panels: usize,
  columns: i32,
  high: i32,
  stepHigh: usize,
  wide: i32,
  stepWide: usize,
  run: usize,
  edge: usize,
): void {
  const panel = <usize>(high * wide) * (run << 3);
  const last = offsets + ((<usize>(pixels - 1)) << 3);
  // Without fused multiply-add there is no latency to hide.
  const sixes = ASC_FEATURE_RELAXED_SIMD && high > 0 && wide > 0 && run >= longRun;
  for (let n = 0; n < columns; n += 8, y += 32, panels += panel) {
    const width = min(8, columns - n);
    if (width <= 4) {
      for (let o = offsets; o <= last; o += 64) {
        narrowTileOfRuns(x, o, last, high, stepHigh, wide, stepWide, run, panels, edge);
        const rows = min(8, (<i32>(last - o) >> 3) + 1);
        for (let i: usize = 0; i < <usize>rows; i++) {
          copyFloats(y + load<u32>(o + (i << 3), 4), edge + (i << 5), width);
        }
      }
      break;
    }
    const whole = width == 8;
    let o = offsets;
    for (; sixes && takesSix((<i32>(last - o) >> 3) + 1); o += 48) {
      const stepY = whole ? evenStep(o) : 0;
      if (stepY) {
        sixRowsOfRuns(x, o, high, stepHigh, wide, stepWide, run, panels, y + load<u32>(o, 4), stepY);
        continue;
      }
      sixRowsOfRuns(x, o, high, stepHigh, wide, stepWide, run, panels, edge, 32);
      for (let i: usize = 0; i < 6; i++) copyFloats(y + load<u32>(o + (i << 3), 4), edge + (i << 5), width);
    }
    for (; o <= last; o += 32) {
      // Rows past the last repeat it: they compute and store the same values once more.
      const o1 = min(o + 8, last);
      const o2 = min(o + 16, last);
      const o3 = min(o + 24, last);
      const y0 = y + load<u32>(o, 4);
      const y1 = y + load<u32>(o1, 4);
      const y2 = y + load<u32>(o2, 4);
      const y3 = y + load<u32>(o3, 4);
      tileOfRuns(
        x + load<u32>(o),
        x + load<u32>(o1),
        x + load<u32>(o2),
        x + load<u32>(o3),
        high,
        stepHigh,
        wide,
        stepWide,
        run,
        panels,
        whole ? y0 : edge,
        whole ? y1 : edge + 32,
        whole ? y2 : edge + 64,
        whole ? y3 : edge + 96,
      );
      if (whole) continue;
      copyFloats(y0, edge, width);
      copyFloats(y1, edge + 32, width);
      copyFloats(y2, edge + 64, width);
      copyFloats(y3, edge + 96, width);
    }
  }
}
