import { copyFloats } from "./pack";
import { madd } from "./simd";

/**
 * One 4×8 tile of a product of two packed panels: y[i][j] (+)= Σ a[k][i]·b[k][j], k < depth. Rows of y are
 * `stepY` bytes apart; with `add` the product is added to what is there.
 */
export function tileOfPanels(a: usize, b: usize, depth: i32, y: usize, stepY: usize, add: bool): void {
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
