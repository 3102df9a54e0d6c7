/** y[i] = x[i] for n float32; for short lengths, where memory.copy costs a call. */
export function copyFloats(y: usize, x: usize, n: i32): void {
  const end = y + ((<usize>n) << 2);
  for (; y + 16 <= end; y += 16, x += 16) v128.store(y, v128.load(x));
  for (; y < end; y += 4, x += 4) store<f32>(y, load<f32>(x));
}

/** y[i] += x[i] for n float32. */
export function addFloats(y: usize, x: usize, n: i32): void {
  const end = y + ((<usize>n) << 2);
  for (; y + 16 <= end; y += 16, x += 16) v128.store(y, f32x4.add(v128.load(y), v128.load(x)));
  for (; y < end; y += 4, x += 4) store<f32>(y, load<f32>(y) + load<f32>(x));
}

/** Four rows of four float32 at x, `step` bytes apart, become four columns at y, 32 bytes apart. */
function transpose4(y: usize, x: usize, step: usize): void {
  const r0 = v128.load(x);
  const r1 = v128.load(x + step);
  const r2 = v128.load(x + 2 * step);
  const r3 = v128.load(x + 3 * step);
  const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
  const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
  const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
  const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
  v128.store(y, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
  v128.store(y, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7), 32);
  v128.store(y, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5), 64);
  v128.store(y, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7), 96);
}

/**
 * panels[n/8][k][n%8] = x[k·strideK + n·strideN] for k < rows, n < columns; columns up to the next multiple
 * of 8 become zero.
 *
 * `panels` points at the first row to write; panels are `depth` ≥ rows rows apart, so that several calls can
 * fill one panel. Strides are in elements. Does not alias.
 */
export function packColumns(
  panels: usize,
  depth: i32,
  x: usize,
  rows: i32,
  columns: i32,
  strideK: i32,
  strideN: i32,
): void {
  const stepK = (<usize>strideK) << 2;
  const stepN = (<usize>strideN) << 2;
  for (let n = 0; n < columns; n += 8, panels += (<usize>depth) << 5, x += stepN << 3) {
    let y = panels;
    let from = x;
    const end = panels + ((<usize>rows) << 5);
    const width = min(8, columns - n);
    if (width == 8 && strideN == 1) {
      for (; y < end; y += 32, from += stepK) {
        v128.store(y, v128.load(from));
        v128.store(y, v128.load(from, 16), 16);
      }
    } else if (width == 8 && strideK == 1) {
      for (; y + 128 <= end; y += 128, from += 16) {
        transpose4(y, from, stepN);
        transpose4(y + 16, from + (stepN << 2), stepN);
      }
    }
    for (; y < end; y += 32, from += stepK) {
      if (width < 8) {
        v128.store(y, f32x4.splat(0));
        v128.store(y, f32x4.splat(0), 16);
      }
      for (let j = 0; j < width; j++) {
        store<f32>(y + ((<usize>j) << 2), load<f32>(from + <usize>j * stepN));
      }
    }
  }
}

/**
 * panels[m/4][p][m%4] = x[offsets[p] + m] for p < count, m < length; rows up to the next multiple of 4 become
 * zero. `offsets` are pairs of byte offsets, of which the first counts; see pixelOffsets. Does not alias.
 */
export function packRows(panels: usize, x: usize, offsets: usize, count: i32, length: i32): void {
  const end = offsets + ((<usize>count) << 3);
  let y = panels;
  let m = 0;
  for (; m + 4 <= length; m += 4, x += 16) {
    for (let o = offsets; o < end; o += 8, y += 16) v128.store(y, v128.load(x + load<u32>(o)));
  }
  const rest = length - m;
  if (rest == 0) return;
  for (let o = offsets; o < end; o += 8, y += 16) {
    v128.store(y, f32x4.splat(0));
    for (let j: usize = 0; j < <usize>rest; j++) {
      store<f32>(y + (j << 2), load<f32>(x + load<u32>(o) + (j << 2)));
    }
  }
}

/**
 * Where each pixel of a grid [pictures, rows, columns] is read and written: pairs of byte offsets (from, to),
 * row-major. Steps are in float32 elements.
 */
export function pixelOffsets(
  offsets: usize,
  pictures: i32,
  rows: i32,
  columns: i32,
  fromPicture: i32,
  fromRow: i32,
  fromColumn: i32,
  toPicture: i32,
  toRow: i32,
  toColumn: i32,
): void {
  for (let b = 0; b < pictures; b++) {
    for (let i = 0; i < rows; i++) {
      let from = (b * fromPicture + i * fromRow) << 2;
      let to = (b * toPicture + i * toRow) << 2;
      for (let j = 0; j < columns; j++, offsets += 8) {
        store<i32>(offsets, from);
        store<i32>(offsets, to, 4);
        from += fromColumn << 2;
        to += toColumn << 2;
      }
    }
  }
}
