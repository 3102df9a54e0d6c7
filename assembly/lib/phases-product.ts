import { tileOfRuns } from "./gemm-runs";

/**
 * Every plane's product of `count` rows, `row` bytes each, with one panel of 8 columns: products
 * [plane][tile][8].
 */
export function multiplyPlanes(
  products: usize,
  productPlane: usize,
  rows: usize,
  rowPlane: usize,
  row: usize,
  count: i32,
  panels: usize,
  panelPlane: usize,
  planes: i32,
): void {
  const length = <usize>(count - 1) * row;
  for (let p = 0; p < planes; p++, rows += rowPlane, panels += panelPlane, products += productPlane) {
    const end = rows + length;
    let y = products;
    for (let a = rows; a <= end; a += row << 2, y += 128) {
      // Rows past the last repeat it.
      const a1 = min(a + row, end);
      const a2 = min(a1 + row, end);
      const a3 = min(a2 + row, end);
      tileOfRuns(a, a1, a2, a3, 1, 0, 1, 0, row, panels, y, y + 32, y + 64, y + 96);
    }
  }
}
