/**
 * y[o, i, r] = the sum (product = 0) or product of x[o, j, r] over j ≤ i; j < i if exclusive; from the other
 * end if reverse. Shapes [outer, n, inner]. A sums: f64 for float32, so that its error is one rounding.
 */
function scan<T, A>(
  x: usize, y: usize, outer: i32, n: i32, inner: i32, product: i32, exclusive: i32, reverse: i32,
): void {
  const step = inner << 2;
  const length = n * step;
  const move = reverse ? -step : step;
  for (let o = 0; o < outer; o++) {
    for (let r = 0; r < step; r += 4) {
      let at = o * length + r + (reverse ? length - step : 0);
      let total = <A>product;
      for (let i = 0; i < n; i++, at += move) {
        const value = <A>load<T>(x + at);
        const next = product ? total * value : total + value;
        store<T>(y + at, <T>(exclusive ? total : next));
        total = next;
      }
    }
  }
}

/** Running sums of float32, see `scan`; x and y do not overlap. */
export function cumsum(x: usize, y: usize, outer: i32, n: i32, inner: i32, exclusive: i32, reverse: i32): void {
  scan<f32, f64>(x, y, outer, n, inner, 0, exclusive, reverse);
}

/** Running sums of int32, wrapping, see `scan`. */
export function cumsumI32(x: usize, y: usize, outer: i32, n: i32, inner: i32, exclusive: i32, reverse: i32): void {
  scan<i32, i32>(x, y, outer, n, inner, 0, exclusive, reverse);
}

/** Running products of float32, see `scan`. */
export function cumprod(x: usize, y: usize, outer: i32, n: i32, inner: i32, exclusive: i32, reverse: i32): void {
  scan<f32, f64>(x, y, outer, n, inner, 1, exclusive, reverse);
}

/** Running products of int32, wrapping, see `scan`. */
export function cumprodI32(x: usize, y: usize, outer: i32, n: i32, inner: i32, exclusive: i32, reverse: i32): void {
  scan<i32, i32>(x, y, outer, n, inner, 1, exclusive, reverse);
}
