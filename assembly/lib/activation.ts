// Piecewise linear activations of four lanes: f(v) = v where v > 0, else slope·v. A slope of 1 is the identity,
// 0 is relu.

/** f(v); NaN stays. */
export function leaky(v: v128, slope: v128): v128 {
  return v128.bitselect(v, f32x4.mul(v, slope), f32x4.gt(v, i32x4.splat(0)));
}

/** f'(v)·dy, with slope as f' at 0. */
export function leakySlope(v: v128, dy: v128, slope: v128): v128 {
  return v128.bitselect(dy, f32x4.mul(dy, slope), f32x4.gt(v, i32x4.splat(0)));
}
