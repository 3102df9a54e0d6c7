import { madd } from "../lib/simd";

/**
 * y[n,i,j,c] = gain·Σ f[r,s]·u[n, i·downY + r - padTop, j·downX + s - padLeft, c] for u, which is x [batch,
 * height, width, channels] with up - 1 zeros after each row and column, and zeros beyond. The filter f is the
 * given one [filterHeight, filterWidth] where `keep` is 1, else turned by half a circle. `geometry` points to
 * fourteen int32: batch, height, width, channels, outHeight, outWidth, filterHeight, filterWidth, upY, upX,
 * downY, downX, padTop, padLeft. Units are pictures.
 */
export function upfirdn2d(
  y: usize, x: usize, filter: usize, geometry: usize, keep: i32, gain: f32, _scratch: usize, from: i32, to: i32,
): void {
  const height = load<i32>(geometry, 4);
  const width = load<i32>(geometry, 8), channels = load<i32>(geometry, 12);
  const outHeight = load<i32>(geometry, 16), outWidth = load<i32>(geometry, 20);
  const filterHeight = load<i32>(geometry, 24), filterWidth = load<i32>(geometry, 28);
  const upY = load<i32>(geometry, 32), upX = load<i32>(geometry, 36);
  const downY = load<i32>(geometry, 40), downX = load<i32>(geometry, 44);
  const padTop = load<i32>(geometry, 48), padLeft = load<i32>(geometry, 52);
  const pixel = channels << 2;
  const line = width * pixel;
  const direction = keep ? 4 : -4;
  const first = keep ? filter : filter + ((filterHeight * filterWidth - 1) << 2);
  x += <usize>from * height * line;
  y += <usize>from * outHeight * outWidth * pixel;
  for (let b = from; b < to; b++, x += <usize>height * line) {
    for (let i = 0; i < outHeight; i++) {
      const top = i * downY - padTop;
      const row = firstSample(top, upY);
      const r = row * upY - top;
      const rows = min(height - row, (filterHeight - r + upY - 1) / upY);
      for (let j = 0; j < outWidth; j++, y += pixel) {
        const left = j * downX - padLeft;
        const col = firstSample(left, upX);
        const s = col * upX - left;
        const cols = min(width - col, (filterWidth - s + upX - 1) / upX);
        const tap = first + (r * filterWidth + s) * direction;
        weigh(y, x + row * line + col * pixel, tap, rows, cols, line, pixel, upY * filterWidth * direction, upX * direction, gain);
      }
    }
  }
}

/** The first sample that a window from `start` on meets: the least k ≥ 0 with k·up ≥ start. */
function firstSample(start: i32, up: i32): i32 {
  return start <= 0 ? 0 : (start + up - 1) / up;
}

/** y = gain·Σ tap[r,s]·x[r,s] of one pixel; steps in bytes. No rows or columns: zeros. */
function weigh(
  y: usize, x: usize, tap: usize, rows: i32, cols: i32,
  line: i32, pixel: i32, tapRow: i32, tapCol: i32, gain: f32,
): void {
  const g = f32x4.splat(gain);
  let at = 0;
  for (; at + 32 <= pixel; at += 32) {
    let a = f32x4.splat(0), b = f32x4.splat(0);
    for (let r = 0; r < rows; r++) {
      let from = x + at + r * line;
      let weight = tap + r * tapRow;
      for (let s = 0; s < cols; s++, from += pixel, weight += tapCol) {
        const w = v128.load_splat<u32>(weight);
        a = madd(v128.load(from), w, a);
        b = madd(v128.load(from, 16), w, b);
      }
    }
    v128.store(y + at, f32x4.mul(a, g));
    v128.store(y + at, f32x4.mul(b, g), 16);
  }
  for (; at < pixel; at += 4) {
    let sum: f32 = 0;
    for (let r = 0; r < rows; r++) {
      let from = x + at + r * line;
      let weight = tap + r * tapRow;
      for (let s = 0; s < cols; s++, from += pixel, weight += tapCol) {
        sum += load<f32>(from) * load<f32>(weight);
      }
    }
    store<f32>(y + at, sum * gain);
  }
}
