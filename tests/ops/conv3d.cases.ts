import * as tf from "@tensorflow/tfjs-core";
import { spread } from "../reference/movement.ts";
import { build, indices, type Nd, nd, offsetOf } from "../reference/nd.ts";
import type { OpCase } from "./case.ts";

/** Along one axis: number of results, and the input index of a result's tap. */
interface Along {
  readonly count: number;
  readonly at: (i: number, tap: number) => number;
}

function along(size: number, taps: number, stride: number, dilation: number, pad: string): Along {
  const covered = (taps - 1) * dilation + 1;
  const count = pad === "same" ? Math.ceil(size / stride) : Math.floor((size - covered) / stride) + 1;
  const before = pad === "same" ? Math.floor(Math.max(0, (count - 1) * stride + covered - size) / 2) : 0;
  return { count, at: (i, tap) => i * stride + tap * dilation - before };
}

const axesOf = (x: Nd, taps: readonly number[], stride: readonly number[], dilation: number, pad: string) =>
  [0, 1, 2].map((axis) => along(x.shape[axis + 1], taps[axis], stride[axis], dilation, pad));

/** Visits every product of the definition: offsets of x, filter and y. */
function products(
  x: Nd,
  filter: Nd,
  yShape: readonly number[],
  axes: readonly Along[],
  visit: (x: number, filter: number, y: number) => void,
): void {
  for (const index of indices(yShape)) {
    const [n, d, i, j, o] = index;
    for (const [p, q, r, c] of indices(filter.shape.slice(0, 4))) {
      const at = [axes[0].at(d, p), axes[1].at(i, q), axes[2].at(j, r)];
      if (at.some((k, axis) => k < 0 || k >= x.shape[axis + 1])) continue;
      visit(
        offsetOf(x.shape, [n, ...at, c]),
        offsetOf(filter.shape, [p, q, r, c, o]),
        offsetOf(yShape, index),
      );
    }
  }
}

type Convolution = readonly [number[], number[], readonly [number, number, number], number, "same" | "valid"];

const convolutions: readonly Convolution[] = [
  [[1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 1], 1, "valid"],
  [[1, 3, 4, 3, 2], [2, 3, 2, 2, 3], [1, 1, 1], 1, "same"],
  [[2, 5, 3, 4, 1], [3, 2, 2, 1, 2], [2, 1, 2], 1, "same"],
  [[1, 4, 5, 3, 2], [2, 3, 1, 2, 1], [2, 2, 1], 1, "valid"],
  [[1, 5, 5, 4, 2], [2, 2, 2, 2, 2], [1, 1, 1], 2, "valid"],
];

const pools: readonly (readonly [
  number[],
  [number, number, number],
  [number, number, number],
  "same" | "valid",
])[] = [
  [[1, 2, 2, 2, 1], [2, 2, 2], [2, 2, 2], "valid"],
  [[2, 3, 4, 5, 2], [2, 3, 2], [1, 2, 2], "same"],
  [[1, 5, 3, 4, 3], [3, 2, 2], [2, 1, 2], "valid"],
];

function pooled(
  x: Nd,
  size: readonly number[],
  stride: readonly number[],
  pad: string,
  f: (values: number[]) => number,
): Nd {
  const axes = axesOf(x, size, stride, 1, pad);
  return build([x.shape[0], ...axes.map(({ count }) => count), x.shape[4]], ([n, d, i, j, c]) => {
    const values: number[] = [];
    for (const [p, q, r] of indices(size)) {
      const at = [axes[0].at(d, p), axes[1].at(i, q), axes[2].at(j, r)];
      if (at.every((k, axis) => k >= 0 && k < x.shape[axis + 1])) {
        values.push(x.data[offsetOf(x.shape, [n, ...at, c])]);
      }
    }
    return f(values);
  });
}

export const cases: OpCase[] = [
  ...convolutions.map(
    ([shape, filterShape, stride, dilation, pad]): OpCase => ({
      name: `conv3d [${shape}] [${filterShape}] stride ${stride} dilation ${dilation} ${pad}`,
      inputs: [{ shape }, { shape: filterShape }],
      run: (x, filter) =>
        tf.conv3d(x as tf.Tensor5D, filter as tf.Tensor5D, [...stride], pad, "NDHWC", [
          dilation,
          dilation,
          dilation,
        ]),
      reference: (x, filter) => {
        const axes = axesOf(x, filter.shape, stride, dilation, pad);
        const y = nd([x.shape[0], ...axes.map(({ count }) => count), filter.shape[4]]);
        products(x, filter, y.shape, axes, (a, b, c) => {
          y.data[c] += x.data[a] * filter.data[b];
        });
        return y;
      },
      reduction: 64,
    }),
  ),
  {
    name: "conv3dTranspose [1,2,2,3,2] to [1,4,3,6,3]",
    inputs: [{ shape: [1, 2, 2, 3, 2] }, { shape: [3, 2, 2, 3, 2] }],
    run: (x, filter) =>
      tf.conv3dTranspose(x as tf.Tensor5D, filter as tf.Tensor5D, [1, 4, 3, 6, 3], [2, 2, 2], "same"),
    reference: (dy, filter) => {
      const dx = nd([1, 4, 3, 6, 3]);
      const axes = axesOf(dx, filter.shape, [2, 2, 2], 1, "same");
      products(dx, filter, dy.shape, axes, (a, b, c) => {
        dx.data[a] += dy.data[c] * filter.data[b];
      });
      return dx;
    },
    reduction: 64,
  },
  ...pools.flatMap(([shape, size, stride, pad]): OpCase[] => [
    {
      name: `avgPool3d [${shape}] by [${size}] stride ${stride} ${pad}`,
      inputs: [{ shape }],
      run: (x) => tf.avgPool3d(x as tf.Tensor5D, size, stride, pad),
      reference: (x) =>
        pooled(x, size, stride, pad, (values) => values.reduce((a, b) => a + b, 0) / values.length),
      reduction: 12,
    },
    {
      name: `maxPool3d [${shape}] by [${size}] stride ${stride} ${pad}`,
      inputs: [{ shape, values: spread(shape) }],
      run: (x) => tf.maxPool3d(x as tf.Tensor5D, size, stride, pad),
      reference: (x) => pooled(x, size, stride, pad, (values) => Math.max(...values)),
    },
  ]),
  {
    name: "conv1d [2,7,3] [3,3,2] stride 2",
    inputs: [{ shape: [2, 7, 3] }, { shape: [3, 3, 2] }],
    run: (x, filter) => tf.conv1d(x as tf.Tensor3D, filter as tf.Tensor3D, 2, "same"),
    reference: (x, filter) =>
      build([2, 4, 2], ([n, i, o]) => {
        let sum = 0;
        for (const [tap, c] of indices([3, 3])) {
          const at = 2 * i + tap - 1;
          if (at < 0 || at >= 7) continue;
          sum += x.data[offsetOf(x.shape, [n, at, c])] * filter.data[offsetOf(filter.shape, [tap, c, o])];
        }
        return sum;
      }),
    reduction: 9,
  },
];
