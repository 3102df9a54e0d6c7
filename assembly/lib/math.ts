// Elementary functions of four float32. NaN, infinities, signed zeros and subnormals as IEEE 754 says; the
// greatest error over all inputs stands at each function, in units in the last place (ulp).
//
// Coefficients stay in memory: V8 rebuilds a v128 constant at each use in a loop, a splat load is cheaper.
import { madd } from "./simd";

/** 1/ln 2, -(ln 2) in two parts (the first exact times any exponent), range of exp, (eʳ - 1 - r)/r², 1, 1.5·2²³. */
const EXP = memory.data<f32>([
  1.4426950408889634, -0.693359375, 2.1219444005471377e-4, -105.0, 89.0,
  1.9845867063850164e-4, 1.3940654462203383e-3, 8.333389647305012e-3, 0.041666362434625626,
  0.1666666567325592, 0.5, 1.0, 12582912.0,
]);

/** ln 2 in two parts, then (ln(1 + f) - f + f²/2)/f³ for f in [√½ - 1, √2 - 1]. */
const LOG = memory.data<f32>([
  -2.1219444005471377e-4, 0.693359375,
  0.06744574755430222, -0.11674806475639343, 0.11888587474822998, -0.12405755370855331, 0.1421952247619629,
  -0.16667985916137695, 0.2000211924314499, -0.25000008940696716, 0.3333331346511841, -0.5, 1.0,
]);

@inline
function coefficient(table: usize, i: usize): v128 {
  return v128.load_splat<f32>(table + (i << 2));
}

/** 2ᵏ for integers k in [-126, 127]. */
@inline
function power2(k: v128): v128 {
  return i32x4.shl(i32x4.add(k, i32x4.splat(127)), 23);
}

/** x's sign bit on y. */
@inline
function withSign(y: v128, x: v128): v128 {
  return v128.or(y, v128.and(x, i32x4.splat(i32.MIN_VALUE)));
}

/**
 * n + 1.5·2²³ for n = round(x / ln 2), x within exp's range: the sum's last bits are n as an integer, which
 * is cheaper than rounding and a saturating conversion.
 */
@inline
function exponent(x: v128): v128 {
  return madd(x, coefficient(EXP, 0), coefficient(EXP, 12));
}

/** n of `exponent` as int32. */
@inline
function exponentInt(shifted: v128): v128 {
  return i32x4.sub(shifted, coefficient(EXP, 12));
}

/** eʳ - 1 of the rest r = x - n ln 2. */
@inline
function expm1Rest(x: v128, shifted: v128): v128 {
  const n = f32x4.sub(shifted, coefficient(EXP, 12));
  const r = madd(n, coefficient(EXP, 2), madd(n, coefficient(EXP, 1), x));
  let q = madd(coefficient(EXP, 5), r, coefficient(EXP, 6));
  q = madd(q, r, coefficient(EXP, 7));
  q = madd(q, r, coefficient(EXP, 8));
  q = madd(q, r, coefficient(EXP, 9));
  q = madd(q, r, coefficient(EXP, 10));
  return madd(f32x4.mul(r, r), q, r);
}

/** Beyond these e^x is 0 or infinite in float32 anyway. pmin and pmax keep x where it is NaN. */
@inline
function clampToExp(x: v128): v128 {
  return f32x4.pmin(f32x4.pmax(x, coefficient(EXP, 3)), coefficient(EXP, 4));
}

/** e^x, error below 1 ulp. */
@inline
export function exp(x: v128): v128 {
  const clamped = clampToExp(x);
  const n = exponent(clamped);
  const p = f32x4.add(expm1Rest(clamped, n), coefficient(EXP, 11));
  // The exponent in two halves, so that subnormal and near-infinite results round once.
  const k = exponentInt(n);
  const half = i32x4.shr_s(k, 1);
  return f32x4.mul(f32x4.mul(p, power2(half)), power2(i32x4.sub(k, half)));
}

/** e^x - 1, error below 1.5 ulp. */
@inline
export function expm1(x: v128): v128 {
  const clamped = clampToExp(x);
  const n = exponent(clamped);
  const em = expm1Rest(clamped, n);
  const k = exponentInt(n);
  const half = i32x4.shr_s(k, 1);
  const other = i32x4.sub(k, half);
  const scale = power2(half);
  const y = madd(em, scale, f32x4.sub(scale, power2(i32x4.neg(other))));
  return withSign(f32x4.mul(y, power2(other)), x);
}

/** ln x + low for finite normal x > 0, shifted by an integer number of doublings. */
@inline
function logNormal(x: v128, low: v128, doublings: v128): v128 {
  const shifted = i32x4.sub(x, i32x4.splat(0x3f3504f3));
  const k = i32x4.shr_s(shifted, 23);
  const e = f32x4.convert_i32x4_s(i32x4.add(k, doublings));
  const f = f32x4.sub(i32x4.sub(x, i32x4.shl(k, 23)), coefficient(LOG, 12));
  let p = madd(coefficient(LOG, 2), f, coefficient(LOG, 3));
  p = madd(p, f, coefficient(LOG, 4));
  p = madd(p, f, coefficient(LOG, 5));
  p = madd(p, f, coefficient(LOG, 6));
  p = madd(p, f, coefficient(LOG, 7));
  p = madd(p, f, coefficient(LOG, 8));
  p = madd(p, f, coefficient(LOG, 9));
  p = madd(p, f, coefficient(LOG, 10));
  const square = f32x4.mul(f, f);
  let y = madd(f32x4.mul(square, f), p, madd(e, coefficient(LOG, 0), low));
  y = madd(square, coefficient(LOG, 11), y);
  return madd(e, coefficient(LOG, 1), f32x4.add(f, y));
}

/** `y` where 0 < x < ∞; else what ln x is there: -∞ at 0, ∞ at ∞, NaN below 0 and for NaN. */
@inline
function logEdges(y: v128, x: v128): v128 {
  const zero = i32x4.splat(0);
  const positive = f32x4.gt(x, zero);
  const infinity = i32x4.splat(0x7f800000);
  const other = v128.bitselect(
    f32x4.neg(infinity),
    i32x4.splat(0x7fc00000),
    f32x4.eq(x, zero),
  );
  return v128.bitselect(y, v128.bitselect(x, other, positive), v128.and(positive, f32x4.lt(x, infinity)));
}

/** ln x, error below 0.8 ulp. */
@inline
export function log(x: v128): v128 {
  const subnormal = f32x4.lt(x, i32x4.splat(0x00800000));
  const normal = v128.bitselect(f32x4.mul(x, f32x4.splat(8388608)), x, subnormal);
  return logEdges(logNormal(normal, i32x4.splat(0), v128.and(subnormal, i32x4.splat(-23))), x);
}

/** ln(1 + x), error below 0.8 ulp. */
@inline
export function log1p(x: v128): v128 {
  const one = coefficient(LOG, 12);
  const u = f32x4.add(one, x);
  const lost = f32x4.div(f32x4.sub(x, f32x4.sub(u, one)), u);
  return withSign(logEdges(logNormal(u, lost, i32x4.splat(0)), u), x);
}

/** tanh x, error below 2.5 ulp. */
@inline
export function tanh(x: v128): v128 {
  const one = coefficient(EXP, 11);
  // tanh is 1 in float32 from 9.02 on.
  const a = f32x4.pmin(f32x4.abs(x), f32x4.splat(10));
  const double = f32x4.add(a, a);
  const n = exponent(double);
  const scale = power2(exponentInt(n));
  const em = madd(expm1Rest(double, n), scale, f32x4.sub(scale, one));
  return withSign(f32x4.div(em, f32x4.add(em, f32x4.add(one, one))), x);
}

/** e^-|x|, the safe half of sigmoid and softplus. */
@inline
function expNegativeAbs(x: v128): v128 {
  return exp(f32x4.neg(f32x4.abs(x)));
}

/** 1/(1 + e^-x), error below 2.5 ulp. */
@inline
export function sigmoid(x: v128): v128 {
  const one = coefficient(EXP, 11);
  const z = expNegativeAbs(x);
  const numerator = v128.bitselect(z, one, f32x4.lt(x, i32x4.splat(0)));
  return f32x4.div(numerator, f32x4.add(one, z));
}

/** ln(1 + e^x), error below 1.7 ulp. */
@inline
export function softplus(x: v128): v128 {
  const one = coefficient(EXP, 11);
  const z = expNegativeAbs(x);
  const u = f32x4.add(one, z);
  // What rounding u lost, over u; 1 - z/2 is near enough to 1/u here.
  const lost = f32x4.mul(f32x4.sub(z, f32x4.sub(u, one)), madd(z, coefficient(LOG, 11), one));
  return f32x4.add(f32x4.pmax(x, i32x4.splat(0)), logNormal(u, lost, i32x4.splat(0)));
}

/** Abramowitz and Stegun 7.1.26: coefficients of t, highest first, then of |x| in t = 1/(1 + p|x|). */
const ERF = memory.data<f32>([1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592, 0.3275911]);

/** erf x, absolute error below 3e-7. */
@inline
export function erf(x: v128): v128 {
  const one = coefficient(EXP, 11);
  const a = f32x4.abs(x);
  const t = f32x4.div(one, madd(a, coefficient(ERF, 5), one));
  let p = madd(coefficient(ERF, 0), t, coefficient(ERF, 1));
  p = madd(p, t, coefficient(ERF, 2));
  p = madd(p, t, coefficient(ERF, 3));
  p = madd(p, t, coefficient(ERF, 4));
  const tail = f32x4.mul(f32x4.mul(p, t), exp(f32x4.neg(f32x4.mul(a, a))));
  return withSign(f32x4.abs(f32x4.sub(one, tail)), x);
}

/** dy·(1 - tanh² x) without cancellation: 4z/(1 + z)² with z = e^-2|x|; error below 5 ulp. */
@inline
export function tanhSlope(x: v128, dy: v128): v128 {
  const one = coefficient(EXP, 11);
  const z = expNegativeAbs(f32x4.add(x, x));
  const d = f32x4.add(one, z);
  const two = f32x4.add(one, one);
  const half = f32x4.div(two, d);
  return f32x4.mul(dy, f32x4.mul(f32x4.mul(half, half), z));
}

/** dy·s·(1 - s) for s = sigmoid x without cancellation: z/(1 + z)² with z = e^-|x|; error below 5 ulp. */
@inline
export function sigmoidSlope(x: v128, dy: v128): v128 {
  const one = coefficient(EXP, 11);
  const z = expNegativeAbs(x);
  const share = f32x4.div(one, f32x4.add(one, z));
  return f32x4.mul(dy, f32x4.mul(f32x4.mul(share, share), z));
}
