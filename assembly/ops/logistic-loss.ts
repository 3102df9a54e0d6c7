// Σ over terms of the mean over i of softplus(u), u = Σ over parts of weight·logit[part][i]. Logits are [parts, n],
// weights int32 [terms, parts]. Error of the loss below 1e-6 of its value.
import * as math from "../lib/math";
import { loadUpTo4, madd, storeUpTo4 } from "../lib/simd";

/** u of up to four logits of each part. */
function combine(logits: usize, weights: usize, n: i32, parts: i32, left: i32): v128 {
  let u = f32x4.splat(0);
  for (let part = 0; part < parts; part++, logits += <usize>n << 2) {
    const weight = load<i32>(weights + (<usize>part << 2));
    if (weight != 0) u = madd(f32x4.splat(<f32>weight), loadUpTo4<f32>(logits, left), u);
  }
  return u;
}

/** y = the loss, one float32. */
export function logisticLoss(logits: usize, weights: usize, y: usize, n: i32, parts: i32, terms: i32): void {
  let total: f64 = 0;
  for (let term = 0; term < terms; term++) {
    const own = weights + (<usize>(term * parts) << 2);
    for (let i = 0; i < n; i += 4) {
      const s = math.softplus(combine(logits + (<usize>i << 2), own, n, parts, n - i));
      total += <f64>f32x4.extract_lane(s, 0);
      if (n - i > 1) total += <f64>f32x4.extract_lane(s, 1);
      if (n - i > 2) total += <f64>f32x4.extract_lane(s, 2);
      if (n - i > 3) total += <f64>f32x4.extract_lane(s, 3);
    }
  }
  store<f32>(y, <f32>(total / <f64>n));
}

/** dx = dy·∂loss/∂logits, [parts, n]; dy is one float32. */
export function logisticLossGrad(
  logits: usize, weights: usize, dy: usize, dx: usize, n: i32, parts: i32, terms: i32,
): void {
  const scale = f32x4.splat(load<f32>(dy) / <f32>n);
  for (let i = 0; i < n; i += 4) {
    const at = <usize>i << 2;
    const left = n - i;
    for (let part = 0; part < parts; part++) {
      let slope = f32x4.splat(0);
      for (let term = 0; term < terms; term++) {
        const own = weights + (<usize>(term * parts) << 2);
        const weight = load<i32>(own + (<usize>part << 2));
        if (weight == 0) continue;
        const s = math.sigmoid(combine(logits + at, own, n, parts, left));
        slope = madd(f32x4.splat(<f32>weight), s, slope);
      }
      storeUpTo4<f32>(dx + ((<usize>part * n) << 2) + at, f32x4.mul(slope, scale), left);
    }
  }
}
