import * as tf from "@tensorflow/tfjs-core";
import { nd } from "../reference/nd.ts";
import type { InputSpec, OpCase } from "./case.ts";

interface UnaryCase {
  readonly name: string;
  readonly run: (x: tf.Tensor) => tf.Tensor;
  readonly f: (x: number) => number;
  readonly range?: readonly [number, number];
  readonly away?: number;
  readonly tolerance?: number;
  /** Piecewise constant: no second derivative to take. */
  readonly flat?: boolean;
}

/** erf by its Taylor series, good for |x| < 3. */
function erf(x: number): number {
  let sum = 0;
  let term = x;
  for (let n = 0; n < 80; n++) {
    sum += term / (2 * n + 1);
    term *= -(x * x) / (n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

const elu = (x: number): number => (x > 0 ? x : Math.expm1(x));

const functions: readonly UnaryCase[] = [
  { name: "abs", run: tf.abs, f: Math.abs, away: 0.1 },
  { name: "neg", run: tf.neg, f: (x) => -x },
  { name: "square", run: tf.square, f: (x) => x * x },
  { name: "sqrt", run: tf.sqrt, f: Math.sqrt, range: [0.5, 4] },
  { name: "rsqrt", run: tf.rsqrt, f: (x) => 1 / Math.sqrt(x), range: [0.5, 4] },
  { name: "reciprocal", run: tf.reciprocal, f: (x) => 1 / x, range: [0.5, 2] },
  { name: "exp", run: tf.exp, f: Math.exp, range: [-2, 2] },
  { name: "expm1", run: tf.expm1, f: Math.expm1, range: [-2, 2] },
  { name: "log", run: tf.log, f: Math.log, range: [0.5, 3] },
  { name: "log1p", run: tf.log1p, f: Math.log1p, range: [-0.4, 2] },
  { name: "tanh", run: tf.tanh, f: Math.tanh, range: [-3, 3] },
  { name: "sigmoid", run: tf.sigmoid, f: (x) => 1 / (1 + Math.exp(-x)), range: [-4, 4] },
  { name: "softplus", run: tf.softplus, f: (x) => Math.log1p(Math.exp(x)), range: [-4, 4] },
  { name: "erf", run: tf.erf, f: erf, range: [-2, 2] },
  { name: "relu", run: tf.relu, f: (x) => Math.max(x, 0), away: 0.05 },
  { name: "relu6", run: tf.relu6, f: (x) => Math.min(Math.max(x, 0), 6), range: [-1, 5.9], away: 0.05 },
  { name: "leakyRelu", run: (x) => tf.leakyRelu(x, 0.3), f: (x) => (x > 0 ? x : 0.3 * x), away: 0.05 },
  { name: "elu", run: tf.elu, f: elu, range: [-2, 2], away: 0.05 },
  {
    name: "selu",
    run: tf.selu,
    f: (x) => (x > 0 ? 1.0507009873554805 * x : 1.7580993408473768 * Math.expm1(x)),
    range: [-2, 2],
    away: 0.05,
  },
  {
    name: "clipByValue",
    run: (x) => tf.clipByValue(x, -0.02, 0.02),
    f: (x) => Math.min(Math.max(x, -0.02), 0.02),
    away: 0.1,
  },
  { name: "sin", run: tf.sin, f: Math.sin, range: [-3, 3] },
  { name: "cos", run: tf.cos, f: Math.cos, range: [-3, 3] },
  { name: "tan", run: tf.tan, f: Math.tan, range: [-1.2, 1.2], tolerance: 1e-5 },
  { name: "asin", run: tf.asin, f: Math.asin, range: [-0.8, 0.8], tolerance: 1e-5 },
  { name: "acos", run: tf.acos, f: Math.acos, range: [-0.8, 0.8], tolerance: 1e-5 },
  { name: "atan", run: tf.atan, f: Math.atan, range: [-3, 3] },
  { name: "sinh", run: tf.sinh, f: Math.sinh, range: [-2, 2] },
  { name: "cosh", run: tf.cosh, f: Math.cosh, range: [-2, 2] },
  { name: "asinh", run: tf.asinh, f: Math.asinh, range: [-3, 3] },
  { name: "acosh", run: tf.acosh, f: Math.acosh, range: [1.3, 4], tolerance: 1e-5 },
  { name: "atanh", run: tf.atanh, f: Math.atanh, range: [-0.8, 0.8], tolerance: 1e-5 },
  {
    name: "swish by way of tf.sigmoid",
    run: (x) => tf.mul(x, tf.sigmoid(x)),
    f: (x) => x / (1 + Math.exp(-x)),
    range: [-4, 4],
  },
  { name: "sign", run: tf.sign, f: Math.sign, flat: true },
  { name: "step", run: (x) => tf.step(x, 0.5), f: (x) => (x > 0 ? 1 : 0.5), flat: true },
  { name: "floor", run: tf.floor, f: Math.floor, range: [-4, 4], flat: true },
  { name: "ceil", run: tf.ceil, f: Math.ceil, range: [-4, 4], flat: true },
];

const sizes: readonly (readonly number[])[] = [[], [1], [3], [5, 7], [2, 3, 11], [0, 4]];

function ofSize(shape: readonly number[], { name, run, f, range, away, tolerance, flat }: UnaryCase): OpCase {
  return {
    name: `${name} [${shape}]`,
    inputs: [{ shape, range, away }],
    run,
    reference: (x) => nd(x.shape, x.data.map(f)),
    tolerance,
    gradient: flat ? [] : undefined,
  };
}

const special: readonly number[] = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  1.5,
  2.5,
  -1.5,
  -2.5,
  1e-45,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  Number.NaN,
];

const roundHalfEven = (x: number): number => {
  const low = Math.floor(x);
  if (!Number.isFinite(x) || x === low) return x;
  const rest = x - low;
  if (rest !== 0.5) return Math.round(x);
  return low % 2 === 0 ? low : low + 1;
};

/** Special values: one input of every kind, no gradient. */
function atSpecialValues(name: string, run: (x: tf.Tensor) => tf.Tensor, f: (x: number) => number): OpCase {
  const input: InputSpec = { shape: [special.length], values: special.map(Math.fround) };
  return {
    name: `${name} of zeros, halves, infinities and NaN`,
    inputs: [input],
    run,
    reference: (x) => nd(x.shape, x.data.map(f)),
    gradient: [],
  };
}

const int = (name: string, run: (x: tf.Tensor) => tf.Tensor, f: (x: number) => number): OpCase => ({
  name: `${name} of int32`,
  inputs: [{ shape: [3, 5], dtype: "int32", range: [-20, 20] }],
  run,
  reference: (x) => nd(x.shape, x.data.map(f)),
});

export const cases: OpCase[] = [
  ...functions.flatMap((f) => [sizes.at(3)!, [17]].map((shape) => ofSize(shape, f))),
  ...sizes.flatMap((shape) => [
    ofSize(shape, functions.find(({ name }) => name === "tanh")!),
    ofSize(shape, functions.find(({ name }) => name === "leakyRelu")!),
  ]),
  ofSize([3, 1000], functions.find(({ name }) => name === "sigmoid")!),
  atSpecialValues("round", tf.round, roundHalfEven),
  atSpecialValues("isNaN", tf.isNaN, (x) => (Number.isNaN(x) ? 1 : 0)),
  atSpecialValues("isFinite", tf.isFinite, (x) => (Number.isFinite(x) ? 1 : 0)),
  atSpecialValues("isInf", tf.isInf, (x) => (Math.abs(x) === Number.POSITIVE_INFINITY ? 1 : 0)),
  atSpecialValues("relu", tf.relu, (x) => Math.max(x, 0)),
  atSpecialValues(
    "leakyRelu",
    (x) => tf.leakyRelu(x, 0.25),
    (x) => (x > 0 ? x : 0.25 * x),
  ),
  atSpecialValues("floor", tf.floor, Math.floor),
  atSpecialValues("abs", tf.abs, Math.abs),
  atSpecialValues("sqrt", tf.sqrt, Math.sqrt),
  int("abs", tf.abs, Math.abs),
  int("neg", tf.neg, (x) => -x),
  int("round", tf.round, (x) => x),
  int("sign", tf.sign, Math.sign),
  int(
    "step",
    (x) => tf.step(x, 3),
    (x) => (x > 0 ? 1 : 3),
  ),
  int("square", tf.square, (x) => x * x),
  int("relu", tf.relu, (x) => Math.max(x, 0)),
  int(
    "clipByValue",
    (x) => tf.clipByValue(x, -3, Number.POSITIVE_INFINITY),
    (x) => Math.max(x, -3),
  ),
  ...[tf.asin, tf.acosh, tf.atanh, tf.atan, tf.asinh, tf.cosh, tf.sinh].map((run, i) => {
    const name = ["asin", "acosh", "atanh", "atan", "asinh", "cosh", "sinh"][i] as "asin";
    return atSpecialValues(name, run, Math[name]);
  }),
  {
    name: "logicalNot [17]",
    inputs: [{ shape: [17], dtype: "bool", range: [0, 2] }],
    run: tf.logicalNot,
    reference: (x) =>
      nd(
        x.shape,
        x.data.map((v) => 1 - v),
      ),
  },
  {
    name: "logSigmoid [17] of what the gradient computes, which TensorFlow.js does not save",
    inputs: [{ shape: [17], range: [-4, 4] }],
    run: (x) => tf.logSigmoid(tf.mul(x, 1)),
    reference: (x) =>
      nd(
        x.shape,
        x.data.map((v) => -Math.log1p(Math.exp(-v))),
      ),
  },
];
