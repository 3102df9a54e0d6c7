// First derivatives times the incoming gradient: a is the function's input x, b is dy. See `walk`.
import * as math from "../lib/math";
import { walk } from "../lib/walk";

class TanhGrad { @inline of(a: v128, b: v128, _p: v128): v128 { return math.tanhSlope(a, b); } }

/** y = dy·(1 - tanh² x). */
export function tanhGrad(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<TanhGrad, f32, f32>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

class SigmoidGrad { @inline of(a: v128, b: v128, _p: v128): v128 { return math.sigmoidSlope(a, b); } }

/** y = dy·s·(1 - s), s = sigmoid x. */
export function sigmoidGrad(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<SigmoidGrad, f32, f32>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

class SoftplusGrad { @inline of(a: v128, b: v128, _p: v128): v128 { return f32x4.mul(b, math.sigmoid(a)); } }

/** y = dy·sigmoid x. */
export function softplusGrad(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<SoftplusGrad, f32, f32>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

class ReluGrad { of(a: v128, b: v128, _p: v128): v128 { return v128.and(b, f32x4.gt(a, i32x4.splat(0))); } }

/** y = dy where x > 0, else 0. */
export function reluGrad(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<ReluGrad, f32, f32>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

class LeakyReluGrad {
  of(a: v128, b: v128, p: v128): v128 {
    return v128.bitselect(b, f32x4.mul(b, p), f32x4.gt(a, i32x4.splat(0)));
  }
}

/** y = dy where x > 0, else p·dy. */
export function leakyReluGrad(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize, p: f32,
): void {
  walk<LeakyReluGrad, f32, f32>(a, b, y, n, aStep, bStep, rows, rank, plan, f32x4.splat(p));
}

class EluGrad {
  @inline of(a: v128, b: v128, p: v128): v128 {
    const positive = i32x4.shuffle(p, p, 0, 0, 0, 0);
    const negative = i32x4.shuffle(p, p, 1, 1, 1, 1);
    const below = f32x4.mul(f32x4.mul(negative, math.exp(a)), b);
    return v128.bitselect(f32x4.mul(positive, b), below, f32x4.gt(a, i32x4.splat(0)));
  }
}

/** y = p·dy where x > 0, else q·eˣ·dy. */
export function eluGrad(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize, p: f32, q: f32,
): void {
  walk<EluGrad, f32, f32>(a, b, y, n, aStep, bStep, rows, rank, plan, f32x4.replace_lane(f32x4.splat(p), 1, q));
}

class ClipGrad {
  of(a: v128, b: v128, p: v128): v128 {
    const low = i32x4.shuffle(p, p, 0, 0, 0, 0);
    const high = i32x4.shuffle(p, p, 1, 1, 1, 1);
    return v128.and(b, v128.and(f32x4.ge(a, low), f32x4.le(a, high)));
  }
}

/** y = dy where p ≤ x ≤ q, else 0. */
export function clipGrad(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize, p: f32, q: f32,
): void {
  walk<ClipGrad, f32, f32>(a, b, y, n, aStep, bStep, rows, rank, plan, f32x4.replace_lane(f32x4.splat(p), 1, q));
}
