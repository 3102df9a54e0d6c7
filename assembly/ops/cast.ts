// Conversions between float32, int32 and bytes.
import { map } from "../lib/map";

class TruncateToInt { of(x: v128, _p: v128, _q: v128): v128 { return i32x4.trunc_sat_f32x4_s(x); } }

/** y = x toward zero; out of range the nearest int32, NaN 0. */
export function castF32I32(x: usize, y: usize, n: i32): void {
  map<TruncateToInt, f32, i32>(x, y, n);
}

class IntToFloat { of(x: v128, _p: v128, _q: v128): v128 { return f32x4.convert_i32x4_s(x); } }

/** y = x rounded to float32. */
export function castI32F32(x: usize, y: usize, n: i32): void {
  map<IntToFloat, i32, f32>(x, y, n);
}

class ByteToFloat { of(x: v128, _p: v128, _q: v128): v128 { return f32x4.convert_i32x4_s(x); } }

/** y = the byte x as float32. */
export function castU8F32(x: usize, y: usize, n: i32): void {
  map<ByteToFloat, u8, f32>(x, y, n);
}

class ByteToInt { of(x: v128, _p: v128, _q: v128): v128 { return x; } }

/** y = the byte x as int32. */
export function castU8I32(x: usize, y: usize, n: i32): void {
  map<ByteToInt, u8, i32>(x, y, n);
}

class FloatToBool { of(x: v128, _p: v128, _q: v128): v128 { return f32x4.ne(x, i32x4.splat(0)); } }

/** y = 1 byte: x is not 0 (NaN is not). */
export function castF32U8(x: usize, y: usize, n: i32): void {
  map<FloatToBool, f32, u8>(x, y, n);
}

class IntToBool { of(x: v128, _p: v128, _q: v128): v128 { return i32x4.ne(x, i32x4.splat(0)); } }

/** y = 1 byte: x is not 0. */
export function castI32U8(x: usize, y: usize, n: i32): void {
  map<IntToBool, i32, u8>(x, y, n);
}

/** y = x, bytes as they are. */
export function copy(x: usize, y: usize, bytes: i32): void {
  memory.copy(y, x, bytes);
}
