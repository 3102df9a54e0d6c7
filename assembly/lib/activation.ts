// Piecewise linear activations of four lanes: f(v) = v where v > 0, else slope·v, for a slope of at most 1. A slope
// of 1 is the identity, 0 is relu.

/** f(v); NaN stays. */
export function leaky(v: v128, slope: v128): v128 {
  return f32x4.pmax(v, f32x4.mul(v, slope));
}

/** The bits in which 1 differs from the slope, for `leakySlope`. */
export function slopeBits(slope: v128): v128 {
  return v128.xor(f32x4.splat(1), slope);
}

/** f'(v)·dy, with slope as f' at 0. */
export function leakySlope(v: v128, dy: v128, slope: v128, bits: v128): v128 {
  return f32x4.mul(dy, v128.xor(v128.and(f32x4.gt(v, i32x4.splat(0)), bits), slope));
}
