// Elementwise functions of one tensor: a class states the formula for four lanes, an export runs it over n
// elements (see `map`). x and y may be the same array and need no alignment; p and q are scalar parameters.
import * as math from "../lib/math";
import { map } from "../lib/map";
import * as scalar from "../lib/scalar";

class Abs<T> { of(x: v128, _p: v128, _q: v128): v128 { return v128.abs<T>(x); } }

/** y = |x| for n float32. */
export function abs(x: usize, y: usize, n: i32): void {
  map<Abs<f32>, f32, f32>(x, y, n);
}

/** y = |x| for n int32. */
export function absI32(x: usize, y: usize, n: i32): void {
  map<Abs<i32>, i32, i32>(x, y, n);
}

class Neg<T> { of(x: v128, _p: v128, _q: v128): v128 { return v128.neg<T>(x); } }

/** y = -x for n float32. */
export function neg(x: usize, y: usize, n: i32): void {
  map<Neg<f32>, f32, f32>(x, y, n);
}

/** y = -x for n int32. */
export function negI32(x: usize, y: usize, n: i32): void {
  map<Neg<i32>, i32, i32>(x, y, n);
}

class Square<T> { of(x: v128, _p: v128, _q: v128): v128 { return v128.mul<T>(x, x); } }

/** y = x² for n float32. */
export function square(x: usize, y: usize, n: i32): void {
  map<Square<f32>, f32, f32>(x, y, n);
}

/** y = x² for n int32. */
export function squareI32(x: usize, y: usize, n: i32): void {
  map<Square<i32>, i32, i32>(x, y, n);
}

// pmax and pmin, one instruction each where max and min are seven on x86, keep x where it is NaN or -0.
class Relu { of(x: v128, _p: v128, _q: v128): v128 { return f32x4.pmax(x, i32x4.splat(0)); } }

/** y = max(x, 0) for n float32; NaN and -0 stay. */
export function relu(x: usize, y: usize, n: i32): void {
  map<Relu, f32, f32>(x, y, n);
}

class ReluI32 { of(x: v128, _p: v128, _q: v128): v128 { return i32x4.max_s(x, i32x4.splat(0)); } }

/** y = max(x, 0) for n int32. */
export function reluI32(x: usize, y: usize, n: i32): void {
  map<ReluI32, i32, i32>(x, y, n);
}

class Clip { of(x: v128, p: v128, q: v128): v128 { return f32x4.pmin(f32x4.pmax(x, p), q); } }

/** y = min(max(x, p), q) for n float32; NaN stays. */
export function clip(x: usize, y: usize, n: i32, p: f32, q: f32): void {
  map<Clip, f32, f32>(x, y, n, f32x4.splat(p), f32x4.splat(q));
}

class ClipI32 { of(x: v128, p: v128, q: v128): v128 { return i32x4.min_s(i32x4.max_s(x, p), q); } }

/** y = min(max(x, p), q) for n int32. */
export function clipI32(x: usize, y: usize, n: i32, p: i32, q: i32): void {
  map<ClipI32, i32, i32>(x, y, n, i32x4.splat(p), i32x4.splat(q));
}

class Sign {
  of(x: v128, _p: v128, _q: v128): v128 {
    return f32x4.sub(v128.and(f32x4.splat(1), f32x4.gt(x, i32x4.splat(0))), v128.and(f32x4.splat(1), f32x4.lt(x, i32x4.splat(0))));
  }
}

/** y = -1, 0 or 1 by the sign of x; 0 for NaN, as TensorFlow.js has it. */
export function sign(x: usize, y: usize, n: i32): void {
  map<Sign, f32, f32>(x, y, n);
}

class Sqrt { of(x: v128, _p: v128, _q: v128): v128 { return f32x4.sqrt(x); } }

/** y = √x, rounded correctly. */
export function sqrt(x: usize, y: usize, n: i32): void {
  map<Sqrt, f32, f32>(x, y, n);
}

class Rsqrt { of(x: v128, _p: v128, _q: v128): v128 { return f32x4.div(f32x4.splat(1), f32x4.sqrt(x)); } }

/** y = 1/√x, error below 1.5 ulp. */
export function rsqrt(x: usize, y: usize, n: i32): void {
  map<Rsqrt, f32, f32>(x, y, n);
}

class Reciprocal { of(x: v128, _p: v128, _q: v128): v128 { return f32x4.div(f32x4.splat(1), x); } }

/** y = 1/x, rounded correctly. */
export function reciprocal(x: usize, y: usize, n: i32): void {
  map<Reciprocal, f32, f32>(x, y, n);
}

class Exp { @inline of(x: v128, _p: v128, _q: v128): v128 { return math.exp(x); } }

/** y = eˣ, see `math.exp`. */
export function exp(x: usize, y: usize, n: i32): void {
  map<Exp, f32, f32>(x, y, n);
}

class Expm1 { @inline of(x: v128, _p: v128, _q: v128): v128 { return math.expm1(x); } }

/** y = eˣ - 1, see `math.expm1`. */
export function expm1(x: usize, y: usize, n: i32): void {
  map<Expm1, f32, f32>(x, y, n);
}

class Log { @inline of(x: v128, _p: v128, _q: v128): v128 { return math.log(x); } }

/** y = ln x, see `math.log`. */
export function log(x: usize, y: usize, n: i32): void {
  map<Log, f32, f32>(x, y, n);
}

class Log1p { @inline of(x: v128, _p: v128, _q: v128): v128 { return math.log1p(x); } }

/** y = ln(1 + x), see `math.log1p`. */
export function log1p(x: usize, y: usize, n: i32): void {
  map<Log1p, f32, f32>(x, y, n);
}

class Tanh { @inline of(x: v128, _p: v128, _q: v128): v128 { return math.tanh(x); } }

/** y = tanh x, see `math.tanh`. */
export function tanh(x: usize, y: usize, n: i32): void {
  map<Tanh, f32, f32>(x, y, n);
}

class Sigmoid { @inline of(x: v128, _p: v128, _q: v128): v128 { return math.sigmoid(x); } }

/** y = 1/(1 + e⁻ˣ), see `math.sigmoid`. */
export function sigmoid(x: usize, y: usize, n: i32): void {
  map<Sigmoid, f32, f32>(x, y, n);
}

class Softplus { @inline of(x: v128, _p: v128, _q: v128): v128 { return math.softplus(x); } }

/** y = ln(1 + eˣ), see `math.softplus`. */
export function softplus(x: usize, y: usize, n: i32): void {
  map<Softplus, f32, f32>(x, y, n);
}

class Erf { @inline of(x: v128, _p: v128, _q: v128): v128 { return math.erf(x); } }

/** y = erf x, absolute error below 3e-7. */
export function erf(x: usize, y: usize, n: i32): void {
  map<Erf, f32, f32>(x, y, n);
}

class LeakyRelu {
  of(x: v128, p: v128, _q: v128): v128 {
    return v128.bitselect(x, f32x4.mul(x, p), f32x4.gt(x, i32x4.splat(0)));
  }
}

/** y = x where x > 0, else p·x. */
export function leakyRelu(x: usize, y: usize, n: i32, p: f32): void {
  map<LeakyRelu, f32, f32>(x, y, n, f32x4.splat(p));
}

class Elu {
  @inline of(x: v128, p: v128, q: v128): v128 {
    return v128.bitselect(f32x4.mul(x, p), f32x4.mul(math.expm1(x), q), f32x4.gt(x, i32x4.splat(0)));
  }
}

/** y = p·x where x > 0, else q·(eˣ - 1). */
export function elu(x: usize, y: usize, n: i32, p: f32, q: f32): void {
  map<Elu, f32, f32>(x, y, n, f32x4.splat(p), f32x4.splat(q));
}

class Step {
  of(x: v128, p: v128, _q: v128): v128 {
    return v128.bitselect(v128.bitselect(f32x4.splat(1), p, f32x4.gt(x, i32x4.splat(0))), x, f32x4.eq(x, x));
  }
}

/** y = 1 where x > 0, else p; NaN stays. */
export function step(x: usize, y: usize, n: i32, p: f32): void {
  map<Step, f32, f32>(x, y, n, f32x4.splat(p));
}

class StepI32 {
  of(x: v128, p: v128, _q: v128): v128 {
    return v128.bitselect(i32x4.splat(1), p, i32x4.gt_s(x, i32x4.splat(0)));
  }
}

/** y = 1 where x > 0, else p. */
export function stepI32(x: usize, y: usize, n: i32, p: i32): void {
  map<StepI32, i32, i32>(x, y, n, i32x4.splat(p));
}

class Floor { of(x: v128, _p: v128, _q: v128): v128 { return f32x4.floor(x); } }

/** y = the greatest integer up to x. */
export function floor(x: usize, y: usize, n: i32): void {
  map<Floor, f32, f32>(x, y, n);
}

class Ceil { of(x: v128, _p: v128, _q: v128): v128 { return f32x4.ceil(x); } }

/** y = the least integer from x on. */
export function ceil(x: usize, y: usize, n: i32): void {
  map<Ceil, f32, f32>(x, y, n);
}

class Round { of(x: v128, _p: v128, _q: v128): v128 { return f32x4.nearest(x); } }

/** y = the nearest integer, halves to the even one. */
export function round(x: usize, y: usize, n: i32): void {
  map<Round, f32, f32>(x, y, n);
}

class Sin { of(x: v128, _p: v128, _q: v128): v128 { return scalar.sin(x); } }

/** y = sin x (radians), see `scalar.sin`. */
export function sin(x: usize, y: usize, n: i32): void {
  map<Sin, f32, f32>(x, y, n);
}

class Cos { of(x: v128, _p: v128, _q: v128): v128 { return scalar.cos(x); } }

/** y = cos x (radians), see `scalar.cos`. */
export function cos(x: usize, y: usize, n: i32): void {
  map<Cos, f32, f32>(x, y, n);
}

class Tan {
  at(x: f32): f32 { return <f32>Math.tan(<f64>x); }
  of(x: v128, _p: v128, _q: v128): v128 { return scalar.lanes<Tan>(x); }
}

/** y = tan x (radians), by way of float64: float32's own is off by 17 ulp near its poles. */
export function tan(x: usize, y: usize, n: i32): void {
  map<Tan, f32, f32>(x, y, n);
}

class Asin {
  at(x: f32): f32 { return Mathf.asin(x); }
  of(x: v128, _p: v128, _q: v128): v128 { return scalar.lanes<Asin>(x); }
}

/** y = the angle in [-π/2, π/2] whose sine is x; NaN beyond [-1, 1], error below 2 ulp. */
export function asin(x: usize, y: usize, n: i32): void {
  map<Asin, f32, f32>(x, y, n);
}

class Acos {
  at(x: f32): f32 { return Mathf.acos(x); }
  of(x: v128, _p: v128, _q: v128): v128 { return scalar.lanes<Acos>(x); }
}

/** y = the angle in [0, π] whose cosine is x; NaN beyond [-1, 1], error below 2 ulp. */
export function acos(x: usize, y: usize, n: i32): void {
  map<Acos, f32, f32>(x, y, n);
}

class Atan {
  at(x: f32): f32 { return Mathf.atan(x); }
  of(x: v128, _p: v128, _q: v128): v128 { return scalar.lanes<Atan>(x); }
}

/** y = the angle in (-π/2, π/2) whose tangent is x, error below 2 ulp. */
export function atan(x: usize, y: usize, n: i32): void {
  map<Atan, f32, f32>(x, y, n);
}

class Sinh {
  at(x: f32): f32 { return <f32>Math.sinh(<f64>x); }
  of(x: v128, _p: v128, _q: v128): v128 { return scalar.lanes<Sinh>(x); }
}

/** y = (eˣ - e⁻ˣ)/2, error below 2 ulp. */
export function sinh(x: usize, y: usize, n: i32): void {
  map<Sinh, f32, f32>(x, y, n);
}

class Cosh {
  at(x: f32): f32 { return <f32>Math.cosh(<f64>x); }
  of(x: v128, _p: v128, _q: v128): v128 { return scalar.lanes<Cosh>(x); }
}

/** y = (eˣ + e⁻ˣ)/2, error below 2 ulp. */
export function cosh(x: usize, y: usize, n: i32): void {
  map<Cosh, f32, f32>(x, y, n);
}

class Asinh {
  at(x: f32): f32 { return <f32>Math.asinh(<f64>x); }
  of(x: v128, _p: v128, _q: v128): v128 { return scalar.lanes<Asinh>(x); }
}

/** y = ln(x + √(x² + 1)), error below 2 ulp. */
export function asinh(x: usize, y: usize, n: i32): void {
  map<Asinh, f32, f32>(x, y, n);
}

class Acosh {
  at(x: f32): f32 { return <f32>Math.acosh(<f64>x); }
  of(x: v128, _p: v128, _q: v128): v128 { return scalar.lanes<Acosh>(x); }
}

/** y = ln(x + √(x² - 1)); NaN below 1, error below 2 ulp. */
export function acosh(x: usize, y: usize, n: i32): void {
  map<Acosh, f32, f32>(x, y, n);
}

class Atanh {
  at(x: f32): f32 { return <f32>Math.atanh(<f64>x); }
  of(x: v128, _p: v128, _q: v128): v128 { return scalar.lanes<Atanh>(x); }
}

/** y = ½·ln((1 + x)/(1 - x)); NaN beyond [-1, 1], error below 2 ulp. */
export function atanh(x: usize, y: usize, n: i32): void {
  map<Atanh, f32, f32>(x, y, n);
}

class IsNan { of(x: v128, _p: v128, _q: v128): v128 { return f32x4.ne(x, x); } }

/** y = 1 byte: x is NaN. */
export function isNan(x: usize, y: usize, n: i32): void {
  map<IsNan, f32, u8>(x, y, n);
}

class IsFinite {
  of(x: v128, _p: v128, _q: v128): v128 {
    return f32x4.lt(f32x4.abs(x), i32x4.splat(0x7f800000));
  }
}

/** y = 1 byte: x is neither NaN nor infinite. */
export function isFinite(x: usize, y: usize, n: i32): void {
  map<IsFinite, f32, u8>(x, y, n);
}

class IsInf { of(x: v128, _p: v128, _q: v128): v128 { return f32x4.eq(f32x4.abs(x), i32x4.splat(0x7f800000)); } }

/** y = 1 byte: x is infinite. */
export function isInf(x: usize, y: usize, n: i32): void {
  map<IsInf, f32, u8>(x, y, n);
}

class LogicalNot { of(x: v128, _p: v128, _q: v128): v128 { return i32x4.eq(x, i32x4.splat(0)); } }

/** y = 1 byte: x is the byte 0. */
export function logicalNot(x: usize, y: usize, n: i32): void {
  map<LogicalNot, u8, u8>(x, y, n);
}
