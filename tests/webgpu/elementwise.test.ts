import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { currentBackend } from "../../src/backend/backend.ts";
import { useBuild } from "../builds.ts";

beforeAll(useBuild);

const least = 2 ** -126;

/** Float32 numbers of every exponent and sign, but for subnormals, which a GPU may take for zero. */
const everyMagnitude = ((): Float32Array => {
  const stride = 65539;
  const bits = Uint32Array.from({ length: Math.floor(2 ** 32 / stride) }, (_, i) => i * stride);
  const edges = [0, -0, 88.72, 88.73, -87.3, 1, -1, 0.5, 9.02, Number.POSITIVE_INFINITY, Number.NaN];
  const all = [...edges, Number.NEGATIVE_INFINITY, ...new Float32Array(bits.buffer)];
  return Float32Array.from(all.filter((x) => x === 0 || !(Math.abs(x) < least)));
})();

const ulp = (value: number): number =>
  2 ** (Math.min(127, Math.floor(Math.log2(Math.max(Math.abs(value), least)))) - 23);

/** Greatest error in ulp; infinite where a NaN or an infinity is not the reference's. */
function greatestError(actual: ArrayLike<number>, inputs: Float32Array, f: (x: number) => number) {
  let worst = { error: 0, at: Number.NaN };
  for (const [i, x] of inputs.entries()) {
    const exact = f(x);
    if (Object.is(actual[i], Math.fround(exact))) continue;
    if (Math.abs(exact) < least && Math.abs(actual[i]) <= least) continue;
    const finite = Number.isFinite(exact) && Number.isFinite(actual[i]);
    const error = finite ? Math.abs(actual[i] - exact) / ulp(exact) : Number.POSITIVE_INFINITY;
    if (error > worst.error) worst = { error, at: x };
  }
  return worst;
}

const sigmoid = (x: number): number => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

describe("over all magnitudes of float32, the GPU's", () => {
  it.each<[string, (x: tf.Tensor) => tf.Tensor, (x: number) => number, number]>([
    ["exp", tf.exp, Math.exp, 2],
    ["expm1", tf.expm1, Math.expm1, 2],
    ["log", tf.log, Math.log, 2],
    ["log1p", tf.log1p, Math.log1p, 3],
    ["tanh", tf.tanh, Math.tanh, 4],
    ["sigmoid", tf.sigmoid, sigmoid, 4],
    ["softplus", tf.softplus, softplus, 4],
    ["asin", tf.asin, Math.asin, 4],
    ["acos", tf.acos, Math.acos, 4],
    ["atan", tf.atan, Math.atan, 4],
    ["sinh", tf.sinh, Math.sinh, 4],
    ["cosh", tf.cosh, Math.cosh, 4],
    ["asinh", tf.asinh, Math.asinh, 4],
    ["acosh", tf.acosh, Math.acosh, 4],
    ["atanh", tf.atanh, Math.atanh, 4],
  ])("%s is within a few ulp, and right at infinities and NaN", async (_, op, f, bound) => {
    const y = tf.tidy(() => op(tf.tensor1d(everyMagnitude)));
    const { error, at } = greatestError(await y.data(), everyMagnitude, f);
    y.dispose();
    expect(error, `at ${at}`).toBeLessThanOrEqual(bound);
  });

  it.each<[string, (x: tf.Tensor) => tf.Tensor, (x: number) => number]>([
    ["sin", tf.sin, Math.sin],
    ["cos", tf.cos, Math.cos],
  ])("%s is within 2e-7 below 10,000 radians", async (_, op, f) => {
    const inputs = everyMagnitude.filter((x) => Math.abs(x) < 1e4);
    const y = tf.tidy(() => op(tf.tensor1d(inputs)));
    const values = await y.data();
    y.dispose();
    for (const [i, x] of inputs.entries()) expect(Math.abs(values[i] - f(x)), `at ${x}`).toBeLessThan(2e-7);
  });
});

/** The value of f(a, b) on the GPU for all pairs of these numbers, beside that of Wasm. */
async function onBoth(f: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor, a: tf.Tensor, b: tf.Tensor) {
  const { placer } = currentBackend();
  const values: number[][] = [];
  for (const mode of ["webgpu", "wasm"] as const) {
    placer.mode = mode;
    const y = f(a, b);
    values.push(Array.from(await y.data()));
    y.dispose();
  }
  placer.mode = "webgpu";
  return values;
}

describe("at NaN, infinities and zeros the GPU gives what Wasm gives for", () => {
  const special = [
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    0,
    -0,
    1,
    -1,
    0.5,
    -2,
    3,
    7.5,
  ];

  it.each<[string, (a: tf.Tensor, b: tf.Tensor) => tf.Tensor]>([
    ["mod", tf.mod],
    ["pow", tf.pow],
    ["atan2", tf.atan2],
    ["floorDiv", tf.floorDiv],
    ["maximum", tf.maximum],
    ["minimum", tf.minimum],
    ["prelu", tf.prelu],
    ["equal", tf.equal],
    ["notEqual", tf.notEqual],
    ["greater", tf.greater],
    ["lessEqual", tf.lessEqual],
  ])("%s", async (_, f) => {
    const a = tf.tensor2d(special, [special.length, 1]);
    const b = tf.tensor2d(special, [1, special.length]);
    const [gpu, wasm] = await onBoth(f, a, b);
    tf.dispose([a, b]);
    // Which of two equal zeros is the greater is left open.
    for (const [i, value] of wasm.entries()) {
      const pair = `of ${special[Math.floor(i / special.length)]} and ${special[i % special.length]}`;
      if (Number.isNaN(value)) expect(gpu[i], pair).toBeNaN();
      else if (Number.isFinite(value)) {
        expect(Math.abs(gpu[i] - value), pair).toBeLessThanOrEqual(1e-6 * Math.abs(value));
      } else expect(gpu[i], pair).toBe(value);
    }
  });

  it.each<[string, (a: tf.Tensor, b: tf.Tensor) => tf.Tensor]>([
    ["floorDiv", tf.floorDiv],
    ["mod", tf.mod],
    ["pow", tf.pow],
    ["mul", tf.mul],
  ])("%s of int32", async (_, f) => {
    const whole = [0, 1, -1, 2, -2, 3, -7, 31, 2 ** 31 - 1, -(2 ** 31)];
    const a = tf.tensor2d(whole, [whole.length, 1], "int32");
    const b = tf.tensor2d(whole, [1, whole.length], "int32");
    const [gpu, wasm] = await onBoth(f, a, b);
    tf.dispose([a, b]);
    expect(gpu).toEqual(wasm);
  });

  it("casts to int32", async () => {
    const x = tf.tensor1d([Number.NaN, 1e20, -1e20, 2.7, -2.7, 2147483520, -0.5]);
    const [gpu, wasm] = await onBoth((a) => tf.cast(a, "int32"), x, x);
    x.dispose();
    expect(gpu).toEqual(wasm);
  });
});

it("takes the rest of a division exactly, however large the quotient", async () => {
  const a = tf.tensor1d(
    Float32Array.from({ length: 500 }, (_, i) => (((i * 7919) % 2003) - 1000) * 2 ** (i % 60)),
  );
  const b = tf.tensor1d(Float32Array.from({ length: 500 }, (_, i) => ((i * 4729) % 997) - 498.5));
  const [gpu, wasm] = await onBoth(tf.mod, a, b);
  tf.dispose([a, b]);
  expect(gpu).toEqual(wasm);
});
