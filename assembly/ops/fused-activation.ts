// y = gain·f(x + bias) with f piecewise linear: f(v) = v where v > 0, else slope·v. x is [rows, channels],
// bias [channels], or absent with address 0. Arrays need no alignment; y may be x, dx may be dy.
import { loadUpTo4, storeUpTo4 } from "../lib/simd";

/** y = gain·f(x + bias). */
export function fusedActivation(
  y: usize, x: usize, bias: usize, rows: i32, channels: i32, slope: f32, gain: f32,
): void {
  const positive = f32x4.splat(gain);
  const negative = f32x4.splat(gain * slope);
  for (; rows > 0; rows--) {
    for (let left = channels, b = bias; left > 0; left -= 4, b += 16) {
      let v = loadUpTo4<f32>(x, left);
      if (bias) v = f32x4.add(v, loadUpTo4<f32>(b, left));
      const factor = v128.bitselect(positive, negative, f32x4.gt(v, i32x4.splat(0)));
      storeUpTo4<f32>(y, f32x4.mul(v, factor), left);
      const bytes = min(left, 4) << 2;
      x += bytes;
      y += bytes;
    }
  }
}

/** dx = gain·f'(x + bias)·dy, with slope as f' at 0. */
export function fusedActivationGrad(
  dx: usize, x: usize, bias: usize, dy: usize, rows: i32, channels: i32, slope: f32, gain: f32,
): void {
  const positive = f32x4.splat(gain);
  const negative = f32x4.splat(gain * slope);
  for (; rows > 0; rows--) {
    for (let left = channels, b = bias; left > 0; left -= 4, b += 16) {
      let v = loadUpTo4<f32>(x, left);
      if (bias) v = f32x4.add(v, loadUpTo4<f32>(b, left));
      const factor = v128.bitselect(positive, negative, f32x4.gt(v, i32x4.splat(0)));
      storeUpTo4<f32>(dx, f32x4.mul(loadUpTo4<f32>(dy, left), factor), left);
      const bytes = min(left, 4) << 2;
      x += bytes;
      dy += bytes;
      dx += bytes;
    }
  }
}
