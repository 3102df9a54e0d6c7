import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { biasActivation } from "../../src/ops/fused-activation.ts";
import { groupNorm, minibatchStddev, spectralNorm } from "../../src/ops/norm.ts";
import { affineGrid, gridSample } from "../../src/ops/sample.ts";
import { upfirdn2d } from "../../src/ops/upfirdn2d.ts";
import { useBuild } from "../builds.ts";
import { checkNoLeak } from "./check.ts";

beforeAll(useBuild);

const faults: [string, () => unknown, RegExp][] = [
  [
    "a filter larger than the picture",
    () => upfirdn2d(tf.zeros([1, 2, 2, 1]), [1, 1, 1]),
    /^upfirdn2d: .*\[3,1\].*\[1,2,2,1\].*Pad more/,
  ],
  [
    "upsampling by 0",
    () => upfirdn2d(tf.zeros([1, 2, 2, 1]), [1], { up: 0 }),
    /^upfirdn2d: expected up and down of at least 1/,
  ],
  [
    "a bias of another size",
    () => biasActivation(tf.zeros([2, 3]), tf.zeros([2])),
    /^biasActivation: expected bias of shape \[3\], got \[2\] \(x \[2,3\]\)/,
  ],
  [
    "an activation that is not known",
    () => biasActivation(tf.zeros([2, 3]), undefined, { activation: "gelu" as never }),
    /^biasActivation: expected activation linear, relu, leakyRelu, got "gelu"/,
  ],
  [
    "groups that do not divide",
    () => groupNorm(tf.zeros([1, 2, 2, 6]), 4),
    /^groupNorm: .*6 channels.*got 4/,
  ],
  [
    "a group size that does not divide",
    () => minibatchStddev(tf.zeros([6, 2, 2, 1])),
    /^minibatchStddev: .*4 divides.*\[6,2,2,1\]/,
  ],
  [
    "a singular vector of another size",
    () => spectralNorm(tf.zeros([2, 3]), tf.zeros([2])),
    /^spectralNorm: expected u \[3\], got \[2\]/,
  ],
  [
    "a grid of three coordinates",
    () => gridSample(tf.zeros([1, 2, 2, 1]), tf.zeros([1, 2, 2, 3])),
    /^gridSample: .*\[1,2,2,3\]/,
  ],
  ["theta of another shape", () => affineGrid(tf.zeros([1, 3, 2]), [2, 2]), /^affineGrid: .*\[1,3,2\]/],
  [
    "an equation without a result",
    () => tf.einsum("ij,jk", tf.zeros([2, 2]), tf.zeros([2, 2])),
    /^einsum: Expecting exactly one arrow.*"ij,jk"/,
  ],
  [
    "axes of two sizes",
    () => tf.einsum("ij,jk->ik", tf.zeros([2, 3]), tf.zeros([2, 2])),
    /^einsum: Expected dimension 3 at axis 0 of input shaped \[2,2\]/,
  ],
  [
    "an index vector outside",
    () => tf.scatterND(tf.tensor2d([[3]], [1, 1], "int32"), tf.ones([1]), [3]),
    /^scatterND: expected indices within \[3\]/,
  ],
];

describe("errors of ops that are made of others", () => {
  for (const [name, run, message] of faults) {
    it(`${name}: says what was expected and what was found, and leaves nothing behind`, () =>
      checkNoLeak(async () => {
        expect(() => tf.tidy(() => void run())).toThrow(message);
      }));
  }
});
