import { madd } from "./simd";

/** Copies `bytes` bytes, at any addresses; the two ranges must not overlap. */
export function copyRun(dst: usize, src: usize, bytes: usize): void {
  // memory.copy wins from here on: 17 against 20 ns at 512 bytes in V8; below, the loop does, 11 against 15 at 64.
  if (bytes >= 512) {
    memory.copy(dst, src, bytes);
    return;
  }
  const end = dst + bytes;
  for (; dst + 16 <= end; dst += 16, src += 16) v128.store(dst, v128.load(src));
  for (; dst + 4 <= end; dst += 4, src += 4) store<u32>(dst, load<u32>(src));
  for (; dst < end; dst++, src++) store<u8>(dst, load<u8>(src));
}

/** y[i] += x[i] for n float32. */
export function addRun(y: usize, x: usize, n: i32): void {
  const end = y + ((<usize>n) << 2);
  for (; y + 16 <= end; y += 16, x += 16) v128.store(y, f32x4.add(v128.load(y), v128.load(x)));
  for (; y < end; y += 4, x += 4) store<f32>(y, load<f32>(y) + load<f32>(x));
}

/** y[i] += s·x[i] for n float32. */
export function addScaled(y: usize, x: usize, n: i32, s: f32): void {
  const v = f32x4.splat(s);
  const end = y + (<usize>n << 2);
  for (; y + 16 <= end; y += 16, x += 16) v128.store(y, madd(v128.load(x), v, v128.load(y)));
  for (; y < end; y += 4, x += 4) store<f32>(y, load<f32>(y) + s * load<f32>(x));
}
