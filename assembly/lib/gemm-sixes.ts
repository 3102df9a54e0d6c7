// Tiles of four sizes, each written out so that its sums stay in registers, and their packing: longer than most.
import { copyFloats } from "./pack";
import { madd } from "./simd";

/**
 * One 6×8 tile of a product: y[i][j] (+)= Σ a[k][i]·b[k][j], k < depth, where rows of a, b and y are `stepA`, `stepB`
 * and `stepY` bytes apart; with `add` the product is added to what is there. The twelve sums keep the multipliers busy
 * (see sixRows), and one pointer to a leaves registers for them in every V8.
 */
function sixByEight(
  a: usize,
  stepA: usize,
  b: usize,
  stepB: usize,
  depth: i32,
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
  for (; depth > 0; depth--) {
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
    const x4 = v128.load32_splat(a, 16);
    c40 = madd(x4, b0, c40);
    c41 = madd(x4, b1, c41);
    const x5 = v128.load32_splat(a, 20);
    c50 = madd(x5, b0, c50);
    c51 = madd(x5, b1, c51);
    a += stepA;
    b += stepB;
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

/** As sixByEight, for at most four rows. */
export function fourByEight(
  a: usize,
  stepA: usize,
  b: usize,
  stepB: usize,
  depth: i32,
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
  }
  for (; depth > 0; depth--) {
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
    a += stepA;
    b += stepB;
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
}

/** As sixByEight, for at most four columns. */
function sixByFour(
  a: usize,
  stepA: usize,
  b: usize,
  stepB: usize,
  depth: i32,
  y: usize,
  stepY: usize,
  add: bool,
): void {
  let c0 = f32x4.splat(0);
  let c1 = c0;
  let c2 = c0;
  let c3 = c0;
  let c4 = c0;
  let c5 = c0;
  if (add) {
    let from = y;
    c0 = v128.load(from);
    from += stepY;
    c1 = v128.load(from);
    from += stepY;
    c2 = v128.load(from);
    from += stepY;
    c3 = v128.load(from);
    from += stepY;
    c4 = v128.load(from);
    from += stepY;
    c5 = v128.load(from);
  }
  for (; depth > 0; depth--) {
    const b0 = v128.load(b);
    const x0 = v128.load32_splat(a);
    c0 = madd(x0, b0, c0);
    const x1 = v128.load32_splat(a, 4);
    c1 = madd(x1, b0, c1);
    const x2 = v128.load32_splat(a, 8);
    c2 = madd(x2, b0, c2);
    const x3 = v128.load32_splat(a, 12);
    c3 = madd(x3, b0, c3);
    const x4 = v128.load32_splat(a, 16);
    c4 = madd(x4, b0, c4);
    const x5 = v128.load32_splat(a, 20);
    c5 = madd(x5, b0, c5);
    a += stepA;
    b += stepB;
  }
  v128.store(y, c0);
  y += stepY;
  v128.store(y, c1);
  y += stepY;
  v128.store(y, c2);
  y += stepY;
  v128.store(y, c3);
  y += stepY;
  v128.store(y, c4);
  y += stepY;
  v128.store(y, c5);
}

/** As sixByEight, for at most four rows and columns. */
function fourByFour(
  a: usize,
  stepA: usize,
  b: usize,
  stepB: usize,
  depth: i32,
  y: usize,
  stepY: usize,
  add: bool,
): void {
  let c0 = f32x4.splat(0);
  let c1 = c0;
  let c2 = c0;
  let c3 = c0;
  if (add) {
    let from = y;
    c0 = v128.load(from);
    from += stepY;
    c1 = v128.load(from);
    from += stepY;
    c2 = v128.load(from);
    from += stepY;
    c3 = v128.load(from);
  }
  for (; depth > 0; depth--) {
    const b0 = v128.load(b);
    const x0 = v128.load32_splat(a);
    c0 = madd(x0, b0, c0);
    const x1 = v128.load32_splat(a, 4);
    c1 = madd(x1, b0, c1);
    const x2 = v128.load32_splat(a, 8);
    c2 = madd(x2, b0, c2);
    const x3 = v128.load32_splat(a, 12);
    c3 = madd(x3, b0, c3);
    a += stepA;
    b += stepB;
  }
  v128.store(y, c0);
  y += stepY;
  v128.store(y, c1);
  y += stepY;
  v128.store(y, c2);
  y += stepY;
  v128.store(y, c3);
}

/** Rows of the next panel where so many are left: six or, rather than compute many for nothing, four. */
function panelRows(rest: i32): i32 {
  return rest <= 4 || rest == 7 || rest == 8 ? 4 : 6;
}

/**
 * Packs `rows` rows of x, where x[m·strideM + k·strideK], k < depth, into panels [k][panelRows], one after the other;
 * rows past the last repeat it, (rows + 3)·depth·4 bytes at most. One of the strides, which are in elements, is 1. Does not alias.
 */
export function packSixes(panels: usize, x: usize, rows: i32, depth: i32, strideM: i32, strideK: i32): void {
  for (let m = 0; m < rows; ) {
    const count = panelRows(rows - m);
    const whole = rows - m >= count;
    const from = x + ((<usize>(m * strideM)) << 2);
    if (strideK == 1) packAcross(panels, from, count, min(count, rows - m) - 1, depth, (<usize>strideM) << 2);
    else if (whole) packAlong(panels, from, count, depth, (<usize>strideK) << 2);
    else packEdge(panels, from, count, rows - m - 1, depth, (<usize>strideK) << 2);
    panels += (<usize>(count * depth)) << 2;
    m += count;
  }
}

/** One panel of rows that lie one after the other: transposed. */
function packAcross(y: usize, x: usize, count: i32, last: i32, depth: i32, step: usize): void {
  const x1 = x + <usize>min(1, last) * step;
  const x2 = x + <usize>min(2, last) * step;
  const x3 = x + <usize>min(3, last) * step;
  const x4 = x + <usize>min(4, last) * step;
  const x5 = x + <usize>min(5, last) * step;
  const next = (<usize>count) << 2;
  let k: usize = 0;
  for (const end = ((<usize>depth) << 2) & ~15; k < end; k += 16) {
    const r0 = v128.load(x + k);
    const r1 = v128.load(x1 + k);
    const r2 = v128.load(x2 + k);
    const r3 = v128.load(x3 + k);
    const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
    const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
    const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
    const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
    const y1 = y + next;
    const y2 = y1 + next;
    const y3 = y2 + next;
    v128.store(y, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
    v128.store(y1, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7));
    v128.store(y2, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5));
    v128.store(y3, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7));
    if (count == 6) {
      const r4 = v128.load(x4 + k);
      const r5 = v128.load(x5 + k);
      const low45 = v128.shuffle<f32>(r4, r5, 0, 4, 1, 5);
      const high45 = v128.shuffle<f32>(r4, r5, 2, 6, 3, 7);
      v128.store_lane<u64>(y, low45, 0, 16);
      v128.store_lane<u64>(y1, low45, 1, 16);
      v128.store_lane<u64>(y2, high45, 0, 16);
      v128.store_lane<u64>(y3, high45, 1, 16);
    }
    y = y3 + next;
  }
  for (const end = (<usize>depth) << 2; k < end; k += 4, y += next) {
    store<f32>(y, load<f32>(x + k));
    store<f32>(y, load<f32>(x1 + k), 4);
    store<f32>(y, load<f32>(x2 + k), 8);
    store<f32>(y, load<f32>(x3 + k), 12);
    if (count == 4) continue;
    store<f32>(y, load<f32>(x4 + k), 16);
    store<f32>(y, load<f32>(x5 + k), 20);
  }
}

/** One panel of columns that lie one after the other: copied. */
function packAlong(y: usize, x: usize, count: i32, depth: i32, step: usize): void {
  if (count == 6) {
    for (; depth > 0; depth--, x += step, y += 24) {
      v128.store(y, v128.load(x));
      store<u64>(y, load<u64>(x, 16), 16);
    }
  } else {
    for (; depth > 0; depth--, x += step, y += 16) v128.store(y, v128.load(x));
  }
}

/** The last panel of columns, of which not all are there. */
function packEdge(y: usize, x: usize, count: i32, last: i32, depth: i32, step: usize): void {
  for (; depth > 0; depth--, x += step) {
    for (let i = 0; i < count; i++, y += 4) store<f32>(y, load<f32>(x + ((<usize>min(i, last)) << 2)));
  }
}

/**
 * y[m][n] = Σ left[m][k]·b[k][n], k < depth, m < rows, n < columns: left packed by packSixes; rows of b are `stepB`
 * bytes apart and each 8 columns of it `stripB` bytes after those before. b is read to whole 8 columns. Rows of y
 * are `stepY` bytes apart. `edge` is a workspace of 256 bytes.
 */
export function multiplySixes(
  y: usize,
  stepY: usize,
  left: usize,
  b: usize,
  stepB: usize,
  stripB: usize,
  depth: i32,
  rows: i32,
  columns: i32,
  edge: usize,
): void {
  for (let first = 0; first < depth; first += depthBlock) {
    const part = min(depthBlock, depth - first);
    let strip = b + <usize>first * stepB;
    let top = y;
    for (let n = 0; n < columns; n += 8, top += 32, strip += stripB) {
      let to = top;
      let panel = left;
      const width = min(8, columns - n);
      for (let m = 0; m < rows; ) {
        const count = panelRows(rows - m);
        const height = <usize>min(count, rows - m);
        const step = (<usize>count) << 2;
        const a = panel + <usize>first * step;
        const whole = width == 8 && height == <usize>count;
        const place = whole ? to : edge;
        const stepPlace = whole ? stepY : 32;
        const add = first > 0;
        if (add && !whole) {
          for (let i: usize = 0; i < height; i++) copyFloats(edge + (i << 5), to + i * stepY, width);
        }
        if (width > 4) {
          if (count == 6) sixByEight(a, step, strip, stepB, part, place, stepPlace, add);
          else fourByEight(a, step, strip, stepB, part, place, stepPlace, add);
        } else if (count == 6) sixByFour(a, step, strip, stepB, part, place, stepPlace, add);
        else fourByFour(a, step, strip, stepB, part, place, stepPlace, add);
        if (!whole) {
          for (let i: usize = 0; i < height; i++) copyFloats(to + i * stepY, edge + (i << 5), width);
        }
        m += count;
        to += stepY * height;
        panel += <usize>depth * step;
      }
    }
  }
}

/** So much of the depth is multiplied at a time that a strip of b stays in the L1 cache. */
const depthBlock: i32 = 1024;
