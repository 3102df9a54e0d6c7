import * as math from "../lib/math";
import { loadUpTo4, storeUpTo4 } from "../lib/simd";

/** The greatest of n float32, -∞ for none; NaN if any is. */
function greatest(x: usize, n: i32): f32 {
  let v = f32x4.splat(-Infinity);
  let i = 0;
  for (; i + 4 <= n; i += 4) v = f32x4.max(v, v128.load(x + (i << 2)));
  let y = max(
    max(f32x4.extract_lane(v, 0), f32x4.extract_lane(v, 1)),
    max(f32x4.extract_lane(v, 2), f32x4.extract_lane(v, 3)),
  );
  for (; i < n; i++) y = max(y, load<f32>(x + (i << 2)));
  return y;
}

/** y = e^(x - shift) for n float32; returns their sum, added up in float64. */
function exponentials(x: usize, y: usize, n: i32, shift: f32): f64 {
  const s = f32x4.splat(shift);
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  for (; n > 0; n -= 4) {
    let e = math.exp(f32x4.sub(loadUpTo4<f32>(x, n), s));
    if (n < 4) e = v128.and(e, i32x4.gt_s(i32x4.splat(n), i32x4(0, 1, 2, 3)));
    storeUpTo4<f32>(y, e, n);
    low = f64x2.add(low, f64x2.promote_low_f32x4(e));
    high = f64x2.add(high, f64x2.promote_low_f32x4(i32x4.shuffle(e, e, 2, 3, 2, 3)));
    x += 16;
    y += 16;
  }
  const sum = f64x2.add(low, high);
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

/** y = e^x / Σ e^x over each of `rows` rows of n float32, error below 4 ulp. y may be x. */
export function softmax(x: usize, y: usize, rows: i32, n: i32): void {
  for (; rows > 0; rows--) {
    const sum = exponentials(x, y, n, greatest(x, n));
    const share = f32x4.splat(<f32>(1.0 / sum));
    for (let left = n; left > 0; left -= 4) {
      storeUpTo4<f32>(y, f32x4.mul(loadUpTo4<f32>(y, left), share), left);
      y += min(left, 4) << 2;
    }
    x += n << 2;
  }
}

/** y = x - ln Σ e^x over each of `rows` rows of n float32. y must not overlap x. */
export function logSoftmax(x: usize, y: usize, rows: i32, n: i32): void {
  for (; rows > 0; rows--) {
    const shift = greatest(x, n);
    const logSum = f32x4.splat(<f32>Math.log(exponentials(x, y, n, shift)));
    const s = f32x4.splat(shift);
    for (let left = n; left > 0; left -= 4) {
      const moved = f32x4.sub(loadUpTo4<f32>(x, left), s);
      storeUpTo4<f32>(y, f32x4.sub(moved, logSum), left);
      x += min(left, 4) << 2;
      y += min(left, 4) << 2;
    }
  }
}
