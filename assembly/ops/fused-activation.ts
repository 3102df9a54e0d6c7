// y = gain·f(x + bias) with f piecewise linear: f(v) = v where v > 0, else slope·v. x is [rows, channels],
// bias [channels], or absent with address 0. A unit is a block of `blockRows` rows. Arrays need no alignment; y
// may be x, dx may be dy.
import { loadUpTo4, storeUpTo4 } from "../lib/simd";

/** gain where x + bias > 0, else gain·slope. */
function factorOf(x: v128, bias: v128, positive: v128, negative: v128): v128 {
  return v128.bitselect(positive, negative, f32x4.gt(f32x4.add(x, bias), i32x4.splat(0)));
}

/** gain·f(x + bias). */
function activate(x: v128, bias: v128, positive: v128, negative: v128): v128 {
  const v = f32x4.add(x, bias);
  return f32x4.mul(v, v128.bitselect(positive, negative, f32x4.gt(v, i32x4.splat(0))));
}

/** y = gain·f(x + bias). */
export function fusedActivation(
  y: usize, x: usize, bias: usize, rows: i32, channels: i32, blockRows: i32, slope: f32, gain: f32,
  _scratch: usize, from: i32, to: i32,
): void {
  const positive = f32x4.splat(gain);
  const negative = f32x4.splat(gain * slope);
  const zero = f32x4.splat(0);
  const first = from * blockRows;
  let count = min(to * blockRows, rows) - first;
  let width = channels;
  const start = (<usize>first * channels) << 2;
  x += start;
  y += start;
  if (!bias) {
    // Without a bias the rows are one run.
    width = count * channels;
    count = min(count, 1);
  }
  for (; count > 0; count--) {
    let left = width;
    let b = bias;
    for (; left >= 8; left -= 8, x += 32, y += 32) {
      const v = activate(v128.load(x), bias ? v128.load(b) : zero, positive, negative);
      const w = activate(v128.load(x, 16), bias ? v128.load(b, 16) : zero, positive, negative);
      v128.store(y, v);
      v128.store(y, w, 16);
      b += 32;
    }
    for (; left > 0; left -= 4) {
      const v = activate(loadUpTo4<f32>(x, left), bias ? loadUpTo4<f32>(b, left) : zero, positive, negative);
      storeUpTo4<f32>(y, v, left);
      const bytes = min(left, 4) << 2;
      x += bytes;
      y += bytes;
      b += bytes;
    }
  }
}

/**
 * dx = gain·f'(x + bias)·dy, with slope as f' at 0. Where there is a bias, `sums` gets the sums of each block's
 * columns, [blocks, channels].
 */
export function fusedActivationGrad(
  dx: usize, sums: usize, x: usize, bias: usize, dy: usize, rows: i32, channels: i32, blockRows: i32, slope: f32,
  gain: f32, _scratch: usize, from: i32, to: i32,
): void {
  const positive = f32x4.splat(gain);
  const negative = f32x4.splat(gain * slope);
  const zero = f32x4.splat(0);
  const stride = <usize>channels << 2;
  for (let unit = from; unit < to; unit++) {
    const last = min((unit + 1) * blockRows, rows);
    const sum = sums + <usize>unit * stride;
    if (bias) memory.fill(sum, 0, stride);
    for (let row = unit * blockRows; row < last; row += 4) {
      const some = last - row;
      const at = <usize>row * stride;
      for (let channel = 0; channel < channels; channel += 4) {
        const left = channels - channel;
        const column = <usize>channel << 2;
        let p = at + column;
        const b = bias ? loadUpTo4<f32>(bias + column, left) : zero;
        if (some >= 4 && left >= 4) {
          const d0 = f32x4.mul(v128.load(dy + p), factorOf(v128.load(x + p), b, positive, negative));
          v128.store(dx + p, d0);
          p += stride;
          const d1 = f32x4.mul(v128.load(dy + p), factorOf(v128.load(x + p), b, positive, negative));
          v128.store(dx + p, d1);
          p += stride;
          const d2 = f32x4.mul(v128.load(dy + p), factorOf(v128.load(x + p), b, positive, negative));
          v128.store(dx + p, d2);
          p += stride;
          const d3 = f32x4.mul(v128.load(dy + p), factorOf(v128.load(x + p), b, positive, negative));
          v128.store(dx + p, d3);
          if (bias) {
            const four = f32x4.add(f32x4.add(d0, d1), f32x4.add(d2, d3));
            v128.store(sum + column, f32x4.add(v128.load(sum + column), four));
          }
          continue;
        }
        let total = zero;
        for (let i = min(some, 4); i > 0; i--, p += stride) {
          const factor = factorOf(loadUpTo4<f32>(x + p, left), b, positive, negative);
          const d = f32x4.mul(loadUpTo4<f32>(dy + p, left), factor);
          storeUpTo4<f32>(dx + p, d, left);
          total = f32x4.add(total, d);
        }
        if (!bias) continue;
        storeUpTo4<f32>(sum + column, f32x4.add(loadUpTo4<f32>(sum + column, left), total), left);
      }
    }
  }
}

/** y [n] = Σ x [blocks, n] over the blocks, in their order. */
export function sumBlocks(x: usize, y: usize, blocks: i32, n: i32): void {
  const stride = <usize>n << 2;
  for (let left = n; left > 0; left -= 4, x += 16, y += 16) {
    let total = f32x4.splat(0);
    let p = x;
    for (let block = 0; block < blocks; block++, p += stride) {
      total = f32x4.add(total, loadUpTo4<f32>(p, left));
    }
    storeUpTo4<f32>(y, total, left);
  }
}
