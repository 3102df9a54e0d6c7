import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { beforeAll, expect, it } from "vitest";
import { useBuild } from "../builds.ts";
import { checkNoLeak, random } from "../ops/check.ts";

beforeAll(useBuild);

/** A step takes operands from all earlier results; `pick(n)` is a number below n. */
type Step = (pick: (n: number) => number, operand: () => tf.Tensor) => tf.Tensor;

const size = ({ shape }: tf.Tensor): number => shape.reduce((a, b) => a * b, 1);

/** Values drawn anew, the same on either backend. */
function drawn(shape: number[], seed: number): tf.Tensor {
  const next = random(seed);
  return tf.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 2 * next() - 1),
    shape,
  );
}

/** An operand as pictures of 1 to 3 channels. */
function pictures(x: tf.Tensor): tf.Tensor4D {
  const channels = [3, 2, 1].find((n) => size(x) % n === 0)!;
  const pixels = size(x) / channels;
  const height = [4, 3, 2, 1].find((n) => pixels % n === 0)!;
  return tf.reshape(x, [1, height, pixels / height, channels]);
}

const steps: Step[] = [
  (_, operand) => {
    const [x, y] = [operand(), operand()];
    return tf.add(tf.reshape(x, [size(x)]), tf.sum(y));
  },
  (_, operand) => {
    const x = operand();
    return tf.add(x, tf.relu(x));
  },
  (pick, operand) => {
    const x = operand();
    return tf.mul(x, drawn([x.shape.at(-1) ?? 1], pick(1000)));
  },
  (pick, operand) => {
    const x = operand();
    const k = x.shape.at(-1) ?? 1;
    return tf.matMul(tf.reshape(x, [size(x) / k, k]), drawn([k, 1 + pick(6)], pick(1000)) as tf.Tensor2D);
  },
  (pick, operand) => {
    const x = operand();
    const k = x.shape[0] ?? 1;
    return tf.matMul(
      tf.reshape(x, [k, size(x) / k]),
      drawn([k, 1 + pick(3)], pick(1000)) as tf.Tensor2D,
      true,
    );
  },
  (pick, operand) => {
    const x = pictures(operand());
    const taps = 1 + pick(3);
    const filter = drawn([taps, taps, x.shape[3], 1 + pick(4)], pick(1000)) as tf.Tensor4D;
    return tf.conv2d(x, filter, 1 + pick(2), "same");
  },
  (pick, operand) => {
    const x = operand();
    const begin = x.shape.map((n) => pick(n));
    return tf.slice(x, begin, x.shape.map((n, axis) => 1 + pick(n - begin[axis]))); // biome-ignore format: one slice
  },
  (pick, operand) => {
    const x = operand();
    if (x.rank === 0) return tf.reshape(x, [1]);
    const axis = pick(x.rank);
    return tf.concat([x, tf.relu(x)], axis);
  },
  (_, operand) => {
    const x = operand();
    return tf.reshape(x, [size(x)]);
  },
  (_, operand) => tf.transpose(operand()),
  (_, operand) => tf.relu(operand()),
  (pick, operand) => {
    const x = operand();
    return x.rank === 0 ? tf.sum(x) : tf.sum(x, pick(x.rank), pick(2) === 1);
  },
];

/** Every result of a program; its choices are a list of fractions, zeros when that has ended. */
function run(choices: readonly number[], length: number): { shape: number[]; values: ArrayLike<number> }[] {
  return tf.tidy(() => {
    let used = 0;
    const pick = (n: number): number => Math.floor((choices[used++] ?? 0) * n);
    const results: tf.Tensor[] = [drawn([2, 3, 4, 3], 1), drawn([7, 5], 2), drawn([13], 3)];
    const operand = (): tf.Tensor => results[results.length - 1 - pick(results.length)];
    for (let i = 0; i < length; i++) results.push(steps[pick(steps.length)](pick, operand));
    return results.map((x) => ({ shape: x.shape, values: x.dataSync() }));
  });
}

it("random programs give what TensorFlow.js's own backend gives, and leak nothing", () =>
  checkNoLeak(async () => {
    const onCpu = tf.findBackend("cpu").numDataIds();
    const choice = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    await fc.assert(
      fc.asyncProperty(
        fc.array(choice, { minLength: 40, maxLength: 60 }),
        fc.integer({ min: 1, max: 12 }),
        async (choices, length) => {
          await tf.setBackend("cpu");
          const expected = run(choices, length);
          await tf.setBackend("ganvil");
          const found = run(choices, length);
          let scale = 1;
          for (const [i, { shape, values }] of expected.entries()) {
            expect(found[i].shape).toEqual(shape);
            // Errors are those of the largest value so far: later ones may cancel.
            for (let j = 0; j < values.length; j++) scale = Math.max(scale, Math.abs(values[j]));
            for (let j = 0; j < values.length; j++) {
              const error = Math.abs(found[i].values[j] - values[j]);
              if (!(error <= 1e-5 * scale)) expect({ i, j, found: found[i].values[j] }).toEqual(values[j]);
            }
          }
        },
      ),
      { numRuns: 400 },
    );
    expect(tf.findBackend("cpu").numDataIds()).toBe(onCpu);
  }));
