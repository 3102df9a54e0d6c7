import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { useBuild } from "../builds.ts";

beforeAll(useBuild);

describe("operands that do not fit", () => {
  it("names both shapes when they do not broadcast", () => {
    const [a, b] = [tf.zeros([2, 3]), tf.zeros([4])];
    expect(() => tf.add(a, b)).toThrow(
      new RangeError(
        "add: expected shapes that broadcast, got a [2,3], b [4]. Make the sizes of each axis, counted from the last, equal or 1.",
      ),
    );
    tf.dispose([a, b]);
  });

  it("refuses a size of 0 against another size", () => {
    const [a, b] = [tf.zeros([0]), tf.zeros([4])];
    expect(() => tf.mul(a, b)).toThrow(/a \[0\], b \[4\]/);
    tf.dispose([a, b]);
  });

  it("names the dtype that an op does not take, and the remedy", () => {
    const x = tf.tensor1d([true, false], "bool");
    expect(() => tf.max(x)).toThrow(
      new TypeError("max: expected dtype float32 or int32, got bool. Convert it with tf.cast."),
    );
    x.dispose();
  });

  it("frees what it allocated when it throws", () => {
    const before = tf.memory();
    const [a, b] = [tf.zeros([2]), tf.zeros([3])];
    expect(() => tf.sub(a, b)).toThrow(RangeError);
    tf.dispose([a, b]);
    expect(tf.memory()).toEqual(before);
  });
});

describe("gradients where a function has a kink", () => {
  const gradient = (f: (x: tf.Tensor) => tf.Tensor, values: number[]): number[] =>
    tf.tidy(() => [...tf.grad(f)(tf.tensor1d(values)).dataSync()]);

  it("relu and leakyRelu take the left-hand slope at 0", () => {
    expect(gradient(tf.relu, [-1, 0, 1])).toEqual([0, 0, 1]);
    expect(gradient((x) => tf.leakyRelu(x, 0.25), [-1, 0, 1])).toEqual([0.25, 0.25, 1]);
  });

  it("relu6 and clipByValue keep the gradient on the upper bound", () => {
    expect(gradient(tf.relu6, [0, 1, 6, 7])).toEqual([0, 1, 1, 0]);
    expect(gradient((x) => tf.clipByValue(x, -1, 1), [-2, -1, 0, 1, 2])).toEqual([0, 1, 1, 1, 0]);
  });

  it("is zero for piecewise constant functions", () => {
    for (const f of [tf.sign, tf.step, tf.floor, tf.ceil, tf.round, tf.onesLike] as const) {
      expect(gradient((x) => f(x), [-1.5, 0.25, 2.75])).toEqual([0, 0, 0]);
    }
  });

  it("stops at a comparison", () => {
    expect(gradient((x) => tf.mul(x, tf.cast(tf.greater(x, 0), "float32")), [-2, 3])).toEqual([0, 1]);
  });

  it("does not leak an infinite gradient through relu's dead half", () => {
    expect(gradient((x) => tf.mul(tf.relu(x), Number.POSITIVE_INFINITY), [-1])).toEqual([0]);
  });

  it("maximum and minimum give a tie to the first operand, max to every greatest element", () => {
    const [a, b] = tf.tidy(() =>
      tf
        .grads((x: tf.Tensor, y: tf.Tensor) => tf.maximum(x, y))([tf.tensor1d([1, 2]), tf.tensor1d([1, 1])])
        .map((g) => [...g.dataSync()]),
    );
    expect([a, b]).toEqual([
      [1, 1],
      [0, 0],
    ]);
    expect(gradient((x) => tf.max(x), [3, 1, 3])).toEqual([1, 0, 1]);
  });

  it("pow by a variable exponent has no NaN at a base of 0", () => {
    const [base, exponent] = tf.tidy(() =>
      tf
        .grads((x: tf.Tensor, y: tf.Tensor) => tf.pow(x, y))([tf.tensor1d([0]), tf.tensor1d([2])])
        .map((g) => g.dataSync()[0]),
    );
    expect([base, exponent]).toEqual([0, 0]);
  });
});

describe("int32", () => {
  it("division rounds down and gives 0 for a divisor of 0", () => {
    const y = tf.tidy(() =>
      tf
        .floorDiv(tf.tensor1d([7, -7, 5, -(2 ** 31)], "int32"), tf.tensor1d([2, 2, 0, -1], "int32"))
        .dataSync(),
    );
    expect([...y]).toEqual([3, -4, 0, -(2 ** 31)]);
  });

  it("turns to float32 in functions without an int32 form", () => {
    const y = tf.tidy(() => {
      const x = tf.exp(tf.tensor1d([0, 0], "int32"));
      return { dtype: x.dtype, values: [...x.dataSync()] };
    });
    expect(y).toEqual({ dtype: "float32", values: [1, 1] });
  });
});
