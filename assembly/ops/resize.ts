import { addRun, addScaled, copyRun } from "../lib/copy";
import { madd } from "../lib/simd";

/**
 * y[n,r,c,:] = x[n,rows[r],cols[c],:] for pictures x [batch, height, width, ·] and y [batch, outHeight,
 * outWidth, ·] of `pixelBytes` bytes a pixel; `rows` and `cols` are int32 tables.
 */
export function resizeNearest(
  y: usize, x: usize, rows: usize, cols: usize,
  batch: i32, height: i32, width: i32, outHeight: i32, outWidth: i32, pixelBytes: i32,
): void {
  const pixel = <usize>pixelBytes;
  const outRow = <usize>outWidth * pixel;
  for (let b = 0; b < batch; b++, x += <usize>height * width * pixel) {
    let previous = -1;
    for (let r = 0; r < outHeight; r++) {
      const row = load<i32>(rows + (<usize>r << 2));
      if (row == previous) {
        copyRun(y, y - outRow, outRow);
        y += outRow;
        continue;
      }
      previous = row;
      const from = x + <usize>row * width * pixel;
      for (let c = 0; c < outWidth; c++, y += pixel) {
        copyRun(y, from + <usize>load<i32>(cols + (<usize>c << 2)) * pixel, pixel);
      }
    }
  }
}

/** The adjoint of `resizeNearest` in float32: dx[n,rows[r],cols[c],:] += dy[n,r,c,:] from dx = 0. */
export function resizeNearestGrad(
  dx: usize, dy: usize, rows: usize, cols: usize,
  batch: i32, height: i32, width: i32, outHeight: i32, outWidth: i32, channels: i32,
): void {
  const pixel = <usize>channels << 2;
  const picture = <usize>height * width * pixel;
  memory.fill(dx, 0, picture * batch);
  for (let b = 0; b < batch; b++, dx += picture) {
    for (let r = 0; r < outHeight; r++) {
      const to = dx + <usize>load<i32>(rows + (<usize>r << 2)) * width * pixel;
      for (let c = 0; c < outWidth; c++, dy += pixel) {
        addRun(to + <usize>load<i32>(cols + (<usize>c << 2)) * pixel, dy, channels);
      }
    }
  }
}

/** y[i] = a[i] + t·(b[i] - a[i]) for n float32. */
function lerp(y: usize, a: usize, b: usize, n: i32, t: f32): void {
  const v = f32x4.splat(t);
  const end = y + (<usize>n << 2);
  for (; y + 32 <= end; y += 32, a += 32, b += 32) {
    const p = v128.load(a), q = v128.load(a, 16);
    v128.store(y, madd(f32x4.sub(v128.load(b), p), v, p));
    v128.store(y, madd(f32x4.sub(v128.load(b, 16), q), v, q), 16);
  }
  for (; y + 16 <= end; y += 16, a += 16, b += 16) {
    const from = v128.load(a);
    v128.store(y, madd(f32x4.sub(v128.load(b), from), v, from));
  }
  for (; y < end; y += 4, a += 4, b += 4) {
    const from = load<f32>(a);
    store<f32>(y, from + t * (load<f32>(b) - from));
  }
}

/**
 * Bilinear resize of x [batch, height, width, channels] to y [batch, outHeight, outWidth, channels], rows
 * first. `rows` and `cols` are tables of 12-byte entries an output position: the int32 positions below and
 * above, and the float32 share of the one above. `line` is a workspace of width·channels float32.
 */
export function resizeBilinear(
  y: usize, x: usize, rows: usize, cols: usize, line: usize,
  batch: i32, height: i32, width: i32, outHeight: i32, outWidth: i32, channels: i32,
): void {
  const pixel = <usize>channels << 2;
  const row = <usize>width * pixel;
  for (let b = 0; b < batch; b++, x += <usize>height * row) {
    for (let r = 0; r < outHeight; r++) {
      const v = rows + <usize>r * 12;
      lerp(line, x + <usize>load<i32>(v) * row, x + <usize>load<i32>(v, 4) * row, width * channels, load<f32>(v, 8));
      for (let c = 0; c < outWidth; c++, y += pixel) {
        const h = cols + <usize>c * 12;
        lerp(y, line + <usize>load<i32>(h) * pixel, line + <usize>load<i32>(h, 4) * pixel, channels, load<f32>(h, 8));
      }
    }
  }
}

/** The adjoint of `resizeBilinear`: dx [batch, height, width, channels] from dy; tables and workspace as there. */
export function resizeBilinearGrad(
  dx: usize, dy: usize, rows: usize, cols: usize, line: usize,
  batch: i32, height: i32, width: i32, outHeight: i32, outWidth: i32, channels: i32,
): void {
  const pixel = <usize>channels << 2;
  const row = <usize>width * pixel;
  memory.fill(dx, 0, <usize>batch * height * row);
  for (let b = 0; b < batch; b++, dx += <usize>height * row) {
    for (let r = 0; r < outHeight; r++) {
      memory.fill(line, 0, row);
      for (let c = 0; c < outWidth; c++, dy += pixel) {
        const h = cols + <usize>c * 12;
        const share = load<f32>(h, 8);
        addScaled(line + <usize>load<i32>(h) * pixel, dy, channels, 1 - share);
        if (share != 0) addScaled(line + <usize>load<i32>(h, 4) * pixel, dy, channels, share);
      }
      const v = rows + <usize>r * 12;
      const share = load<f32>(v, 8);
      addScaled(dx + <usize>load<i32>(v) * row, line, width * channels, 1 - share);
      if (share != 0) addScaled(dx + <usize>load<i32>(v, 4) * row, line, width * channels, share);
    }
  }
}
