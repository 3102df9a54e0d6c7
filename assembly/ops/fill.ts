/** y[i] = value for n float32. */
export function fill(y: usize, n: i32, value: f32): void {
  const v = f32x4.splat(value);
  const end = y + ((<usize>n) << 2);
  for (; y + 16 <= end; y += 16) v128.store(y, v);
  for (; y < end; y += 4) store<f32>(y, value);
}

/** y[i] = value for n int32. */
export function fillI32(y: usize, n: i32, value: i32): void {
  const v = i32x4.splat(value);
  const end = y + ((<usize>n) << 2);
  for (; y + 16 <= end; y += 16) v128.store(y, v);
  for (; y < end; y += 4) store<i32>(y, value);
}

/** y[i] = value for n bytes. */
export function fillU8(y: usize, n: i32, value: i32): void {
  memory.fill(y, <u8>value, n);
}
