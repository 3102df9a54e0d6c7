import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { call } from "../../src/backend/op.ts";
import { sigmoidGrad, tanhGrad } from "../../src/ops/activation-grad.ts";
import { useBuild } from "../builds.ts";
import { random } from "./check.ts";

beforeAll(useBuild);

/** Float32 numbers of every exponent and sign, subnormals, infinities and NaN among them. */
const everyMagnitude = ((): Float32Array => {
  const stride = 32771;
  const bits = Uint32Array.from({ length: Math.floor(2 ** 32 / stride) }, (_, i) => i * stride);
  const edges = [0, -0, 1e-45, -1e-45, 1.17549435e-38, 88.72283, 88.73, -87.4, -103.97, -104, 1, -1, 9.02];
  const values = [...edges, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN];
  return Float32Array.from([...values, ...new Float32Array(bits.buffer)]);
})();

/** Distance of neighbouring float32 around a value. */
function ulp(value: number): number {
  const exponent = Math.floor(Math.log2(Math.max(Math.abs(value), 2 ** -126)));
  return 2 ** (Math.min(exponent, 127) - 23);
}

/** Greatest error in ulp, 0 where correctly rounded; infinite where NaN, an infinity or the sign of a zero is not the reference's. */
function greatestError(
  actual: ArrayLike<number>,
  inputs: Float32Array,
  f: (x: number, i: number) => number,
): { error: number; at: number } {
  let worst = { error: 0, at: Number.NaN };
  for (let i = 0; i < inputs.length; i++) {
    const exact = f(inputs[i], i);
    if (Object.is(actual[i], Math.fround(exact))) continue;
    const finite = Number.isFinite(exact) && Number.isFinite(actual[i]) && exact !== 0;
    const error = finite ? Math.abs(actual[i] - exact) / ulp(exact) : Number.POSITIVE_INFINITY;
    if (error > worst.error) worst = { error, at: inputs[i] };
  }
  return worst;
}

const sigmoid = (x: number): number => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** 4z/(1 + z)² with z = e^-2|x|: 1 - tanh² x without its cancellation. */
const tanhSlope = (x: number): number => {
  const z = Math.exp(-2 * Math.abs(x));
  return (4 * z) / (1 + z) ** 2;
};
const sigmoidSlope = (x: number): number => sigmoid(x) * sigmoid(-x);

const bounds: readonly (readonly [string, (x: tf.Tensor) => tf.Tensor, (x: number) => number, number])[] = [
  ["exp", tf.exp, Math.exp, 1],
  ["expm1", tf.expm1, Math.expm1, 1.5],
  ["log", tf.log, Math.log, 0.8],
  ["log1p", tf.log1p, Math.log1p, 0.8],
  ["tanh", tf.tanh, Math.tanh, 2.5],
  ["sigmoid", tf.sigmoid, sigmoid, 2.5],
  ["softplus", tf.softplus, softplus, 1.7],
  ["sqrt", tf.sqrt, Math.sqrt, 0],
  ["rsqrt", tf.rsqrt, (x) => 1 / Math.sqrt(x), 1.5],
  ["tanh's slope", (x) => call(tanhGrad, { x, dy: tf.onesLike(x) }, {}), tanhSlope, 5],
  ["sigmoid's slope", (x) => call(sigmoidGrad, { x, dy: tf.onesLike(x) }, {}), sigmoidSlope, 5],
];

describe("over all magnitudes of float32", () => {
  for (const [name, run, f, bound] of bounds) {
    it(`${name} is within ${bound} ulp, and exact at zeros, infinities and NaN`, () => {
      const actual = tf.tidy(() => run(tf.tensor1d(everyMagnitude)).dataSync());
      const { error, at } = greatestError(actual, everyMagnitude, f);
      expect(error, `at ${at}`).toBeLessThanOrEqual(bound);
    });
  }

  it("sin and cos are within 0.51 ulp below 4e8", () => {
    const inputs = everyMagnitude.filter((x) => Math.abs(x) < 4e8);
    const [sin, cos] = tf.tidy(() => [tf.sin, tf.cos].map((run) => run(tf.tensor1d(inputs)).dataSync()));
    expect(greatestError(sin, inputs, Math.sin).error).toBeLessThanOrEqual(0.51);
    expect(greatestError(cos, inputs, Math.cos).error).toBeLessThanOrEqual(0.51);
  });

  it("erf is within 3e-7 of its limits and odd", () => {
    const inputs = [-9, -4, -1, 0, 1, 4, 9];
    const y = tf.tidy(() => tf.erf(tf.tensor1d(inputs)).dataSync());
    const expected = [-1, -1, -0.8427007929497149, 0, 0.8427007929497149, 1, 1];
    for (const [i, value] of expected.entries()) expect(Math.abs(y[i] - value)).toBeLessThan(3e-7);
  });

  it("pow is within 1 ulp, and exact at the edges of its domain", () => {
    const next = random("pow");
    const shuffled = Float32Array.from(
      everyMagnitude,
      () => everyMagnitude[Math.floor(next() * everyMagnitude.length)],
    );
    const b = shuffled.map((x, i) => (i % 2 ? x : (next() - 0.5) * 8));
    const actual = tf.tidy(() => tf.pow(tf.tensor1d(everyMagnitude), tf.tensor1d(b)).dataSync());
    // C's pow, unlike JavaScript's, gives 1 for any power of 1 and for (-1)^±∞.
    const one = (x: number, i: number) =>
      x === 1 || (x === -1 && Math.abs(b[i]) === Number.POSITIVE_INFINITY);
    const { error, at } = greatestError(actual, everyMagnitude, (x, i) =>
      one(x, i) ? actual[i] : x ** b[i],
    );
    expect(error, `at ${at}`).toBeLessThanOrEqual(1);
  });
});

describe("sums of many", () => {
  const n = 1_000_003;
  const values = ((): Float32Array => {
    const next = random("sums");
    return Float32Array.from({ length: n }, () => next());
  })();
  const exact = values.reduce((sum, value) => sum + value, 0);

  it("a sum of a million numbers is within 2 ulp of the float64 sum", () => {
    const [sum] = tf.tidy(() => tf.sum(tf.tensor1d(values)).dataSync());
    expect(Math.abs(sum - exact) / ulp(exact)).toBeLessThanOrEqual(2);
  });

  it("sums of three interleaved columns are within 2 ulp of the float64 sums", () => {
    const rows = Math.floor(n / 3);
    const sums = tf.tidy(() => tf.sum(tf.tensor2d(values.slice(0, rows * 3), [rows, 3]), 0).dataSync());
    for (let column = 0; column < 3; column++) {
      let expected = 0;
      for (let row = 0; row < rows; row++) expected += values[row * 3 + column];
      expect(Math.abs(sums[column] - expected) / ulp(expected)).toBeLessThanOrEqual(2);
    }
  });
});
