import { multiplyRuns } from "../lib/gemm-runs";
import { multiplySixes, packSixes } from "../lib/gemm-sixes";
import { packColumns, pixelOffsets } from "../lib/pack";

// Products y = a·b of row-major matrices y [m, n], a [m, k] (or [k, m] with `transposeA`) and b [k, n] (or [n, k] with
// `transposeB`), k ≥ 1. y does not alias. Maximum error: that of k float32 products summed in order. A tall product
// packs b once and takes a by blocks of rows (matMulPanels, matMulRows); one of few rows reads b where it lies, by
// blocks of columns (matMulLeft, matMulColumns), or with `transposeB` as rows, the result turned (matMulPanels of aᵀ,
// matMulTurned): packing all of b would cost as much as the product. Many small ones go whole (matMulEach).

/** Bytes of `n` int32 pairs, rounded up to a cache line. */
function pairBytes(n: i32): usize {
  return ((<usize>n) * 8 + 63) & ~63;
}

/**
 * panels [n/8][k][8] of b, zeros past its last column: a unit packs `each` columns, a multiple of 8. Needs no scratch.
 */
export function matMulPanels(
  panels: usize,
  b: usize,
  k: i32,
  n: i32,
  transposeB: i32,
  each: i32,
  scratch: usize,
  from: i32,
  to: i32,
): void {
  const strideK = transposeB ? 1 : n;
  const strideN = transposeB ? k : 1;
  const first = from * each;
  const columns = min(to * each, n) - first;
  const x = b + ((<usize>(first * strideN)) << 2);
  packColumns(panels + ((<usize>(first * k)) << 2), k, x, k, columns, strideK, strideN);
}

/**
 * y = a·b of b's panels: a unit computes `rowsEach` rows (an even number of them) by `columnsEach` columns (a
 * multiple of 8). Scratch: 256 bytes, and 8 bytes a row rounded up to 64, with transposeA (rowsEach + 3)·k·4.
 */
export function matMulRows(
  y: usize,
  a: usize,
  panels: usize,
  m: i32,
  k: i32,
  n: i32,
  transposeA: i32,
  rowsEach: i32,
  columnsEach: i32,
  scratch: usize,
  from: i32,
  to: i32,
): void {
  const across = (n + columnsEach - 1) / columnsEach;
  const work = scratch + 256;
  const run = (<usize>k) << 2;
  let ready = -1;
  for (let unit = from; unit < to; unit++) {
    const block = unit / across;
    const row = block * rowsEach;
    const column = (unit % across) * columnsEach;
    const rows = min(rowsEach, m - row);
    const columns = min(columnsEach, n - column);
    const part = panels + <usize>column * run;
    const yPart = y + ((<usize>(row * n + column)) << 2);
    if (transposeA) {
      if (block != ready) packSixes(work, a + ((<usize>row) << 2), rows, k, 1, m);
      multiplySixes(yPart, (<usize>n) << 2, work, part, 32, run << 3, k, rows, columns, scratch);
    } else {
      if (block != ready) pixelOffsets(work, 1, 1, rows, 0, 0, k, 0, 0, n);
      multiplyRuns(yPart, a + <usize>row * run, work, rows, part, columns, 1, run, 1, run, run, scratch);
    }
    ready = block;
  }
}

/** Packs a for matMulColumns, (m + 3)·k·4 bytes; one unit, no scratch. */
export function matMulLeft(
  left: usize,
  a: usize,
  m: i32,
  k: i32,
  transposeA: i32,
  scratch: usize,
  from: i32,
  to: i32,
): void {
  packSixes(left, a, m, k, transposeA ? 1 : k, transposeA ? m : 1);
}

/**
 * y = a·b of few rows, a packed by matMulLeft: a unit reads `each` columns of b, a multiple of 8, where they lie or,
 * where their rows would crowd out each other in the cache (`copy`), copied together first. Scratch: 256 bytes and, with
 * `copy`, each·k·4 or, where n is no multiple of 8, k·32.
 */
export function matMulColumns(
  y: usize,
  left: usize,
  b: usize,
  m: i32,
  k: i32,
  n: i32,
  copy: i32,
  each: i32,
  scratch: usize,
  from: i32,
  to: i32,
): void {
  const row = (<usize>n) << 2;
  const panels = scratch + 256;
  for (let first = from * each; first < min(to * each, n); first += each) {
    const columns = min(each, n - first);
    // Past the last column nothing may be read.
    const packed = copy ? columns : columns & 7;
    const inPlace = columns - packed;
    const yPart = y + ((<usize>first) << 2);
    const bPart = b + ((<usize>first) << 2);
    multiplySixes(yPart, row, left, bPart, row, 32, k, m, inPlace, scratch);
    if (packed == 0) continue;
    const rest = (<usize>inPlace) << 2;
    if (copy) packTogether(panels, bPart, k, columns, row);
    else packColumns(panels, k, bPart + rest, k, packed, n, 1);
    multiplySixes(yPart + rest, row, left, panels, 32, (<usize>k) << 5, k, m, packed, scratch);
  }
}

/** packColumns of `columns`, a multiple of 8, row by row: each page of x is touched but once. Rows are `row` bytes apart. */
function packTogether(panels: usize, x: usize, k: i32, columns: i32, row: usize): void {
  const panel = (<usize>k) << 5;
  for (const end = panels + panel; panels < end; panels += 32, x += row) {
    let to = panels;
    for (let from = x; from < x + ((<usize>columns) << 2); from += 32, to += panel) {
      v128.store(to, v128.load(from));
      v128.store(to, v128.load(from, 16), 16);
    }
  }
}

/**
 * y = a·bᵀ of few rows, aᵀ packed by matMulPanels: a unit takes `each` rows of b where they lie for left ones.
 * Scratch: 256 bytes, 8 bytes for each of them rounded up to 64, each·m·4.
 */
export function matMulTurned(
  y: usize,
  panels: usize,
  b: usize,
  m: i32,
  k: i32,
  n: i32,
  each: i32,
  scratch: usize,
  from: i32,
  to: i32,
): void {
  const run = (<usize>k) << 2;
  const offsets = scratch + 256;
  const product = offsets + pairBytes(each);
  pixelOffsets(offsets, 1, 1, each, 0, 0, k, 0, 0, m);
  for (let unit = from; unit < to; unit++) {
    const first = unit * each;
    const rows = min(each, n - first);
    multiplyRuns(product, b + <usize>first * run, offsets, rows, panels, m, 1, run, 1, run, run, scratch);
    for (let i = 0; i < m; i++) {
      let x = product + ((<usize>i) << 2);
      let place = y + ((<usize>(i * n + first)) << 2);
      for (const end = place + ((<usize>rows) << 2); place < end; place += 4, x += (<usize>m) << 2) {
        store<f32>(place, load<f32>(x));
      }
    }
  }
}

/**
 * y[i] = a[pairs[2i]]·b[pairs[2i+1]], i < batch, y [batch, m, n]: a unit computes `each` whole products. `pairs`
 * holds int32 matrix numbers, so that batch dimensions broadcast. Scratch: 256 bytes, b's panels (k·⌈n/8⌉·32), and
 * 8 bytes a row rounded up to 64 or, with transposeA, (m + 3)·k·4.
 */
export function matMulEach(
  y: usize,
  a: usize,
  b: usize,
  pairs: usize,
  batch: i32,
  m: i32,
  k: i32,
  n: i32,
  transposeA: i32,
  transposeB: i32,
  each: i32,
  scratch: usize,
  from: i32,
  to: i32,
): void {
  const run = (<usize>k) << 2;
  const right = scratch + 256;
  const work = right + run * (<usize>((n + 7) & ~7));
  if (!transposeA) pixelOffsets(work, 1, 1, m, 0, 0, k, 0, 0, n);
  let packed = -1;
  for (let i = from * each; i < min(to * each, batch); i++) {
    const yi = y + ((<usize>(i * m * n)) << 2);
    const ai = a + ((<usize>(load<i32>(pairs + ((<usize>i) << 3)) * m * k)) << 2);
    const which = load<i32>(pairs + ((<usize>i) << 3), 4);
    if (which != packed) {
      const bi = b + ((<usize>(which * k * n)) << 2);
      packColumns(right, k, bi, k, n, transposeB ? 1 : n, transposeB ? k : 1);
      packed = which;
    }
    if (transposeA) {
      packSixes(work, ai, m, k, 1, m);
      multiplySixes(yi, (<usize>n) << 2, work, right, 32, run << 3, k, m, n, scratch);
    } else multiplyRuns(yi, ai, work, m, right, n, 1, run, 1, run, run, scratch);
  }
}
