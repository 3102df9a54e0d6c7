import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { currentBackend } from "../../src/backend/backend.ts";
import { compile } from "../../src/backend/compile.ts";
import { biasActivation } from "../../src/ops/fused-activation.ts";
import { assignStep } from "../../src/ops/in-place.ts";
import { useBuild } from "../builds.ts";
import { checkNoLeak } from "../ops/check.ts";

beforeAll(useBuild);

const bytes = () => currentBackend().heap.bytesInUse;
const list = (x: tf.Tensor): number[] => [...x.dataSync()];

describe("zeros", () => {
  it("take memory when they are looked at, and give it back", () =>
    checkNoLeak(async () => {
      const x = tf.tensor1d([1, 2, 3]);
      const before = bytes();
      const zeros = [tf.zerosLike(x), tf.zeros([3]), tf.fill([3], 0)];
      expect(bytes()).toBe(before);
      for (const zero of zeros) expect(list(zero)).toEqual([0, 0, 0]);
      expect(bytes()).toBe(before + 3 * 64);
      tf.dispose([x, ...zeros]);
    }));

  it("leave the other operand of an addition as it is, in its memory", () =>
    checkNoLeak(async () => {
      const x = tf.tensor2d([1, 2, 3, 4], [2, 2]);
      const zeros = tf.zeros([2]);
      const before = bytes();
      const sums = [tf.add(x, zeros), tf.add(zeros, x)];
      expect(bytes()).toBe(before);
      for (const sum of sums) expect(list(sum)).toEqual([1, 2, 3, 4]);
      const larger = tf.tidy(() => tf.add(tf.tensor1d([5]), tf.zeros([2, 1])));
      expect([larger.shape, list(larger)]).toEqual([
        [2, 1],
        [5, 5],
      ]);
      tf.dispose([x, zeros, ...sums, larger]);
    }));

  it("of a variable are its own values: what is added to them before an update stays", () =>
    checkNoLeak(async () => {
      const variable = tf.tidy(() => tf.variable(tf.zeros([2]), false));
      const [x, ones] = [tf.tensor1d([3, 4]), tf.ones([2])];
      const sum = tf.add(x, variable);
      assignStep(variable, ones);
      const after = tf.add(x, variable);
      expect([list(sum), list(after)]).toEqual([
        [3, 4],
        [4, 5],
      ]);
      tf.dispose([variable, x, ones, sum, after]);
    }));

  it("from outside of a captured step are read at each replay", () => {
    const variable = tf.tidy(() => tf.variable(tf.zeros([2]), false));
    const x = tf.tensor1d([3, 4]);
    const step = compile((x) => [tf.add(x, variable), tf.zerosLike(x)]);
    const run = () =>
      tf.tidy(() => {
        const [sum, zeros] = step(x);
        return [list(sum), list(zeros)];
      });
    for (let i = 0; i < 5; i++) {
      expect(run()).toEqual([
        [3, 4],
        [0, 0],
      ]);
    }
    expect(step.status).toBe("captured");
    const ones = tf.ones([2]);
    assignStep(variable, ones);
    expect(run()).toEqual([
      [4, 5],
      [0, 0],
    ]);
    step.dispose();
    tf.dispose([variable, x, ones]);
  });
});

describe("the slope of a piecewise linear activation", () => {
  const x = () => tf.tensor2d([-2, 1, 3, -4], [2, 2]);
  const slopes: { readonly [name: string]: (x: tf.Tensor) => tf.Tensor } = {
    relu: (x) => tf.relu(x),
    leakyRelu: (x) => tf.leakyRelu(x, 0.2),
    biasActivation: (x) => biasActivation(x, undefined),
    maxPool: (x) => tf.maxPool(tf.reshape(x, [1, 2, 2, 1]) as tf.Tensor4D, 2, 1, "valid"),
    abs: (x) => tf.abs(x),
  };
  for (const [name, activation] of Object.entries(slopes)) {
    it(`has a gradient, which is zero: ${name}`, () => {
      const second = tf.tidy(() => list(tf.grad((x) => tf.grad(activation)(x))(x())));
      expect(second).toEqual([0, 0, 0, 0]);
    });
  }

  it("gives a penalty on a critic's gradient its gradients, that by the bias zero", () => {
    const bias = tf.tidy(() => tf.variable(tf.tensor1d([0.5, -0.5]), true, "critic.bias"));
    const weight = tf.tidy(() => tf.variable(tf.tensor2d([1, 2, 3, -1], [2, 2]), true, "critic.weight"));
    const critic = (x: tf.Tensor) => tf.sum(biasActivation(tf.matMul(x as tf.Tensor2D, weight), bias));
    const { value, grads } = tf.variableGrads(
      () => tf.sum(tf.square(tf.grad(critic)(x()))) as tf.Scalar,
      [bias, weight],
    );
    // x·W + b: [1.5, -5.5] and [-8.5, 9.5]; slopes [1, 0.2] and [0.2, 1].
    // Gradients by x: [1.4, 2.8] and [2.2, -0.4].
    expect(value.dataSync()[0]).toBeCloseTo(1.4 ** 2 + 2.8 ** 2 + 2.2 ** 2 + 0.4 ** 2, 5);
    expect(list(grads["critic.bias"])).toEqual([0, 0]);
    const [a, b] = [
      [2.8, 5.6],
      [4.4, -0.8],
    ];
    const expected = [a[0] + 0.2 * b[0], 0.2 * a[0] + b[0], a[1] + 0.2 * b[1], 0.2 * a[1] + b[1]];
    for (const [i, w] of list(grads["critic.weight"]).entries()) expect(w).toBeCloseTo(expected[i], 5);
    tf.dispose([value, ...Object.values(grads), bias, weight]);
  });
});
