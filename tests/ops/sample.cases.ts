import * as tf from "@tensorflow/tfjs-core";
import { affineGrid, gridSample } from "../../src/ops/sample.ts";
import { build, type Nd, nd, offsetOf } from "../reference/nd.ts";
import type { OpCase } from "./case.ts";

/** Pixel of a picture; `beyond` outside. */
function pixel(x: Nd, n: number, row: number, col: number, c: number, beyond = 0): number {
  const [, height, width] = x.shape;
  const inside = row >= 0 && row < height && col >= 0 && col < width;
  return inside ? x.data[offsetOf(x.shape, [n, row, col, c])] : beyond;
}

function bilinear(x: Nd, n: number, row: number, col: number, c: number, beyond = 0): number {
  const [top, left] = [Math.floor(row), Math.floor(col)];
  const [v, h] = [row - top, col - left];
  const at = (i: number, j: number) => pixel(x, n, top + i, left + j, c, beyond);
  return (1 - v) * ((1 - h) * at(0, 0) + h * at(0, 1)) + v * ((1 - h) * at(1, 0) + h * at(1, 1));
}

function sampled(x: Nd, grid: Nd): Nd {
  const [batch, height, width, channels] = x.shape;
  const [grids, outHeight, outWidth] = grid.shape;
  return build([batch, outHeight, outWidth, channels], ([n, i, j, c]) => {
    const g = (axis: number) => grid.data[offsetOf(grid.shape, [grids === 1 ? 0 : n, i, j, axis])];
    return bilinear(x, n, ((g(1) + 1) * height - 1) / 2, ((g(0) + 1) * width - 1) / 2, c);
  });
}

/** Positions whose pixel coordinates keep clear of the kinks at whole numbers; some lie outside. */
function gridFor(shape: readonly number[], height: number, width: number): number[] {
  const n = shape.reduce((a, b) => a * b, 1);
  return Array.from({ length: n }, (_, i) => {
    const size = i % 2 === 0 ? width : height;
    const whole = ((i * 5) % (size + 2)) - 1;
    const position = whole + 0.2 + 0.6 * (((i * 7) % 10) / 10);
    return Math.fround((2 * position + 1) / size - 1);
  });
}

const shapes: readonly (readonly [number[], number[]])[] = [
  [
    [1, 1, 1, 1],
    [1, 2, 1, 2],
  ],
  [
    [2, 3, 4, 2],
    [2, 2, 3, 2],
  ],
  [
    [2, 4, 3, 9],
    [1, 3, 2, 2],
  ],
];

function affine(x: Nd, theta: Nd, size: readonly [number, number]): Nd {
  const grid = build([x.shape[0], ...size, 2], ([n, i, j, axis]) => {
    const t = theta.data.slice(n * 6 + axis * 3, n * 6 + axis * 3 + 3);
    return t[0] * ((2 * j + 1) / size[1] - 1) + t[1] * ((2 * i + 1) / size[0] - 1) + t[2];
  });
  return sampled(x, grid);
}

const maps = [0.9, 0.1, 0.05, -0.12, 1.1, 0.03, 0.7, -0.2, -0.1, 0.3, 0.8, 0.2];

/** TensorFlow's fill modes at whole positions, as its documentation draws them. */
function folded(at: number, size: number, mode: string): number {
  if (mode === "nearest") return Math.min(Math.max(at, 0), size - 1);
  if (mode === "constant") return at;
  const order = Array.from({ length: size }, (_, i) => i);
  const row = mode === "wrap" ? order : [...order, ...order.reverse()];
  return row[((at % row.length) + row.length) % row.length];
}

export const cases: OpCase[] = [
  ...shapes.map(
    ([x, grid]): OpCase => ({
      name: `gridSample [${x}] at [${grid}]`,
      inputs: [{ shape: x }, { shape: grid, values: gridFor(grid, x[1], x[2]) }],
      run: gridSample,
      reference: sampled,
      reduction: 40,
      tolerance: 1e-5,
    }),
  ),
  {
    name: "gridSample of an affine grid",
    inputs: [{ shape: [2, 4, 5, 2] }, { shape: [2, 2, 3], values: maps }],
    run: (x, theta) => gridSample(x, affineGrid(theta, [3, 4])),
    reference: (x, theta) => affine(x, theta, [3, 4]),
    tolerance: 1e-5,
  },
  {
    name: "gridSample of the identity's grid gives x",
    inputs: [{ shape: [2, 5, 6, 3] }],
    run: (x) => gridSample(x, affineGrid(tf.tensor3d([1, 0, 0, 0, 1, 0], [1, 2, 3]), [5, 6])),
    reference: (x) => x,
    tolerance: 1e-5,
  },
  ...(["constant", "reflect", "wrap", "nearest"] as const).map(
    (mode): OpCase => ({
      name: `transform by a shift of whole pixels, ${mode}`,
      inputs: [{ shape: [2, 4, 5, 2] }],
      run: (x) => tf.image.transform(x as tf.Tensor4D, [[1, 0, -3, 0, 1, 2, 0, 0]], "nearest", mode, 0.5),
      reference: (x) =>
        build(x.shape, ([n, i, j, c]) => pixel(x, n, folded(i + 2, 4, mode), folded(j - 3, 5, mode), c, 0.5)),
    }),
  ),
  {
    name: "transform by two projective maps, bilinear, to another size",
    inputs: [{ shape: [2, 4, 5, 2] }],
    run: (x) =>
      tf.image.transform(
        x as tf.Tensor4D,
        [
          [0.9, 0.2, 0.3, -0.1, 1.1, 0.2, 0.01, 0.02],
          [1.2, 0, -0.5, 0, 0.8, 0.4, 0, 0],
        ],
        "bilinear",
        "constant",
        0.25,
        [3, 6],
      ),
    reference: (x) => {
      const m = nd([2, 8], [0.9, 0.2, 0.3, -0.1, 1.1, 0.2, 0.01, 0.02, 1.2, 0, -0.5, 0, 0.8, 0.4, 0, 0]);
      return build([2, 3, 6, 2], ([n, i, j, c]) => {
        const [a, b, d, e, f, g, p, q] = m.data.slice(8 * n, 8 * n + 8);
        const depth = p * j + q * i + 1;
        return bilinear(x, n, (e * j + f * i + g) / depth, (a * j + b * i + d) / depth, c, 0.25);
      });
    },
    tolerance: 1e-5,
  },
  {
    name: "rotateWithOffset by a quarter turn",
    inputs: [{ shape: [2, 4, 4, 3] }],
    run: (x) => tf.image.rotateWithOffset(x as tf.Tensor4D, Math.PI / 2, [1, 2, 3]),
    reference: (x) => build(x.shape, ([n, i, j, c]) => pixel(x, n, j, 4 - i, c, c + 1)),
  },
  ...(["bilinear", "nearest"] as const).map(
    (method): OpCase => ({
      name: `cropAndResize ${method}`,
      inputs: [{ shape: [2, 5, 4, 3] }],
      run: (x) =>
        tf.image.cropAndResize(
          x as tf.Tensor4D,
          [
            [0.1, 0.2, 0.9, 0.8],
            [0, 0, 1, 1],
            [0.3, -0.5, 0.7, 0.6],
          ],
          [1, 0, 1],
          [3, 2],
          method,
          0.75,
        ),
      reference: (x) => {
        const boxes = [
          [0.1, 0.2, 0.9, 0.8],
          [0, 0, 1, 1],
          [0.3, -0.5, 0.7, 0.6],
        ].map((box) => box.map(Math.fround));
        return build([3, 3, 2, 3], ([box, i, j, c]) => {
          const [top, left, bottom, right] = boxes[box];
          const row = (top + (i * (bottom - top)) / 2) * 4;
          const col = (left + j * (right - left)) * 3;
          if (row < 0 || row > 4 || col < 0 || col > 3) return 0.75;
          const n = [1, 0, 1][box];
          return method === "bilinear"
            ? bilinear(x, n, row, col, c)
            : pixel(x, n, Math.round(row), Math.round(col), c);
        });
      },
      tolerance: 1e-5,
    }),
  ),
];
