import { load4, loadUpTo4, store4, storeUpTo4 } from "./simd";

/**
 * Steps an odometer over the outer axes of a broadcast and moves the operands' addresses. The plan holds
 * int32: address of a, address of b, then for each axis from the innermost out: size, step of a and of b in
 * bytes, count so far (0 at first).
 */
export function advance(plan: usize, rank: i32): void {
  let a = load<i32>(plan);
  let b = load<i32>(plan, 4);
  let axis = plan + 8;
  for (; rank > 0; rank--) {
    const size = load<i32>(axis);
    const count = load<i32>(axis, 12) + 1;
    a += load<i32>(axis, 4);
    b += load<i32>(axis, 8);
    if (count < size) {
      store<i32>(axis, count, 12);
      break;
    }
    a -= size * load<i32>(axis, 4);
    b -= size * load<i32>(axis, 8);
    store<i32>(axis, 0, 12);
    axis += 16;
  }
  store<i32>(plan, a);
  store<i32>(plan, b, 4);
}

/** Writes four copies of the T at x to slot. */
function splat4<T>(x: usize, slot: usize): void {
  if (sizeof<T>() == 1) v128.store_lane<u32>(slot, v128.load_splat<u8>(x), 0);
  else v128.store(slot, v128.load_splat<u32>(x));
}

/**
 * y = Row.of(a, b, p) with broadcasting: `rows` runs of n elements each, y contiguous throughout.
 *
 * Within a run an operand is contiguous (aStep = 1) or one element repeated (aStep = 0); between runs
 * `advance` moves it as the plan says. The plan begins with 32 bytes of scratch (16 for each operand). T is
 * the operands' type, R the result's. y may be the same array as an operand that is not repeated anywhere.
 * Row is a class with one method on four lanes, a compile-time parameter only, see `map`.
 */
export function walk<Row, T, R>(
  a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32, rows: i32, rank: i32, plan: usize, p: v128 = i32x4.splat(0),
): void {
  const row = changetype<Row>(0);
  const aMove = aStep * (sizeof<T>() << 2);
  const bMove = bStep * (sizeof<T>() << 2);
  const yMove = sizeof<R>() << 2;
  store<i32>(plan, <i32>a, 32);
  store<i32>(plan, <i32>b, 36);
  for (; rows > 0; rows--) {
    a = <usize>load<i32>(plan, 32);
    b = <usize>load<i32>(plan, 36);
    // A repeated element becomes a vector that the loop reads again and again: one loop serves all.
    if (aStep == 0) {
      splat4<T>(a, plan);
      a = plan;
    }
    if (bStep == 0) {
      splat4<T>(b, plan + 16);
      b = plan + 16;
    }
    let left = n;
    for (; left >= 8; left -= 8) {
      const first = row.of(load4<T>(a), load4<T>(b), p);
      const second = row.of(load4<T>(a + aMove), load4<T>(b + bMove), p);
      store4<R>(y, first);
      store4<R>(y + yMove, second);
      a += aMove << 1;
      b += bMove << 1;
      y += yMove << 1;
    }
    for (; left > 0; left -= 4) {
      storeUpTo4<R>(y, row.of(loadUpTo4<T>(a, left), loadUpTo4<T>(b, left), p), left);
      a += aMove;
      b += bMove;
      y += sizeof<R>() * min(left, 4);
    }
    if (rows > 1) advance(plan + 32, rank);
  }
}
