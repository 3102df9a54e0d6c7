import { load4, loadUpTo4, store4, storeUpTo4 } from "./simd";

/**
 * y[i] = Row.of(x[i], p, q) for n elements of T, stored as R (float32, int32, or uint8 for truth values).
 *
 * Row is a class with one method, four lanes at a time. It is a compile-time parameter only: nothing is
 * instantiated and the call is direct. x and y may be the same array and need no alignment.
 */
export function map<Row, T, R>(x: usize, y: usize, n: i32, p: v128 = i32x4.splat(0), q: v128 = i32x4.splat(0)): void {
  const row = changetype<Row>(0);
  const xStep = sizeof<T>() << 2;
  const yStep = sizeof<R>() << 2;
  for (; n >= 8; n -= 8) {
    const first = row.of(load4<T>(x), p, q);
    const second = row.of(load4<T>(x + xStep), p, q);
    store4<R>(y, first);
    store4<R>(y + yStep, second);
    x += xStep << 1;
    y += yStep << 1;
  }
  for (; n > 0; n -= 4) {
    storeUpTo4<R>(y, row.of(loadUpTo4<T>(x, n), p, q), n);
    x += xStep;
    y += yStep;
  }
}
