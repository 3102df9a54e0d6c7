// Elementwise functions of two tensors with broadcasting: a class states the formula for four lanes, an
// export runs it (see `walk` for the arguments' meaning and aliasing).
import * as scalar from "../lib/scalar";
import { walk } from "../lib/walk";

class Add<T> { of(a: v128, b: v128, _p: v128): v128 { return v128.add<T>(a, b); } }

/** y = a + b, float32. */
export function add(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<Add<f32>, f32, f32>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

/** y = a + b, int32, wrapping. */
export function addI32(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<Add<i32>, i32, i32>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

class Sub<T> { of(a: v128, b: v128, _p: v128): v128 { return v128.sub<T>(a, b); } }

/** y = a - b, float32. */
export function sub(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<Sub<f32>, f32, f32>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

/** y = a - b, int32, wrapping. */
export function subI32(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<Sub<i32>, i32, i32>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

class Mul<T> { of(a: v128, b: v128, _p: v128): v128 { return v128.mul<T>(a, b); } }

/** y = a·b, float32. */
export function mul(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<Mul<f32>, f32, f32>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

/** y = a·b, int32, wrapping. */
export function mulI32(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<Mul<i32>, i32, i32>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

class Maximum<T> { of(a: v128, b: v128, _p: v128): v128 { return v128.max<T>(a, b); } }

/** y = max(a, b), float32. */
export function maximum(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<Maximum<f32>, f32, f32>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

/** y = max(a, b), int32. */
export function maximumI32(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<Maximum<i32>, i32, i32>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

class Minimum<T> { of(a: v128, b: v128, _p: v128): v128 { return v128.min<T>(a, b); } }

/** y = min(a, b), float32. */
export function minimum(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<Minimum<f32>, f32, f32>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

/** y = min(a, b), int32. */
export function minimumI32(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<Minimum<i32>, i32, i32>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

class SquaredDifference<T> { of(a: v128, b: v128, _p: v128): v128 { return v128.mul<T>(v128.sub<T>(a, b), v128.sub<T>(a, b)); } }

/** y = (a - b)², float32. */
export function squaredDifference(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<SquaredDifference<f32>, f32, f32>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

/** y = (a - b)², int32, wrapping. */
export function squaredDifferenceI32(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<SquaredDifference<i32>, i32, i32>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

class Div { of(a: v128, b: v128, _p: v128): v128 { return f32x4.div(a, b); } }

/** y = a/b, rounded correctly. */
export function div(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<Div, f32, f32>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

class FloorDiv { of(a: v128, b: v128, _p: v128): v128 { return f32x4.floor(f32x4.div(a, b)); } }

/** y = ⌊a/b⌋, float32. */
export function floorDiv(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<FloorDiv, f32, f32>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

class Mod { of(a: v128, b: v128, _p: v128): v128 { return scalar.mod(a, b); } }

/** y = a - b⌊a/b⌋ exactly, the sign of b, float32. */
export function mod(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<Mod, f32, f32>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

class Pow { of(a: v128, b: v128, _p: v128): v128 { return scalar.pow(a, b); } }

/** y = aᵇ, float32, error below 1 ulp. */
export function pow(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<Pow, f32, f32>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

class Prelu {
  of(a: v128, b: v128, _p: v128): v128 {
    return v128.bitselect(a, f32x4.mul(a, b), f32x4.gt(a, i32x4.splat(0)));
  }
}

/** y = a where a > 0, else b·a. */
export function prelu(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<Prelu, f32, f32>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

class FloorDivI32 { of(a: v128, b: v128, _p: v128): v128 { return scalar.floorDivI32(a, b); } }

/** y = ⌊a/b⌋, int32; 0 where b is 0. */
export function floorDivI32(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<FloorDivI32, i32, i32>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

class ModI32 { of(a: v128, b: v128, _p: v128): v128 { return scalar.modI32(a, b); } }

/** y = a - b⌊a/b⌋, int32; 0 where b is 0. */
export function modI32(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<ModI32, i32, i32>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

class PowI32 { of(a: v128, b: v128, _p: v128): v128 { return scalar.powI32(a, b); } }

/** y = aᵇ, int32, wrapping; toward zero for b < 0. */
export function powI32(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<PowI32, i32, i32>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

class Atan2 { of(a: v128, b: v128, _p: v128): v128 { return scalar.atan2(a, b); } }

/** y = the angle of (b, a) in (-π, π], float32. */
export function atan2(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<Atan2, f32, f32>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

class BitwiseAnd { of(a: v128, b: v128, _p: v128): v128 { return v128.and(a, b); } }

/** y = the bits set in both a and b, int32. */
export function bitwiseAnd(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<BitwiseAnd, i32, i32>(a, b, y, n, aStep, bStep, rows, rank, plan);
}
