/** f64 lanes of a float32 quartet's squares, added up. */
function squares(x: v128): v128 {
  const low = f64x2.promote_low_f32x4(x);
  const high = f64x2.promote_low_f32x4(i32x4.shuffle(x, x, 2, 3, 2, 3));
  return f64x2.add(f64x2.mul(low, low), f64x2.mul(high, high));
}

/**
 * Sums of squares over the rows of a table, in float64; a unit is one row, int32 address and number of float32.
 * `sums` gets one float64 a row.
 */
export function squareSums(table: usize, sums: usize, _scratch: usize, from: i32, to: i32): void {
  for (let unit = from; unit < to; unit++) {
    let x = <usize>load<u32>(table + (<usize>unit << 3));
    const end = x + (<usize>load<i32>(table + (<usize>unit << 3), 4) << 2);
    let a = f64x2.splat(0);
    let b = a;
    for (; x + 32 <= end; x += 32) {
      a = f64x2.add(a, squares(v128.load(x)));
      b = f64x2.add(b, squares(v128.load(x, 16)));
    }
    a = f64x2.add(a, b);
    let total = f64x2.extract_lane(a, 0) + f64x2.extract_lane(a, 1);
    for (; x < end; x += 4) {
      const value = <f64>load<f32>(x);
      total += value * value;
    }
    store<f64>(sums + (<usize>unit << 3), total);
  }
}

/** y = √Σ sums as float32; infinite where the sum is beyond float32. */
export function rootOfSums(sums: usize, y: usize, count: i32): void {
  let total: f64 = 0;
  for (let i = 0; i < count; i++) total += load<f64>(sums + (<usize>i << 3));
  store<f32>(y, <f32>sqrt(<f64><f32>total));
}
