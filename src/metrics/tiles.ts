import { matMul, slice, type Tensor2D, tensor2d, tidy } from "@tensorflow/tfjs-core";
import type { Features } from "./features.ts";

/** Rows of either set whose products are in memory at a time: 4 MB of them. */
const side = 1024;

/** Dot products of some rows of one set with some of another. */
export interface Tile {
  readonly row: number;
  readonly column: number;
  readonly rows: number;
  readonly columns: number;
  /** float32 [rows, columns] */
  readonly values: Float32Array;
}

/** Dot products of every row of `a` with every row of `b`, computed by the kernels tile by tile. */
export async function* dotTiles(a: Features, b: Features): AsyncGenerator<Tile> {
  const [x, y] = [a, b].map(({ rows, count, size }) => tensor2d(rows, [count, size]));
  try {
    for (let row = 0; row < a.count; row += side) {
      const rows = Math.min(side, a.count - row);
      for (let column = 0; column < b.count; column += side) {
        const columns = Math.min(side, b.count - column);
        const product = tidy(() => matMul(part(x, row, rows), part(y, column, columns), false, true));
        const values = await product.data<"float32">();
        product.dispose();
        yield { row, column, rows, columns, values };
      }
    }
  } finally {
    x.dispose();
    y.dispose();
  }
}

const part = (x: Tensor2D, start: number, count: number): Tensor2D => slice(x, [start, 0], [count, -1]);

/** Both sets moved by the mean of the first, which changes no distance, and leaves float32's digits to what differs. */
function centred(sets: readonly Features[]): Features[] {
  const [{ rows, count, size }] = sets;
  const middle = new Float64Array(size);
  for (let i = 0; i < rows.length; i++) middle[i % size] += rows[i];
  return sets.map((set) => ({ ...set, rows: set.rows.map((value, i) => value - middle[i % size] / count) }));
}

function squaredNorms({ rows, count, size }: Features): Float64Array {
  const norms = new Float64Array(count);
  for (let i = 0; i < rows.length; i++) norms[Math.floor(i / size)] += rows[i] ** 2;
  return norms;
}

/** Squared distances of every row of `a` from every row of `b`, tile by tile; the error is that of float32 products. */
export async function* distanceTiles(a: Features, b: Features): AsyncGenerator<Tile> {
  const [x, y] = centred([a, b]);
  const [normsX, normsY] = [squaredNorms(x), squaredNorms(y)];
  for await (const tile of dotTiles(x, y)) {
    const { row, column, rows, columns, values } = tile;
    for (let i = 0; i < rows; i++) {
      const norm = normsX[row + i];
      const start = i * columns;
      for (let j = 0; j < columns; j++) {
        values[start + j] = Math.max(0, norm + normsY[column + j] - 2 * values[start + j]);
      }
    }
    yield tile;
  }
}

/** Squared distance of row i of `a` from row j of `b`, in float64. */
export function squaredDistance(a: Features, i: number, b: Features, j: number): number {
  const { size } = a;
  let sum = 0;
  for (let k = 0; k < size; k++) sum += (a.rows[i * size + k] - b.rows[j * size + k]) ** 2;
  return sum;
}
