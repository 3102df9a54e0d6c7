import { copyFloats } from "./pack";
import { madd } from "./simd";

/**
 * One 4×8 tile of a product: y_i[j] = Σ a_i[k]·b[k][j], i < 4, j < 8, where row i's k run over
 * `high`·`wide` contiguous runs of `run` bytes: run (r, s) starts `r·stepHigh + s·stepWide` bytes after a_i.
 * b is one packed panel [k][8]. Rows may coincide. Pointers need no alignment.
 *
 * k is not unrolled: with k by 4, V8's TurboFan hoists the loads and spills (25-29 instead of 41 GFLOP/s).
 */
function tileOfRuns(
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
 * y[pixel][n] = Σ x[pixel][k]·panels[n/8][k][n%8] for n < columns: a product whose left rows are read where
 * they lie. `offsets` says where each pixel's row is read in x and written in y (see pixelOffsets); a row's k
 * are runs as in tileOfRuns, steps and `run` in bytes. `edge` is a workspace of 128 bytes.
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
  for (let n = 0; n < columns; n += 8, y += 32, panels += panel) {
    const width = min(8, columns - n);
    for (let o = offsets; o <= last; o += 32) {
      // Rows past the last repeat it: they compute and store the same values once more.
      const o1 = min(o + 8, last);
      const o2 = min(o + 16, last);
      const o3 = min(o + 24, last);
      const y0 = y + load<u32>(o, 4);
      const y1 = y + load<u32>(o1, 4);
      const y2 = y + load<u32>(o2, 4);
      const y3 = y + load<u32>(o3, 4);
      const whole = width == 8;
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

/**
 * One 4×8 tile of a product of two packed panels: y[i][j] (+)= Σ a[k][i]·b[k][j], k < depth. Rows of y are
 * `stepY` bytes apart; with `add` the product is added to what is there.
 */
function tileOfPanels(a: usize, b: usize, depth: i32, y: usize, stepY: usize, add: bool): void {
  let c00 = f32x4.splat(0);
  let c01 = c00;
  let c10 = c00;
  let c11 = c00;
  let c20 = c00;
  let c21 = c00;
  let c30 = c00;
  let c31 = c00;
  const y1 = y + stepY;
  const y2 = y1 + stepY;
  const y3 = y2 + stepY;
  if (add) {
    c00 = v128.load(y);
    c01 = v128.load(y, 16);
    c10 = v128.load(y1);
    c11 = v128.load(y1, 16);
    c20 = v128.load(y2);
    c21 = v128.load(y2, 16);
    c30 = v128.load(y3);
    c31 = v128.load(y3, 16);
  }
  const end = a + ((<usize>depth) << 4);
  while (a < end) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const x0 = v128.load32_splat(a);
    c00 = madd(x0, b0, c00);
    c01 = madd(x0, b1, c01);
    const x1 = v128.load32_splat(a, 4);
    c10 = madd(x1, b0, c10);
    c11 = madd(x1, b1, c11);
    const x2 = v128.load32_splat(a, 8);
    c20 = madd(x2, b0, c20);
    c21 = madd(x2, b1, c21);
    const x3 = v128.load32_splat(a, 12);
    c30 = madd(x3, b0, c30);
    c31 = madd(x3, b1, c31);
    a += 16;
    b += 32;
  }
  v128.store(y, c00);
  v128.store(y, c01, 16);
  v128.store(y1, c10);
  v128.store(y1, c11, 16);
  v128.store(y2, c20);
  v128.store(y2, c21, 16);
  v128.store(y3, c30);
  v128.store(y3, c31, 16);
}

/**
 * y[m][n] (+)= Σ left[m/4][k][m%4]·right[n/8][k][n%8], k < depth, m < rows, n < columns, both packed (packRows,
 * packColumns). Rows of y are `stepY` bytes apart. `edge` is a workspace of 128 bytes.
 */
export function multiplyPanels(
  y: usize,
  stepY: usize,
  left: usize,
  right: usize,
  depth: i32,
  rows: i32,
  columns: i32,
  add: bool,
  edge: usize,
): void {
  for (let n = 0; n < columns; n += 8, y += 32, right += (<usize>depth) << 5) {
    const width = min(8, columns - n);
    let a = left;
    let to = y;
    for (let m = 0; m < rows; m += 4, a += (<usize>depth) << 4, to += stepY << 2) {
      const height = <usize>min(4, rows - m);
      if (width == 8 && height == 4) {
        tileOfPanels(a, right, depth, to, stepY, add);
        continue;
      }
      if (add) for (let i: usize = 0; i < height; i++) copyFloats(edge + (i << 5), to + i * stepY, width);
      tileOfPanels(a, right, depth, edge, 32, add);
      for (let i: usize = 0; i < height; i++) copyFloats(to + i * stepY, edge + (i << 5), width);
    }
  }
}
