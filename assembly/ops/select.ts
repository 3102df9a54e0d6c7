import { load4, loadUpTo4, storeUpTo4 } from "../lib/simd";

/** y = t where the byte c is not 0, else e, for n elements of 4 bytes. y may be the same array as t or e. */
export function select(c: usize, t: usize, e: usize, y: usize, n: i32): void {
  const zero = i32x4.splat(0);
  for (; n >= 4; n -= 4) {
    v128.store(y, v128.bitselect(v128.load(e), v128.load(t), i32x4.eq(load4<u8>(c), zero)));
    c += 4;
    t += 16;
    e += 16;
    y += 16;
  }
  if (n == 0) return;
  const chosen = v128.bitselect(loadUpTo4<f32>(e, n), loadUpTo4<f32>(t, n), i32x4.eq(loadUpTo4<u8>(c, n), zero));
  storeUpTo4<f32>(y, chosen, n);
}

/** y = t where the byte c is not 0, else e, for n bytes. */
export function selectU8(c: usize, t: usize, e: usize, y: usize, n: i32): void {
  for (let i = 0; i < n; i++) store<u8>(y + i, load<u8>(c + i) ? load<u8>(t + i) : load<u8>(e + i));
}
