import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { currentBackend } from "../../src/backend/backend.ts";
import { useBuild } from "../builds.ts";
import { checkNoLeak, expectClose, random } from "../ops/check.ts";

beforeAll(useBuild);

/** Values of f over the middle axis of [outer, n, inner]. */
function reduced(
  data: ArrayLike<number>,
  [outer, n, inner]: readonly number[],
  f: (line: number[]) => number,
): number[] {
  return Array.from({ length: outer * inner }, (_, at) => {
    const first = Math.floor(at / inner) * n * inner + (at % inner);
    return f(Array.from({ length: n }, (_, row) => data[first + row * inner]));
  });
}

function expectOnGpu(...ops: string[]): void {
  for (const op of ops) expect(currentBackend().placer.explain(op), op).toMatchObject({ device: "webgpu" });
}

const sum = (line: number[]) => line.reduce((a, b) => a + b, 0);

/** Axes of a thread's length, of a workgroup's, and such as are cut; few and many columns. */
const shapes = [
  [5, 3, 7],
  [3, 16, 1],
  [3, 17, 1],
  [2, 100, 3],
  [1, 100_001, 1],
  [1, 40_000, 5],
  [2, 333, 65],
  [3, 50, 130],
  [700, 40, 1],
];

describe.each(shapes)("over the middle of [%d, %d, %d], the GPU's", (...shape) => {
  const next = random(`reduce ${shape}`);
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => 2 * next() - 1);

  it.each<[string, (x: tf.Tensor) => tf.Tensor, (line: number[]) => number]>([
    ["sum", (x) => tf.sum(x, 1), sum],
    ["mean", (x) => tf.mean(x, 1), (line) => sum(line) / line.length],
    ["max", (x) => tf.max(x, 1), (line) => Math.max(...line.slice(0, 50_000), ...line.slice(50_000))],
    ["argMax", (x) => tf.argMax(x, 1), (line) => line.indexOf(line.reduce((a, b) => Math.max(a, b)))],
    ["argMin", (x) => tf.argMin(x, 1), (line) => line.indexOf(line.reduce((a, b) => Math.min(a, b)))],
  ])("%s is exact to some units in the last place", (name, op, reference) =>
    checkNoLeak(async () => {
      const x = tf.tensor(data, shape);
      const y = op(x);
      // Errors of sums grow with what is summed, not with what comes out.
      const scale = name === "sum" ? Math.sqrt(shape[1]) : 1;
      expectClose(name, await y.data(), reduced(data, shape, reference), 4e-7 * scale);
      tf.dispose([x, y]);
    }),
  );

  it("int32 and bool results are those of exact arithmetic", () =>
    checkNoLeak(async () => {
      const whole = Int32Array.from(data, (x) => Math.round(100 * x));
      const flags = Int32Array.from(data, (x) => Number(x > -0.99));
      const [x, flag] = [tf.tensor(whole, shape, "int32"), tf.tensor(flags, shape, "bool")];
      const results = tf.tidy(() => [
        tf.sum(x, 1),
        tf.min(x, 1),
        tf.prod(x, 1),
        tf.all(flag, 1),
        tf.any(
          tf.tensor(
            Int32Array.from(flags, (f) => 1 - f),
            shape,
            "bool",
          ),
          1,
        ),
        tf.mean(flag, 1),
      ]);
      const expected = [
        reduced(whole, shape, sum),
        reduced(whole, shape, (line) => line.reduce((a, b) => Math.min(a, b))),
        reduced(whole, shape, (line) => line.reduce((a, b) => Math.imul(a, b), 1)),
        reduced(flags, shape, (line) => Number(line.every((f) => f === 1))),
        reduced(flags, shape, (line) => Number(line.some((f) => f === 0))),
      ];
      for (const [i, values] of expected.entries()) {
        expect(Array.from(await results[i].data(), Number)).toEqual(values.map((v) => v + 0));
      }
      const mean = reduced(flags, shape, (line) => sum(line) / line.length);
      expectClose("mean", await results[5].data(), mean, 1e-6);
      tf.dispose([x, flag, ...results]);
    }));
});

it("reduces several axes, empty ones, and NaN as Wasm does", () =>
  checkNoLeak(async () => {
    const next = random("reduce axes");
    const data = Float32Array.from({ length: 2 * 30 * 4 * 50 }, next);
    const x = tf.tensor(data, [2, 30, 4, 50]);
    const y = tf.tidy(() => tf.sum(x, [1, 3]));
    const once = reduced(data, [240, 50, 1], sum);
    expectClose("sum", await y.data(), reduced(once, [2, 30, 4], sum), 1e-6);
    const empty = tf.tensor(new Float32Array(0), [2, 0]);
    const nan = tf.tensor([1, Number.NaN, 3, -1, 2, 5], [2, 3]);
    const results = tf.tidy(() => [
      ...[tf.sum(empty, 1), tf.prod(empty, 1), tf.max(empty, 1), tf.mean(empty, 1)],
      ...[tf.max(nan, 1), tf.min(nan, 1), tf.argMax(nan, 1)],
    ]);
    const values = await Promise.all(results.map(async (result) => [...(await result.data())]));
    expect(values).toEqual([
      [0, 0],
      [1, 1],
      [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
      [Number.NaN, Number.NaN],
      [Number.NaN, 5],
      [Number.NaN, -1],
      [2, 2],
    ]);
    expectOnGpu("Sum", "Mean", "Max", "Min", "Prod", "All", "Any", "ArgMax", "ArgMin");
    tf.dispose([x, y, empty, nan, ...results]);
  }));
