import { advance } from "../lib/walk";

/**
 * y = x broadcast: `rows` runs of n elements of `width` bytes (4 or 1), y contiguous. Within a run x is
 * contiguous (step 1) or one element repeated (step 0); between runs the plan moves it, see `advance`.
 */
export function broadcast(x: usize, y: usize, n: i32, width: i32, step: i32, rows: i32, rank: i32, plan: usize): void {
  const bytes = n * width;
  store<i32>(plan, <i32>x);
  for (; rows > 0; rows--) {
    x = <usize>load<i32>(plan);
    if (step) memory.copy(y, x, bytes);
    else if (width == 1) memory.fill(y, load<u8>(x), bytes);
    else {
      const v = v128.load_splat<u32>(x);
      let i = 0;
      for (; i + 16 <= bytes; i += 16) v128.store(y + i, v);
      for (; i < bytes; i += 4) v128.store_lane<u32>(y + i, v, 0);
    }
    y += bytes;
    if (rows > 1) advance(plan, rank);
  }
}
