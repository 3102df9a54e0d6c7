import * as tf from "@tensorflow/tfjs-core";
import { broadcastTo } from "../../src/ops/broadcast-to.ts";
import { broadcastAt, build, indices, type Nd, nd, offsetOf, sizeOf } from "../reference/nd.ts";
import type { InputSpec, OpCase } from "./case.ts";

/** Folds the values along `axes` into one for each other index. */
function reduceNd(x: Nd, axes: readonly number[], keepDims: boolean, f: (values: number[]) => number): Nd {
  const kept = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const groups = Array.from({ length: sizeOf(kept) }, () => [] as number[]);
  for (const index of indices(x.shape)) {
    const target = index.map((i, axis) => (axes.includes(axis) ? 0 : i));
    groups[offsetOf(kept, target)].push(x.data[offsetOf(x.shape, index)]);
  }
  return nd(keepDims ? kept : x.shape.filter((_, axis) => !axes.includes(axis)), groups.map(f));
}

type Reduce = (x: tf.Tensor, axis?: number[], keepDims?: boolean) => tf.Tensor;

function reducing(
  name: string,
  run: Reduce,
  f: (values: number[]) => number,
  input: InputSpec,
  axes: readonly number[],
  { keepDims = false, ...more }: Partial<OpCase> & { keepDims?: boolean } = {},
): OpCase {
  return {
    name: `${name} [${input.shape}] over [${axes}]${keepDims ? " kept" : ""}${input.dtype ? ` ${input.dtype}` : ""}`,
    inputs: [input],
    run: (x) => run(x, [...axes], keepDims),
    reference: (x) => reduceNd(x, axes, keepDims, f),
    reduction: 64,
    ...more,
  };
}

const total = (values: number[]): number => values.reduce((a, b) => a + b, 0);
const average = (values: number[]): number => total(values) / values.length;
const product = (values: number[]): number => values.reduce((a, b) => a * b, 1);
// Not Math.max(...values): the reference must also differentiate, one element at a time.
const greatest = (values: number[]): number =>
  values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
const least = (values: number[]): number => values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);

/** Shapes and axes that between them take every path: rows, columns, both, several passes, nothing. */
const plans: readonly (readonly [readonly number[], readonly number[]])[] = [
  [[], []],
  [[1], [0]],
  [[3], [0]],
  [[17], [0]],
  [[600], [0]],
  [[5, 7], [1]],
  [[5, 7], [0]],
  [
    [5, 7],
    [0, 1],
  ],
  [[40, 21], [0]],
  [[3, 70], [1]],
  [[5, 7], []],
  [
    [2, 5, 3, 7],
    [1, 2],
  ],
  [
    [2, 5, 3, 7],
    [0, 2],
  ],
  [
    [2, 5, 3, 7],
    [1, 3],
  ],
  [
    [2, 5, 3, 7],
    [0, 1, 2],
  ],
  [
    [2, 1, 3, 2, 3],
    [0, 2, 4],
  ],
  [[4, 1, 3], [1]],
  [[2, 0, 3], [1]],
  [[0, 3], [1]],
];

/** Distinct values well apart, so that an extremum does not change under a small nudge. */
const spread = (shape: readonly number[]): InputSpec => ({
  shape,
  values: Array.from({ length: sizeOf(shape) }, (_, i) => (((i * 37) % 101) - 50) / 50),
});

const broadcasts: readonly (readonly [readonly number[], readonly number[]])[] = [
  [[], [3, 2]],
  [[7], [5, 7]],
  [
    [5, 1],
    [5, 9],
  ],
  [
    [2, 1, 3, 1],
    [2, 4, 3, 5],
  ],
  [
    [3, 1],
    [3, 0],
  ],
];

export const cases: OpCase[] = [
  ...plans.flatMap(([shape, axes]) => [
    reducing("sum", tf.sum, total, { shape }, axes),
    reducing("mean", tf.mean, average, { shape }, axes, {
      keepDims: true,
      gradient: sizeOf(shape) === 0 ? [] : undefined,
    }),
    reducing("max", tf.max, greatest, spread(shape), axes, {
      gradient: sizeOf(shape) > 101 ? [] : undefined,
    }),
  ]),
  reducing("sum", tf.sum, total, { shape: [3, 5], dtype: "int32", range: [-9, 9] }, [0]),
  reducing("sum", tf.sum, total, { shape: [3, 35], dtype: "int32", range: [-9, 9] }, [1]),
  reducing("sum", tf.sum, total, { shape: [3, 5], dtype: "bool", range: [0, 2] }, [1]),
  reducing("mean", tf.mean, average, { shape: [3, 5], dtype: "int32", range: [-9, 9] }, [1]),
  reducing("min", tf.min, least, spread([4, 9]), [1], { keepDims: true }),
  reducing("min", tf.min, least, spread([4, 9]), [0]),
  reducing("max", tf.max, greatest, { shape: [4, 29], dtype: "int32", range: [-99, 99] }, [1]),
  reducing("prod", tf.prod, product, { shape: [4, 9], range: [0.5, 2] }, [1]),
  reducing("prod", tf.prod, product, { shape: [4, 9], range: [0.5, 2] }, [0]),
  ...[
    [1, 2, 3, 0, -1, 2],
    [0, 2, 0, 3, -1, 0],
    [2, -1, 0.5, 1, 3, 2],
  ].map((values) => reducing(`prod of ${values}`, tf.prod, product, { shape: [2, 3], values }, [1])),
  reducing("prod", tf.prod, product, { shape: [3, 2, 4], range: [0.5, 2] }, [2, 0], { keepDims: true }),
  reducing("prod", tf.prod, product, { shape: [2, 3], range: [0.5, 2] }, [0, 1]),
  reducing("all", tf.all, (v) => Math.min(...v), { shape: [9, 2], dtype: "bool", range: [0, 2] }, [1]),
  reducing("any", tf.any, (v) => Math.max(...v), { shape: [2, 9], dtype: "bool", range: [0, 2] }, [0]),
  reducing("max with NaN", tf.max, greatest, { shape: [3], values: [1, Number.NaN, 2] }, [0], {
    gradient: [],
  }),
  ...[0, 1, 2].flatMap((axis) => [
    reducing(
      "argMax",
      (x) => tf.argMax(x, axis),
      (v) => v.indexOf(greatest(v)),
      { shape: [3, 5, 4], range: [0, 9], dtype: "int32" },
      [axis],
    ),
    reducing(
      "argMin",
      (x) => tf.argMin(x, axis),
      (v) => v.indexOf(least(v)),
      { shape: [3, 5, 4] },
      [axis],
      { gradient: [] },
    ),
  ]),
  ...broadcasts.map(
    ([from, to]): OpCase => ({
      name: `broadcastTo [${from}] [${to}]`,
      inputs: [{ shape: from }],
      run: (x) => broadcastTo(x, to),
      reference: (x) => build(to, (index) => broadcastAt(x, index)),
      reduction: 40,
    }),
  ),
  {
    name: "variance by tf.moments [6,5]",
    inputs: [{ shape: [6, 5] }],
    run: (x) => tf.moments(x, [0]).variance,
    reference: (x) => reduceNd(x, [0], false, (v) => average(v.map((a) => a * a)) - average(v) ** 2),
    reduction: 40,
  },
];
