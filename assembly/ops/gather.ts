import { addRun, copyRun } from "../lib/copy";

/**
 * y[b,o,i,:] = x[b,o,indices[b,i],:] for x [batch, outer, size, run], indices int32 [batch, count],
 * y [batch, outer, count, run], `runBytes` bytes a run. An index outside [0, size) gives zeros; returns the
 * position in `indices` of the first such, or -1.
 */
export function gather(
  y: usize, x: usize, indices: usize,
  batch: i32, outer: i32, size: i32, count: i32, runBytes: i32,
): i32 {
  const bytes = <usize>runBytes;
  let outside = -1;
  for (let b = 0; b < batch; b++) {
    for (let o = 0; o < outer; o++, x += <usize>size * bytes) {
      for (let i = 0; i < count; i++, y += bytes) {
        const index = load<u32>(indices + (<usize>i << 2));
        if (index >= <u32>size) {
          memory.fill(y, 0, bytes);
          if (outside < 0) outside = b * count + i;
        } else if (bytes == 4) store<u32>(y, load<u32>(x + (<usize>index << 2)));
        else copyRun(y, x + <usize>index * bytes, bytes);
      }
    }
    indices += <usize>count << 2;
  }
  return outside;
}

/**
 * The adjoint of `gather` in float32: x[b,o,indices[b,i],:] += y[b,o,i,:] from x = 0, shapes as there with
 * `run` elements; indices outside [0, size) are left out. Sums run in the order of i.
 */
export function scatterAdd(
  x: usize, y: usize, indices: usize,
  batch: i32, outer: i32, size: i32, count: i32, run: i32,
): void {
  const bytes = <usize>run << 2;
  memory.fill(x, 0, <usize>batch * outer * size * bytes);
  for (let b = 0; b < batch; b++) {
    for (let o = 0; o < outer; o++, x += <usize>size * bytes) {
      for (let i = 0; i < count; i++, y += bytes) {
        const index = load<u32>(indices + (<usize>i << 2));
        if (index < <u32>size) addRun(x + <usize>index * bytes, y, run);
      }
    }
    indices += <usize>count << 2;
  }
}

/** `scatterAdd` in int32, with batch = outer = 1. */
export function scatterAddI32(x: usize, y: usize, indices: usize, size: i32, count: i32, run: i32): void {
  const bytes = <usize>run << 2;
  memory.fill(x, 0, <usize>size * bytes);
  for (let i = 0; i < count; i++, y += bytes) {
    const index = load<u32>(indices + (<usize>i << 2));
    if (index >= <u32>size) continue;
    for (let at: usize = 0; at < bytes; at += 4) {
      const to = x + <usize>index * bytes + at;
      store<i32>(to, load<i32>(to) + load<i32>(y + at));
    }
  }
}
