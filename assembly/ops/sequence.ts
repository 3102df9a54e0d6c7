/** y[i] = start + i·step for n float32, each rounded once. */
export function range(y: usize, n: i32, start: f64, step: f64): void {
  for (let i = 0; i < n; i++, y += 4) store<f32>(y, <f32>(start + <f64>i * step));
}

/** y[i] = start + i·step for n int32, truncated. */
export function rangeI32(y: usize, n: i32, start: f64, step: f64): void {
  for (let i = 0; i < n; i++, y += 4) store<i32>(y, <i32>(start + <f64>i * step));
}

/**
 * y[i, indices[i]] = the value with the bits `one`, for int32 indices [n] and y [n, depth] of 4 or 1 bytes an
 * element (`width`) that holds the other value already; an index outside [0, depth) marks nothing.
 */
export function markOneHot(y: usize, indices: usize, n: i32, depth: i32, one: i32, width: i32): void {
  const row = <usize>depth * width;
  for (let i = 0; i < n; i++, y += row, indices += 4) {
    const index = load<u32>(indices);
    if (index >= <u32>depth) continue;
    if (width == 4) store<i32>(y + (<usize>index << 2), one);
    else store<u8>(y + index, <u8>one);
  }
}
