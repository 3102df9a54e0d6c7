import { copyRun } from "../lib/copy";

/** Bytes of one entry of `dims`: a count, the step in dst and the step in src, each an int32. */
const entry = 12;

/**
 * dst[Σ iₐ·dstStrideₐ] = src[Σ iₐ·srcStrideₐ] over all indices i.
 * `dims` holds `rank` ≥ 2 entries (count, dstStride, srcStride), outermost first, strides in elements, of
 * either sign; `dst` and `src` are the addresses of index 0. Of the outermost count the first n are copied.
 * `width` is 4 or 1 bytes an element, addresses aligned to it. The elements written and read must not overlap.
 */
export function copyStrided(dst: usize, src: usize, n: i32, rank: i32, dims: usize, width: i32): void {
  if (width == 4) copyDims<u32>(dst, src, n, rank, dims);
  else copyDims<u8>(dst, src, n, rank, dims);
}

function copyDims<T>(dst: usize, src: usize, n: i32, rank: i32, dims: usize): void {
  const dstStep = <isize>load<i32>(dims, 4) * sizeof<T>();
  const srcStep = <isize>load<i32>(dims, 8) * sizeof<T>();
  if (rank == 2) {
    copyPlane<T>(
      dst, src, n, load<i32>(dims, entry),
      dstStep, srcStep,
      <isize>load<i32>(dims, entry + 4) * sizeof<T>(), <isize>load<i32>(dims, entry + 8) * sizeof<T>(),
    );
    return;
  }
  for (let i = 0; i < n; i++) {
    copyDims<T>(dst, src, load<i32>(dims, entry), rank - 1, dims + entry);
    dst += dstStep;
    src += srcStep;
  }
}

function copyPlane<T>(
  dst: usize, src: usize, rows: i32, cols: i32,
  dstRow: isize, srcRow: isize, dstCol: isize, srcCol: isize,
): void {
  const unit = <isize>sizeof<T>();
  if (dstCol == unit && srcCol == unit && cols >= 4) {
    for (let r = 0; r < rows; r++, dst += dstRow, src += srcRow) copyRun(dst, src, cols * unit);
    return;
  }
  if (unit == 4 && dstCol == unit && srcRow == unit) {
    transposePlane(dst, src, rows, cols, dstRow, srcCol);
    return;
  }
  for (let r = 0; r < rows; r++, dst += dstRow, src += srcRow) {
    let to = dst, from = src;
    for (let c = 0; c < cols; c++, to += dstCol, from += srcCol) store<T>(to, load<T>(from));
  }
}

/** dst[r·dstRow + 4c] = src[4r + c·srcCol] in 4×4 blocks, `pass` rows at a time. */
function transposePlane(dst: usize, src: usize, rows: i32, cols: i32, dstRow: isize, srcCol: isize): void {
  const fullCols = cols & ~3;
  // 16 rows read each line of src once. Rows a multiple of 4 KB apart share one cache set, where 16 drive each
  // other out: NHWC to NCHW at [16,32,32,64] takes 0.9 ns an element with 16, 0.5 with 4.
  const pass = (dstRow & 4095) == 0 ? 4 : 16;
  for (let r0 = 0; r0 < rows; r0 += pass) {
    const end = min(rows, r0 + pass);
    let from = src + (<usize>r0 << 2);
    let to = dst + r0 * dstRow;
    for (let c = 0; c < fullCols; c += 4, from += srcCol << 2, to += 16) {
      let f = from, t = to, r = r0;
      for (; r + 4 <= end; r += 4, f += 16, t += dstRow << 2) transposeBlock(t, f, dstRow, srcCol);
      for (; r < end; r++, f += 4, t += dstRow) {
        for (let k = 0; k < 4; k++) store<u32>(t + (k << 2), load<u32>(f + k * srcCol));
      }
    }
    for (let c = fullCols; c < cols; c++, from += srcCol, to += 4) {
      for (let r = 0; r < end - r0; r++) store<u32>(to + r * dstRow, load<u32>(from + (r << 2)));
    }
  }
}

function transposeBlock(dst: usize, src: usize, dstRow: isize, srcCol: isize): void {
  const a = v128.load(src);
  const b = v128.load(src + srcCol);
  const c = v128.load(src + 2 * srcCol);
  const d = v128.load(src + 3 * srcCol);
  const ab0 = i32x4.shuffle(a, b, 0, 4, 1, 5);
  const ab1 = i32x4.shuffle(a, b, 2, 6, 3, 7);
  const cd0 = i32x4.shuffle(c, d, 0, 4, 1, 5);
  const cd1 = i32x4.shuffle(c, d, 2, 6, 3, 7);
  v128.store(dst, i64x2.shuffle(ab0, cd0, 0, 2));
  v128.store(dst + dstRow, i64x2.shuffle(ab0, cd0, 1, 3));
  v128.store(dst + 2 * dstRow, i64x2.shuffle(ab1, cd1, 0, 2));
  v128.store(dst + 3 * dstRow, i64x2.shuffle(ab1, cd1, 1, 3));
}
