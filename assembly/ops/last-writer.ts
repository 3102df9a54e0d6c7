/** w[s] = the last i (int32) with ids[i] = s, else -1, for s < size and i < count; other ids are left out. */
export function lastWriter(w: usize, ids: usize, size: i32, count: i32): void {
  memory.fill(w, 0xff, <usize>size << 2);
  for (let i = 0; i < count; i++) {
    const id = load<u32>(ids + (<usize>i << 2));
    if (id < <u32>size) store<i32>(w + (<usize>id << 2), i);
  }
}
