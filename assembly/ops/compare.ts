// Comparisons and logic with broadcasting; results are bytes 0 and 1. See `walk` for the arguments.
import { walk } from "../lib/walk";

class Equal<T> { of(a: v128, b: v128, _p: v128): v128 { return v128.eq<T>(a, b); } }

/** y = a = b, float32. */
export function equal(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<Equal<f32>, f32, u8>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

/** y = a = b, int32. */
export function equalI32(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<Equal<i32>, i32, u8>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

/** y = a = b, bytes. */
export function equalU8(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<Equal<i32>, u8, u8>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

class NotEqual<T> { of(a: v128, b: v128, _p: v128): v128 { return v128.ne<T>(a, b); } }

/** y = a ≠ b, float32. */
export function notEqual(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<NotEqual<f32>, f32, u8>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

/** y = a ≠ b, int32. */
export function notEqualI32(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<NotEqual<i32>, i32, u8>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

/** y = a ≠ b, bytes. */
export function notEqualU8(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<NotEqual<i32>, u8, u8>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

class Greater<T> { of(a: v128, b: v128, _p: v128): v128 { return v128.gt<T>(a, b); } }

/** y = a > b, float32. */
export function greater(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<Greater<f32>, f32, u8>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

/** y = a > b, int32. */
export function greaterI32(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<Greater<i32>, i32, u8>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

/** y = a > b, bytes. */
export function greaterU8(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<Greater<i32>, u8, u8>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

class GreaterEqual<T> { of(a: v128, b: v128, _p: v128): v128 { return v128.ge<T>(a, b); } }

/** y = a ≥ b, float32. */
export function greaterEqual(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<GreaterEqual<f32>, f32, u8>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

/** y = a ≥ b, int32. */
export function greaterEqualI32(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<GreaterEqual<i32>, i32, u8>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

/** y = a ≥ b, bytes. */
export function greaterEqualU8(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<GreaterEqual<i32>, u8, u8>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

class Less<T> { of(a: v128, b: v128, _p: v128): v128 { return v128.lt<T>(a, b); } }

/** y = a < b, float32. */
export function less(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<Less<f32>, f32, u8>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

/** y = a < b, int32. */
export function lessI32(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<Less<i32>, i32, u8>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

/** y = a < b, bytes. */
export function lessU8(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<Less<i32>, u8, u8>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

class LessEqual<T> { of(a: v128, b: v128, _p: v128): v128 { return v128.le<T>(a, b); } }

/** y = a ≤ b, float32. */
export function lessEqual(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<LessEqual<f32>, f32, u8>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

/** y = a ≤ b, int32. */
export function lessEqualI32(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<LessEqual<i32>, i32, u8>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

/** y = a ≤ b, bytes. */
export function lessEqualU8(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<LessEqual<i32>, u8, u8>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

class LogicalAnd { of(a: v128, b: v128, _p: v128): v128 { return v128.and(a, b); } }

/** y = a and b, bytes 0 or 1. */
export function logicalAnd(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<LogicalAnd, u8, u8>(a, b, y, n, aStep, bStep, rows, rank, plan);
}

class LogicalOr { of(a: v128, b: v128, _p: v128): v128 { return v128.or(a, b); } }

/** y = a or b, bytes 0 or 1. */
export function logicalOr(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize,
): void {
  walk<LogicalOr, u8, u8>(a, b, y, n, aStep, bStep, rows, rank, plan);
}
