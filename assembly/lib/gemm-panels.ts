import { fourByEight } from "./gemm-sixes";
import { copyFloats } from "./pack";
import { madd } from "./simd";

/**
 * One 4×8 tile of a product of two packed panels: y[i][j] (+)= Σ a[k][i]·b[k][j], k < depth. Rows of y are
 * `stepY` bytes apart; with `add` the product is added to what is there.
 */
export function tileOfPanels(a: usize, b: usize, depth: i32, y: usize, stepY: usize, add: bool): void {
  // Its steps in registers, the V8 of Node 20 and 22 runs the loop at 60, not 52, GFLOP/s in the relaxed build.
  fourByEight(a, 16, b, 32, depth, y, stepY, add);
}

/** As tileOfPanels for the first four columns and 8 rows, of the left panels at a and at a2. */
function narrowTileOfPanels(a: usize, a2: usize, b: usize, depth: i32, y: usize, add: bool): void {
  let c0 = f32x4.splat(0);
  let c1 = c0;
  let c2 = c0;
  let c3 = c0;
  let c4 = c0;
  let c5 = c0;
  let c6 = c0;
  let c7 = c0;
  if (add) {
    c0 = v128.load(y);
    c1 = v128.load(y, 32);
    c2 = v128.load(y, 64);
    c3 = v128.load(y, 96);
    c4 = v128.load(y, 128);
    c5 = v128.load(y, 160);
    c6 = v128.load(y, 192);
    c7 = v128.load(y, 224);
  }
  const end = a + ((<usize>depth) << 4);
  while (a < end) {
    const v = v128.load(b);
    c0 = madd(v128.load32_splat(a), v, c0);
    c1 = madd(v128.load32_splat(a, 4), v, c1);
    c2 = madd(v128.load32_splat(a, 8), v, c2);
    c3 = madd(v128.load32_splat(a, 12), v, c3);
    c4 = madd(v128.load32_splat(a2), v, c4);
    c5 = madd(v128.load32_splat(a2, 4), v, c5);
    c6 = madd(v128.load32_splat(a2, 8), v, c6);
    c7 = madd(v128.load32_splat(a2, 12), v, c7);
    a += 16;
    a2 += 16;
    b += 32;
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
 * y[m][n] (+)= Σ left[m/4][k][m%4]·right[n/8][k][n%8], k < depth, m < rows, n < columns, both packed (packRows,
 * packColumns). Rows of y are `stepY` bytes apart. `edge` is a workspace of 256 bytes.
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
    const panel = (<usize>depth) << 4;
    let a = left;
    let to = y;
    if (width <= 4) {
      for (let m = 0; m < rows; m += 8, a += panel << 1, to += stepY << 3) {
        const height = <usize>min(8, rows - m);
        if (add) for (let i: usize = 0; i < height; i++) copyFloats(edge + (i << 5), to + i * stepY, width);
        narrowTileOfPanels(a, height > 4 ? a + panel : a, right, depth, edge, add);
        for (let i: usize = 0; i < height; i++) copyFloats(to + i * stepY, edge + (i << 5), width);
      }
      break;
    }
    for (let m = 0; m < rows; m += 4, a += panel, to += stepY << 2) {
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
