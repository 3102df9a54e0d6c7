import { filter2, filterAdjoint2, input2, output2, outputAdjoint2 } from "./minimal-2";
import { filter4, filterAdjoint4, input4, output4, outputAdjoint4 } from "./minimal-4";
import { copyFloats } from "./pack";
import { madd } from "./simd";

// Minimal filtering of 3×3 taps in two dimensions (Winograd 1980; Lavin & Gray 2015, arXiv 1509.09308): m×m outputs
// are Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A with (m + 2)² products, which summed over channels are as many matrix products, the
// planes. Matrices of the filter-gradient are its transposes: Gᵀ[(Bᵀ d B) ⊙ (A y Aᵀ)]G. Each function takes four
// channels at a time through both dimensions; planes are `plane` bytes apart. `temp` is a workspace of `temporaries`
// bytes.

/** Bytes that each thread keeps in scratch for them: half a transform, then what findTile finds. */
export const temporaries: usize = 640;
/** Places of pointers to a tile's rows, of the first of its columns that exists, and of the first after them. */
const tileRows: usize = 576;
const tileFrom: usize = 600;
const tileTo: usize = 604;

/**
 * Finds the pixels (row…row + size, column…column + size) of one picture [height, width, channels] at x: pointers to
 * the rows, `zeros` (as long as a row of the tile) in place of those outside, and which columns exist go to temp.
 */
export function findTile(
  temp: usize,
  x: usize,
  height: i32,
  width: i32,
  channels: i32,
  row: i32,
  column: i32,
  size: i32,
  zeros: usize,
): void {
  const rows = temp + tileRows;
  for (let i = 0; i < size; i++) {
    const inside = row + i >= 0 && row + i < height;
    const pixel = x + ((<usize>(((row + i) * width + column) * channels)) << 2);
    store<usize>(rows + ((<usize>i) << 2), inside ? pixel : zeros);
  }
  store<i32>(temp + tileFrom, max(0, -column));
  store<i32>(temp + tileTo, min(size, width - column));
}

/**
 * As findTile, for channels that are no whole vectors: `count` of them are copied to patch[size][size][lanes], with
 * zeros in all else.
 */
export function copyTile(
  temp: usize,
  x: usize,
  height: i32,
  width: i32,
  channels: i32,
  row: i32,
  column: i32,
  size: i32,
  patch: usize,
  count: i32,
  lanes: i32,
): void {
  const step = (<usize>(size * lanes)) << 2;
  memory.fill(patch, 0, <usize>size * step);
  const top = max(0, -row);
  const left = max(0, -column);
  const bottom = min(size, height - row);
  const right = min(size, width - column);
  for (let i = top; i < bottom; i++) {
    for (let j = left; j < right; j++) {
      copyFloats(
        patch + ((<usize>((i * size + j) * lanes)) << 2),
        x + ((<usize>(((row + i) * width + column + j) * channels)) << 2),
        count,
      );
    }
  }
  for (let i: usize = 0; i < <usize>size; i++) store<usize>(temp + tileRows + (i << 2), patch + i * step);
  store<i32>(temp + tileFrom, 0);
  store<i32>(temp + tileTo, size);
}

/**
 * Planes = Bᵀ d B of the found tile's pixels, `pixel` bytes apart, `offset` bytes in; with `adjoint` A d Aᵀ. Of
 * `vectors` times four channels each four go `next` bytes further.
 */
export function transformTile(
  tile: i32, adjoint: bool, y: usize, plane: usize, next: usize, offset: usize, pixel: usize, vectors: i32, temp: usize,
): void {
  const rows = temp + tileRows;
  const from = load<i32>(temp + tileFrom);
  const to = load<i32>(temp + tileTo);
  if (tile == 4) {
    if (adjoint) outputAdjoint4(y, plane, next, rows, offset, pixel, from, to, vectors, temp);
    else input4(y, plane, next, rows, offset, pixel, from, to, vectors, temp);
  } else if (adjoint) outputAdjoint2(y, plane, next, rows, offset, pixel, from, to, vectors, temp);
  else input2(y, plane, next, rows, offset, pixel, from, to, vectors, temp);
}

/** m·m pixels of `vectors` times four channels = Aᵀ x A of planes. */
export function transformOutput(
  tile: i32, y: usize, row: usize, pixel: usize, x: usize, plane: usize, vectors: i32, temp: usize,
): void {
  if (tile == 4) output4(y, row, pixel, x, plane, vectors, temp);
  else output2(y, row, pixel, x, plane, vectors, temp);
}

/** Planes = G x Gᵀ of 3×3 taps, `tap` bytes apart. */
export function transformFilter(tile: i32, y: usize, plane: usize, x: usize, tap: usize, temp: usize): void {
  if (tile == 4) {
    filter4(temp, 48, 16, x, 3 * tap, tap, 3);
    filter4(y, plane, 6 * plane, temp, 16, 48, 6);
  } else {
    filter2(temp, 48, 16, x, 3 * tap, tap, 3);
    filter2(y, plane, 4 * plane, temp, 16, 48, 4);
  }
}

/** 3×3 taps of `vectors` times four channels, `tap` bytes apart, = Gᵀ x G of planes. */
export function transformFilterAdjoint(
  tile: i32, y: usize, tap: usize, x: usize, plane: usize, vectors: i32, temp: usize,
): void {
  if (tile == 4) filterAdjoint4(y, tap, x, plane, vectors, temp);
  else filterAdjoint2(y, tap, x, plane, vectors, temp);
}

/**
 * y[m][8] = Σ x[m][k]·panel[k][8], k < depth, for m < rows, a multiple of 4. Rows of x are `step` bytes apart; y is
 * contiguous.
 */
export function multiplyRows(y: usize, x: usize, step: usize, panel: usize, rows: i32, depth: i32): void {
  const next = (step << 2) - ((<usize>depth) << 2);
  let a0 = x;
  let a1 = a0 + step;
  let a2 = a1 + step;
  let a3 = a2 + step;
  for (const last = y + ((<usize>rows) << 5); y < last; y += 128) {
    let c00 = f32x4.splat(0);
    let c01 = c00;
    let c10 = c00;
    let c11 = c00;
    let c20 = c00;
    let c21 = c00;
    let c30 = c00;
    let c31 = c00;
    let b = panel;
    const end = a0 + ((<usize>depth) << 2);
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
    v128.store(y, c00);
    v128.store(y, c01, 16);
    v128.store(y, c10, 32);
    v128.store(y, c11, 48);
    v128.store(y, c20, 64);
    v128.store(y, c21, 80);
    v128.store(y, c30, 96);
    v128.store(y, c31, 112);
    a0 += next;
    a1 += next;
    a2 += next;
    a3 += next;
  }
}

/**
 * y_i[m][8] = Σ left_i[k][m]·right[k][8], k < depth, m < 4, for i < count: y_i are `stepY` bytes apart, left_i `step`
 * bytes.
 */
export function multiplyPanel(
  y: usize, stepY: usize, left: usize, step: usize, right: usize, count: i32, depth: i32,
): void {
  for (let i = 0; i < count; i++, y += stepY, left += step) {
    let c00 = f32x4.splat(0);
    let c01 = c00;
    let c10 = c00;
    let c11 = c00;
    let c20 = c00;
    let c21 = c00;
    let c30 = c00;
    let c31 = c00;
    let a = left;
    let b = right;
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
    v128.store(y, c10, 32);
    v128.store(y, c11, 48);
    v128.store(y, c20, 64);
    v128.store(y, c21, 80);
    v128.store(y, c30, 96);
    v128.store(y, c31, 112);
  }
}
