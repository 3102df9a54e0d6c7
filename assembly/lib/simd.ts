/** a·b + c, in one rounding where the build has fused multiply-add. */
export function madd(a: v128, b: v128, c: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(a, b, c) : f32x4.add(f32x4.mul(a, b), c);
}

/** Four T from any address, in 32-bit lanes; bytes widen to int32. */
export function load4<T>(x: usize): v128 {
  return sizeof<T>() == 1
    ? i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(x)))
    : v128.load(x);
}

/** The first n (at least 1) of up to four T as `load4` gives them; the other lanes are zero. */
export function loadUpTo4<T>(x: usize, n: i32): v128 {
  if (n >= 4) return load4<T>(x);
  if (sizeof<T>() == 1) {
    let v = v128.load_lane<u8>(x, i32x4.splat(0), 0);
    if (n > 1) v = v128.load_lane<u8>(x + 1, v, 4);
    return n > 2 ? v128.load_lane<u8>(x + 2, v, 8) : v;
  }
  if (n == 1) return v128.load32_zero(x);
  const v = v128.load64_zero(x);
  return n == 2 ? v : v128.load_lane<u32>(x + 8, v, 2);
}

/** Stores four lanes as T: 32-bit lanes as they are, or the lowest bit of each as one byte. */
export function store4<T>(y: usize, v: v128): void {
  if (sizeof<T>() == 1) {
    const low = v128.and(v, i32x4.splat(1));
    const half = i16x8.narrow_i32x4_s(low, low);
    v128.store_lane<u32>(y, i8x16.narrow_i16x8_s(half, half), 0);
  } else v128.store(y, v);
}

/** Stores the first n (at least 1) of up to four lanes, see `store4`. */
export function storeUpTo4<T>(y: usize, v: v128, n: i32): void {
  if (n >= 4) {
    store4<T>(y, v);
  } else if (sizeof<T>() == 1) {
    const low = v128.and(v, i32x4.splat(1));
    v128.store_lane<u8>(y, low, 0);
    if (n > 1) v128.store_lane<u8>(y + 1, low, 4);
    if (n > 2) v128.store_lane<u8>(y + 2, low, 8);
  } else {
    if (n == 1) v128.store_lane<u32>(y, v, 0);
    else v128.store_lane<u64>(y, v, 0);
    if (n == 3) v128.store_lane<u32>(y + 8, v, 2);
  }
}
