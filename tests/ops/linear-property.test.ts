import * as tf from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { beforeAll, describe, it } from "vitest";
import { conv2d } from "../../src/ops/conv2d.ts";
import { useBuild } from "../builds.ts";
import { conv2d as referenceConv2d } from "../reference/conv2d.ts";
import { nd, sizeOf } from "../reference/nd.ts";
import { checkNoLeak, expectClose, random } from "./check.ts";
import { convolution, linearOps } from "./linear-ops.ts";

beforeAll(useBuild);

const settings = { seed: 20_140_610, numRuns: 120 };

/** Σ aᵢbᵢ, and Σ |aᵢbᵢ|, of which float32 may lose a part. */
function product(a: tf.Tensor, b: tf.Tensor): { sum: number; size: number } {
  const [x, y] = [a.dataSync(), b.dataSync()];
  let [sum, size] = [0, 0];
  for (let i = 0; i < x.length; i++) {
    sum += x[i] * y[i];
    size += Math.abs(x[i] * y[i]);
  }
  return { sum, size };
}

describe("⟨A(x), y⟩ = ⟨x, Aᵀ(y)⟩ in each input, Aᵀ being the gradient, and again Aᵀᵀ = A, for any shape of", () => {
  for (const [name, arbitrary] of Object.entries(linearOps)) {
    it(name, () =>
      checkNoLeak(async () => {
        fc.assert(
          fc.property(arbitrary, ({ shapes: of, run }) =>
            tf.tidy(() => {
              const next = random(JSON.stringify(of));
              const draw = (shape: readonly number[]): tf.Tensor =>
                tf.tensor(
                  Float32Array.from({ length: sizeOf(shape) }, () => next() * 2 - 1),
                  [...shape],
                );
              const inputs = of.map(draw);
              const y = run(...inputs);
              const dy = draw(y.shape);
              const expected = product(y, dy);
              const adjoint = (i: number, seed: tf.Tensor): tf.Tensor =>
                tf.grad((x: tf.Tensor) => run(...inputs.map((input, j) => (j === i ? x : input))))(
                  inputs[i],
                  seed,
                );
              for (const [i, x] of inputs.entries()) {
                // A list of inputs is linear in all of them at once: the others must not add to y.
                const alone = name === "concat" || name === "stack";
                const own = alone
                  ? run(...inputs.map((input, j) => (j === i ? input : tf.zerosLike(input))))
                  : y;
                const wanted = alone ? product(own, dy) : expected;
                const found = product(adjoint(i, dy), x);
                if (!(Math.abs(found.sum - wanted.sum) <= 2e-5 * Math.max(found.size, wanted.size, 1e-3)))
                  throw new Error(`input ${i}: ⟨A(x), y⟩ is ${wanted.sum}, ⟨x, Aᵀ(y)⟩ is ${found.sum}`);
                const again = tf.grad((seed: tf.Tensor) => adjoint(i, seed))(dy, x);
                expectClose(`Aᵀᵀ of input ${i}`, again.dataSync(), own.dataSync(), 2e-5);
              }
            }),
          ),
          settings,
        );
      }),
    );
  }
});

describe("conv2d of random stride, padding, dilation and groups", () => {
  it("equals its definition in float64", () =>
    checkNoLeak(async () => {
      fc.assert(
        fc.property(convolution, (c) =>
          tf.tidy(() => {
            const next = random(JSON.stringify(c));
            const values = (shape: readonly number[]) =>
              nd(
                shape,
                Array.from({ length: sizeOf(shape) }, () => Math.fround(next() * 2 - 1)),
              );
            const x = values([c.batch, ...c.size, c.groups * c.groupIn]);
            const filter = values([...c.taps, c.groupIn, c.groups * c.groupOut]);
            const [a, b] = [x, filter].map(({ data, shape }) =>
              tf.tensor(Float32Array.from(data), [...shape]),
            );
            const y = conv2d(a, b, c);
            const covered = c.taps.map((taps, axis) => (taps - 1) * c.dilation[axis] + 1);
            const padBefore = c.size.map((size, axis) => {
              if (c.pad === "valid") return 0;
              if (c.pad !== "same") return c.pad[axis][0];
              const out = Math.ceil(size / c.stride[axis]);
              return Math.floor(Math.max(0, (out - 1) * c.stride[axis] + covered[axis] - size) / 2);
            }) as [number, number];
            const expected = referenceConv2d(x, filter, y.shape, { ...c, padBefore });
            expectClose("conv2d", y.dataSync(), expected.data, 2e-5);
          }),
        ),
        settings,
      );
    }));
});
