// What the passes of batch norm share: blocks of rows, and a table of each group's and quartet's constants.

/**
 * Bytes of a row of the table that has one for each group and quartet. It holds, as vectors, the mean, the gain
 * scale/√(variance + epsilon), the offset, and 1/√(variance + epsilon); for the gradient's second pass also the
 * mean of dz (dy behind the activation) and the slope of dx along x.
 */
export const tableBytes: usize = 96;

/** Blocks of a group's rows. */
export function blocksOf(rows: i32, blockRows: i32): i32 {
  return (rows + blockRows - 1) / blockRows;
}

/** Writes a row of the table. */
export function tabulate(table: usize, mean: v128, variance: v128, scale: v128, offset: v128, epsilon: f32): void {
  const inverse = f32x4.div(
    f32x4.splat(1), f32x4.sqrt(f32x4.add(variance, f32x4.splat(epsilon))),
  );
  v128.store(table, mean);
  v128.store(table, f32x4.mul(scale, inverse), 16);
  v128.store(table, offset, 32);
  v128.store(table, inverse, 48);
}
