import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { currentBackend } from "../../src/backend/backend.ts";
import { broadcastTo } from "../../src/ops/broadcast-to.ts";
import { spaceToDepth } from "../../src/ops/space-depth.ts";
import { useBuild } from "../builds.ts";
import { checkNoLeak } from "../ops/check.ts";

beforeAll(useBuild);

/** Every bit pattern is its own: NaN, negative zero and subnormals among them. */
function marked(shape: readonly number[]): tf.Tensor {
  const bits = Uint32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i);
  bits[1] = 0x80000000;
  bits[2] = 0x7fc01234;
  return tf.tensor(new Float32Array(bits.buffer), [...shape]);
}

const bitsOf = async (x: tf.Tensor): Promise<number[]> => {
  const { buffer, byteOffset, length } = await x.data();
  return Array.from(new Uint32Array(buffer, byteOffset, length));
};

describe("the GPU moves every bit as Wasm does", () => {
  it.each<[string, readonly number[], (x: tf.Tensor) => tf.Tensor]>([
    ["a transposed matrix", [40, 70], (x) => tf.transpose(x)],
    ["channels to the front, too few for a square", [3, 33, 64, 5], (x) => tf.transpose(x, [0, 3, 1, 2])],
    ["squares within other axes", [2, 5, 20, 7, 18], (x) => tf.transpose(x, [4, 1, 0, 3, 2])],
    ["rows of vectors in another order", [3, 5, 7, 16], (x) => tf.transpose(x, [1, 0, 2, 3])],
    ["a block of vectors", [7, 20, 32], (x) => tf.slice(x, [1, 4, 8], [3, 9, 16])],
    ["a block amid vectors", [7, 20, 32], (x) => tf.slice(x, [1, 4, 7], [3, 9, 17])],
    ["every second from behind", [9, 12], (x) => tf.stridedSlice(x, [8, 11], [0, 0], [-2, -3])],
    [
      "mirrored edges",
      [4, 8, 16],
      (x) =>
        tf.mirrorPad(
          x,
          [
            [1, 2],
            [3, 2],
            [4, 4],
          ],
          "reflect",
        ),
    ],
    [
      "padded edges",
      [4, 8, 16],
      (x) =>
        tf.pad(
          x,
          [
            [1, 2],
            [0, 2],
            [4, 0],
          ],
          3,
        ),
    ],
    ["all turned round", [9, 7, 4], (x) => tf.reverse(x)],
    ["rows turned round", [9, 7, 4], (x) => tf.reverse(x, 1)],
    ["repetitions", [4, 7, 8], (x) => tf.tile(x, [2, 3, 2])],
    ["broadcast axes", [20, 1, 8], (x) => broadcastTo(x, [3, 20, 5, 8])],
    ["parts joined", [5, 8], (x) => tf.concat([x, tf.slice(x, [0, 1], [5, 3]), x], 1)],
    ["parts stacked", [5, 8], (x) => tf.stack([x, x], 1)],
    ["parts", [6, 9], (x) => tf.split(x, [2, 3, 4], 1)[1]],
    ["blocks to channels", [2, 6, 8, 4], (x) => spaceToDepth(x, 2)],
    ["a single element", [], (x) => tf.tile(tf.reshape(x, [1]), [1])],
    ["none", [0, 4], (x) => tf.transpose(x)],
  ])("%s", (_, shape, move) =>
    checkNoLeak(async () => {
      const { placer } = currentBackend();
      const results: number[][] = [];
      for (const mode of ["webgpu", "wasm"] as const) {
        placer.mode = mode;
        const y = tf.tidy(() => move(marked(shape)));
        results.push(await bitsOf(y));
        y.dispose();
      }
      placer.mode = "webgpu";
      expect(results[0]).toEqual(results[1]);
    }),
  );
});

it("adds more tensors than a shader binds", async () => {
  const x = tf.tensor1d([1, 2, 3, 4, 5]);
  const sum = tf.addN(Array.from({ length: 16 }, () => x));
  expect(Array.from(await sum.data())).toEqual([16, 32, 48, 64, 80]);
  tf.dispose([x, sum]);
});
