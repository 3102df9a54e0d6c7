import * as tf from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { useBuild } from "../builds.ts";
import { broadcastAt, build, indices, nd, offsetOf, sizeOf } from "../reference/nd.ts";
import { checkNoLeak, random } from "./check.ts";

beforeAll(useBuild);

const settings = { seed: 20_140_610, numRuns: 120 };

const within = (min: number, max: number) => fc.integer({ min, max });
/** Sizes among which 0 and 1 are frequent. */
const size = fc.oneof(within(0, 1), within(1, 6));

/** Two shapes that broadcast: axes of 1 at random, one shape perhaps without its first axes. */
const broadcasting = fc
  .array(fc.tuple(size, fc.constantFrom("both", "first", "second")), { maxLength: 5 })
  .chain((axes) =>
    fc.record({
      a: fc.constant(axes.map(([n, which]) => (which === "second" ? 1 : n))),
      b: within(0, axes.length).map((cut) =>
        axes.map(([n, which]) => (which === "first" ? 1 : n)).slice(cut),
      ),
    }),
  );

const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
const special = [nan, infinity, -infinity, 0, -0, 1, -1, 0.5, -2.5, 1e-40, -1e-40, 3e38, -3e38, 17];

/** Equal as float32 to a few ulp; NaN and infinities exactly. */
function expectSame(what: string, actual: number, exact: number): void {
  const expected = Math.fround(exact);
  const same =
    actual === expected ||
    (Number.isNaN(actual) && Number.isNaN(expected)) ||
    (Number.isFinite(actual) &&
      Number.isFinite(expected) &&
      Math.abs(actual - expected) <= 1e-6 * Math.abs(expected) + 1e-44);
  if (!same) throw new Error(`${what}: expected ${expected}, got ${actual}`);
}

type Binary = readonly [
  name: string,
  run: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor,
  exact: (a: number, b: number) => number,
];

const binaries: readonly Binary[] = [
  ["add", tf.add, (a, b) => a + b],
  ["sub", tf.sub, (a, b) => a - b],
  ["mul", tf.mul, (a, b) => a * b],
  ["div", tf.div, (a, b) => a / b],
  ["maximum", tf.maximum, Math.max],
  ["minimum", tf.minimum, Math.min],
  ["squaredDifference", tf.squaredDifference, (a, b) => Math.fround(a - b) ** 2],
  ["greater", tf.greater, (a, b) => Number(a > b)],
  ["greaterEqual", tf.greaterEqual, (a, b) => Number(a >= b)],
  ["less", tf.less, (a, b) => Number(a < b)],
  ["lessEqual", tf.lessEqual, (a, b) => Number(a <= b)],
  ["equal", tf.equal, (a, b) => Number(a === b)],
  ["notEqual", tf.notEqual, (a, b) => Number(a !== b)],
];

type Unary = readonly [name: string, run: (x: tf.Tensor) => tf.Tensor, exact: (x: number) => number];

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

const unaries: readonly Unary[] = [
  ["abs", tf.abs, Math.abs],
  ["neg", tf.neg, (x) => -x],
  ["square", tf.square, (x) => x * x],
  ["sqrt", tf.sqrt, Math.sqrt],
  ["rsqrt", tf.rsqrt, (x) => 1 / Math.sqrt(x)],
  ["reciprocal", tf.reciprocal, (x) => 1 / x],
  ["exp", tf.exp, Math.exp],
  ["expm1", tf.expm1, Math.expm1],
  ["log", tf.log, Math.log],
  ["log1p", tf.log1p, Math.log1p],
  ["tanh", tf.tanh, Math.tanh],
  ["sigmoid", tf.sigmoid, sigmoid],
  ["softplus", tf.softplus, (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))],
  ["relu", tf.relu, (x) => Math.max(x, 0)],
  ["relu6", tf.relu6, (x) => Math.min(Math.max(x, 0), 6)],
  ["leakyRelu", (x) => tf.leakyRelu(x, 0.25), (x) => (x > 0 ? x : 0.25 * x)],
  ["elu", tf.elu, (x) => (x > 0 ? x : Math.expm1(x))],
  ["clipByValue", (x) => tf.clipByValue(x, -2, 3), (x) => Math.min(Math.max(x, -2), 3)],
  ["floor", tf.floor, Math.floor],
  ["ceil", tf.ceil, Math.ceil],
  ["isNaN", tf.isNaN, (x) => Number(Number.isNaN(x))],
  ["isFinite", tf.isFinite, (x) => Number(Number.isFinite(x))],
  ["isInf", tf.isInf, (x) => Number(Math.abs(x) === infinity)],
];

describe("NaN, infinities, zeros and subnormals pass as IEEE 754 says, wherever they stand, through", () => {
  // Once by the vector loop, once by the rest: 14 values, then one more at a time.
  const rows = special.map((_, i) => [...special, ...special.slice(0, i)]);

  for (const [name, run, exact] of unaries) {
    it(name, () =>
      checkNoLeak(async () =>
        tf.tidy(() => {
          for (const row of rows) {
            const y = run(tf.tensor1d(row)).dataSync();
            for (const [i, x] of row.entries()) expectSame(`${name}(${x})`, y[i], exact(Math.fround(x)));
          }
        }),
      ),
    );
  }

  for (const [name, run, exact] of binaries) {
    it(`${name}, each with each`, () =>
      checkNoLeak(async () =>
        tf.tidy(() => {
          const [column, row] = [tf.tensor2d(special, [special.length, 1]), tf.tensor1d(special)];
          const tables = [
            run(column, row),
            run(tf.tile(column, [1, special.length]), tf.tile(tf.expandDims(row, 0), [special.length, 1])),
          ];
          for (const y of tables.map((table) => table.dataSync())) {
            for (const [i, a] of special.entries()) {
              for (const [j, b] of special.entries()) {
                const wanted = exact(Math.fround(a), Math.fround(b));
                expectSame(`${name}(${a}, ${b})`, y[i * special.length + j], wanted);
              }
            }
          }
        }),
      ));
  }

  const reductions = {
    sum: tf.sum,
    mean: tf.mean,
    max: tf.max,
    min: tf.min,
    logSumExp: tf.logSumExp,
    softmax: (x: tf.Tensor) => tf.softmax(x),
    "matMul with ones": (x: tf.Tensor) => tf.matMul(x as tf.Tensor2D, tf.ones([9, 3])),
  };
  for (const [name, run] of Object.entries(reductions)) {
    it(`a NaN anywhere in a row of ${name}, and only in that row`, () =>
      tf.tidy(() => {
        for (let at = 0; at < 9; at++) {
          const values = Array.from({ length: 18 }, (_, i) => (i === at ? nan : i / 18));
          const [bad, good] = tf.split(tf.reshape(run(tf.tensor2d(values, [2, 9]), 1), [2, -1]), 2, 0);
          expect([...bad.dataSync()].every(Number.isNaN), `at ${at}`).toBe(true);
          expect([...good.dataSync()].every(Number.isFinite), `at ${at}`).toBe(true);
        }
      }));
  }
});

describe("operands of any shapes that broadcast, empty and single axes among them", () => {
  for (const [name, run, exact] of binaries) {
    it(`${name} gives what each pair of elements gives, and gradients of the operands' shapes`, () =>
      checkNoLeak(async () => {
        fc.assert(
          fc.property(broadcasting, ({ a, b }) =>
            tf.tidy(() => {
              const next = random(JSON.stringify([a, b]));
              const [left, right] = [a, b].map((shape) =>
                nd(
                  shape,
                  Array.from({ length: sizeOf(shape) }, () => Math.floor(next() * 7) - 3),
                ),
              );
              const [x, y] = [left, right].map(({ data, shape }) =>
                tf.tensor(Float32Array.from(data), [...shape]),
              );
              const shape = tf.backend_util.assertAndGetBroadcastShape(a, b);
              const result = run(x, y);
              expect(result.shape).toEqual(shape);
              const values = result.dataSync();
              const expected = build(shape, (index) =>
                exact(broadcastAt(left, index), broadcastAt(right, index)),
              );
              for (let i = 0; i < values.length; i++) expectSame(`element ${i}`, values[i], expected.data[i]);
              if (result.dtype !== "float32") return;
              const gradients = tf.grads((u: tf.Tensor, v: tf.Tensor) => run(u, v))([x, y]);
              expect(gradients.map((gradient) => gradient.shape)).toEqual([a, b]);
            }),
          ),
          settings,
        );
      }));
  }
});

describe("reductions over any axes, empty and single ones among them", () => {
  const reductions: readonly (readonly [
    name: string,
    run: (x: tf.Tensor, axes: number[], keep: boolean) => tf.Tensor,
    start: number,
    step: (sum: number, value: number) => number,
    finish?: (sum: number, count: number) => number,
  ])[] = [
    ["sum", tf.sum, 0, (sum, value) => sum + value],
    ["mean", tf.mean, 0, (sum, value) => sum + value, (sum, count) => sum / count],
    ["max", tf.max, -infinity, Math.max],
    ["min", tf.min, infinity, Math.min],
  ];
  const shaped = fc
    .array(size, { maxLength: 5 })
    .chain((shape) =>
      fc.record({ shape: fc.constant(shape), axes: fc.subarray([...shape.keys()]), keep: fc.boolean() }),
    );

  for (const [name, run, start, step, finish = (sum: number) => sum] of reductions) {
    it(`${name} gives the reference's values and shape`, () =>
      checkNoLeak(async () => {
        fc.assert(
          fc.property(shaped, ({ shape, axes, keep }) =>
            tf.tidy(() => {
              const next = random(JSON.stringify(shape));
              const x = nd(
                shape,
                Array.from({ length: sizeOf(shape) }, () => Math.floor(next() * 9) - 4),
              );
              const over = axes.length === 0 ? [...shape.keys()] : axes;
              const kept = shape.map((n, axis) => (over.includes(axis) ? 1 : n));
              const expected = nd(kept, new Array(sizeOf(kept)).fill(start));
              for (const index of indices(shape)) {
                const to = offsetOf(
                  kept,
                  index.map((i, axis) => (over.includes(axis) ? 0 : i)),
                );
                expected.data[to] = step(expected.data[to], x.data[offsetOf(shape, index)]);
              }
              const count = over.reduce((product, axis) => product * shape[axis], 1);
              const result = run(
                tf.tensor(Float32Array.from(x.data), [...shape]),
                axes.length === 0 ? (undefined as never) : axes,
                keep,
              );
              expect(result.shape).toEqual(keep ? kept : kept.filter((_, axis) => !over.includes(axis)));
              for (const [i, value] of result.dataSync().entries()) {
                expectSame(`element ${i}`, value, finish(expected.data[i], count));
              }
            }),
          ),
          settings,
        );
      }));
  }
});
