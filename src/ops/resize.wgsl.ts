// Pictures at another size. Positions come from tables along the rows and the columns, so that all devices read the
// same pixels.
import type { GpuCall } from "../backend/op.ts";
import type { GpuOperand } from "../webgpu/shader.ts";
import { eachPixel } from "./pixels.wgsl.ts";

interface Resize {
  readonly name: string;
  readonly x: GpuOperand;
  readonly y: GpuOperand;
  readonly rows: Int32Array;
  readonly cols: Int32Array;
}

/** Every pixel of y by the tables' entries for its row and column. */
function byTables(call: GpuCall, { name, x, y, rows, cols }: Resize, body: string): void {
  eachPixel(call, {
    name,
    pictures: { x },
    tables: { rows: call.values(rows), cols: call.values(cols) },
    write: { y },
    ints: { readHeight: x.shape[1], readWidth: x.shape[2] },
    body: () => body,
  });
}

/** Each pixel a copy of the one that the tables name. */
export function copyNearest(
  call: GpuCall,
  x: GpuOperand,
  y: GpuOperand,
  rows: Int32Array,
  cols: Int32Array,
): void {
  const body = "y[i] = x[((b * u.readHeight + rows[row]) * u.readWidth + cols[col]) * u.channels + c];";
  byTables(call, { name: "resizeNearest", x, y, rows, cols }, body);
}

/** Each pixel a blend of four; table entries are two positions and the second one's share, the bits of a float32. */
export function blendNeighbours(
  call: GpuCall,
  x: GpuOperand,
  y: GpuOperand,
  rows: Int32Array,
  cols: Int32Array,
): void {
  byTables(
    call,
    { name: "resizeBilinear", x, y, rows, cols },
    `let left = cols[3 * col] * u.channels + c;
  let right = cols[3 * col + 1] * u.channels + c;
  let line = u.readWidth * u.channels;
  let top = (b * u.readHeight + rows[3 * row]) * line;
  let bottom = (b * u.readHeight + rows[3 * row + 1]) * line;
  let down = bitcast<f32>(rows[3 * row + 2]);
  let along = bitcast<f32>(cols[3 * col + 2]);
  let first = V(x[top + left]);
  let second = V(x[top + right]);
  let before = first + down * (V(x[bottom + left]) - first);
  let after = second + down * (V(x[bottom + right]) - second);
  y[i] = before + along * (after - before);`,
  );
}

/**
 * For each position of the source the range of entries that read it, [first, end), before the entries: they are in order
 * of the positions.
 */
function withReaders(entries: Int32Array, size: number): Int32Array {
  const table = new Int32Array(2 * size + entries.length);
  table.set(entries, 2 * size);
  const count = entries.length / 3;
  let [first, end] = [0, 0];
  for (let at = 0; at < size; at++) {
    while (first < count && entries[3 * first + 1] < at) first++;
    while (end < count && entries[3 * end] <= at) end++;
    table[2 * at] = first;
    table[2 * at + 1] = end;
  }
  return table;
}

/** The adjoint of `blendNeighbours`: each pixel adds dy of those that read it, in their order. */
export function returnToPixels(
  call: GpuCall,
  dy: GpuOperand,
  dx: GpuOperand,
  rows: Int32Array,
  cols: Int32Array,
): void {
  const [, height, width] = dx.shape;
  eachPixel(call, {
    name: "resizeGrad",
    pictures: { dy },
    tables: {
      rows: call.values(withReaders(rows, height)),
      cols: call.values(withReaders(cols, width)),
    },
    write: { dx },
    ints: { readHeight: dy.shape[1], readWidth: dy.shape[2] },
    declarations: () => `fn weight(at: i32, first: i32, second: i32, bits: i32) -> f32 {
  let share = bitcast<f32>(bits);
  return select(0, 1 - share, first == at) + select(0, share, second == at);
}
`,
    body: () => `var sum = V();
  for (var r = rows[2 * row]; r < rows[2 * row + 1]; r++) {
    let v = 2 * u.height + 3 * r;
    let line = ((b * u.readHeight + r) * u.readWidth) * u.channels + c;
    var across = V();
    for (var k = cols[2 * col]; k < cols[2 * col + 1]; k++) {
      let h = 2 * u.width + 3 * k;
      across += dy[line + k * u.channels] * weight(col, cols[h], cols[h + 1], cols[h + 2]);
    }
    sum += across * weight(row, rows[v], rows[v + 1], rows[v + 2]);
  }
  dx[i] = sum;`,
  });
}
