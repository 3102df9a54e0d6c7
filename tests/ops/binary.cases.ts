import * as tf from "@tensorflow/tfjs-core";
import { broadcastAt, broadcastShape, build, nd } from "../reference/nd.ts";
import type { InputSpec, OpCase } from "./case.ts";

type F = (a: number, b: number) => number;
type Run = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;

const both = (name: string, run: Run, f: F, a: InputSpec, b: InputSpec, more?: Partial<OpCase>): OpCase => ({
  name: `${name} [${a.shape}] [${b.shape}]${a.dtype ? ` ${a.dtype}` : ""}`,
  inputs: [a, b],
  run,
  reference: (x, y) =>
    build(broadcastShape(x.shape, y.shape), (index) => f(broadcastAt(x, index), broadcastAt(y, index))),
  reduction: 40,
  ...more,
});

/** Pairs of shapes that between them take every path through a broadcast. */
const shapes: readonly (readonly [readonly number[], readonly number[]])[] = [
  [[], []],
  [[1], []],
  [[], [7]],
  [[17], [17]],
  [[5, 9], [9]],
  [
    [5, 1],
    [5, 9],
  ],
  [
    [5, 1],
    [1, 9],
  ],
  [[1], [3, 2]],
  [
    [2, 3, 4, 5],
    [4, 1],
  ],
  [
    [2, 1, 4, 1],
    [1, 3, 1, 5],
  ],
  [
    [2, 1, 3, 1, 5],
    [1, 4, 3, 2, 1],
  ],
  [
    [2, 3, 3],
    [2, 1, 3],
  ],
  [[0, 3], [3]],
  [
    [2, 0],
    [1, 1],
  ],
];

const floats: readonly (readonly [string, Run, F, Partial<InputSpec>?, Partial<InputSpec>?])[] = [
  ["add", tf.add, (a, b) => a + b],
  ["sub", tf.sub, (a, b) => a - b],
  ["mul", tf.mul, (a, b) => a * b],
  ["div", tf.div, (a, b) => a / b, {}, { range: [0.5, 2] }],
  ["mod", tf.mod, (a, b) => a - b * Math.floor(a / b), { range: [1.1, 1.9] }, { range: [1.95, 2.5] }],
  ["pow", tf.pow, (a, b) => a ** b, { range: [0.5, 2] }, { range: [-2, 3] }],
  ["maximum", tf.maximum, Math.max, { range: [0.1, 0.9] }, { range: [-0.9, 0] }],
  ["maximum", tf.maximum, Math.max, { range: [-0.9, 0] }, { range: [0.1, 0.9] }],
  ["minimum", tf.minimum, Math.min, { range: [0.1, 0.9] }, { range: [-0.9, 0] }],
  ["minimum", tf.minimum, Math.min, { range: [-0.9, 0] }, { range: [0.1, 0.9] }],
  ["squaredDifference", tf.squaredDifference, (a, b) => (a - b) ** 2],
  ["atan2", tf.atan2, Math.atan2, { range: [0.5, 2] }, { range: [-2, 2] }],
  ["prelu", tf.prelu, (a, b) => (a > 0 ? a : a * b), { away: 0.05 }, {}],
];

const comparisons: readonly (readonly [string, Run, F])[] = [
  ["equal", tf.equal, (a, b) => Number(a === b)],
  ["notEqual", tf.notEqual, (a, b) => Number(a !== b)],
  ["greater", tf.greater, (a, b) => Number(a > b)],
  ["greaterEqual", tf.greaterEqual, (a, b) => Number(a >= b)],
  ["less", tf.less, (a, b) => Number(a < b)],
  ["lessEqual", tf.lessEqual, (a, b) => Number(a <= b)],
];

const ints: readonly (readonly [string, Run, F])[] = [
  ["add", tf.add, (a, b) => a + b],
  ["sub", tf.sub, (a, b) => a - b],
  ["mul", tf.mul, (a, b) => a * b],
  ["div", tf.div, (a, b) => (b === 0 ? 0 : Math.floor(a / b))],
  ["mod", tf.mod, (a, b) => (b === 0 ? 0 : a - b * Math.floor(a / b))],
  ["maximum", tf.maximum, Math.max],
  ["minimum", tf.minimum, Math.min],
  ["squaredDifference", tf.squaredDifference, (a, b) => (a - b) ** 2],
];

const table = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, 2, -3];
const edges = (name: string, run: Run, f: F): OpCase =>
  both(
    `${name} at NaN and infinities`,
    run,
    f,
    { shape: [7, 1], values: table },
    { shape: [1, 7], values: table },
    {
      gradient: [],
    },
  );

export const cases: OpCase[] = [
  ...shapes.flatMap(([a, b]) => [
    both("mul", tf.mul, (x, y) => x * y, { shape: a }, { shape: b }),
    both("sub", tf.sub, (x, y) => x - y, { shape: a }, { shape: b }),
  ]),
  ...floats.flatMap(([name, run, f, a, b]) => [
    both(name, run, f, { shape: [13], ...a }, { shape: [13], ...b }),
    both(name, run, f, { shape: [3, 1, 5], ...a }, { shape: [4, 1], ...b }),
  ]),
  both(
    "floorDiv",
    tf.floorDiv,
    (a, b) => Math.floor(a / b),
    { shape: [19], range: [-9, 9] },
    { shape: [], range: [2, 3] },
    {
      gradient: [],
    },
  ),
  both(
    "mod of mixed signs",
    tf.mod,
    (a, b) => a - b * Math.floor(a / b),
    { shape: [40], range: [-9, 9] },
    { shape: [40], range: [-2, 2], away: 0.5 },
    {
      gradient: [],
    },
  ),
  ...comparisons.flatMap(([name, run, f]) => [
    both(
      name,
      run,
      f,
      { shape: [6, 1], dtype: "int32", range: [-3, 3] },
      { shape: [19], dtype: "int32", range: [-3, 3] },
    ),
    both(
      name,
      run,
      f,
      { shape: [3, 17], dtype: "bool", range: [0, 2] },
      { shape: [17], dtype: "bool", range: [0, 2] },
    ),
    both(name, run, f, { shape: [9, 1] }, { shape: [21] }, { gradient: [] }),
    edges(name, run, f),
  ]),
  both(
    "logicalAnd",
    tf.logicalAnd,
    (a, b) => a * b,
    { shape: [5, 1], dtype: "bool", range: [0, 2] },
    { shape: [19], dtype: "bool", range: [0, 2] },
  ),
  both(
    "logicalOr",
    tf.logicalOr,
    Math.max,
    { shape: [23], dtype: "bool", range: [0, 2] },
    { shape: [23], dtype: "bool", range: [0, 2] },
  ),
  ...ints.map(([name, run, f]) =>
    both(
      name,
      run,
      f,
      { shape: [5, 7], dtype: "int32", range: [-9, 9] },
      { shape: [7], dtype: "int32", range: [-4, 5] },
    ),
  ),
  both(
    "pow",
    tf.pow,
    (a, b) => a ** b,
    { shape: [8], dtype: "int32", range: [-4, 5] },
    { shape: [8], dtype: "int32", range: [0, 6] },
  ),
  edges("atan2", tf.atan2, Math.atan2),
  both(
    "bitwiseAnd",
    tf.bitwiseAnd,
    (a, b) => a & b,
    { shape: [5, 7], dtype: "int32", range: [-99, 99] },
    { shape: [5, 7], dtype: "int32", range: [-99, 99] },
  ),
  both(
    "logicalXor",
    tf.logicalXor,
    (a, b) => Number(a !== b),
    { shape: [23], dtype: "bool", range: [0, 2] },
    { shape: [23], dtype: "bool", range: [0, 2] },
  ),
  both(
    "prelu with integers",
    tf.prelu,
    (a, b) => (a > 0 ? a : a * b),
    { shape: [3, 5], dtype: "int32", range: [-9, 9] },
    { shape: [5] },
  ),
  edges("add", tf.add, (a, b) => a + b),
  edges("mul", tf.mul, (a, b) => a * b),
  edges("maximum", tf.maximum, Math.max),
  edges("div", tf.div, (a, b) => a / b),
  {
    name: "addN of three [3,7]",
    inputs: [{ shape: [3, 7] }, { shape: [3, 7] }, { shape: [3, 7] }],
    run: (...xs) => tf.addN(xs),
    reference: (a, b, c) =>
      nd(
        a.shape,
        a.data.map((v, i) => v + b.data[i] + c.data[i]),
      ),
  },
  {
    name: "addN of one [5]",
    inputs: [{ shape: [5] }],
    run: (x) => tf.addN([x]),
    reference: (x) => x,
  },
  {
    name: "x·x + x, one operand twice",
    inputs: [{ shape: [11] }],
    run: (x) => tf.add(tf.mul(x, x), x),
    reference: (x) =>
      nd(
        x.shape,
        x.data.map((v) => v * v + v),
      ),
  },
];
