import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { spaceToDepth } from "../../src/ops/space-depth.ts";
import { useBuild } from "../builds.ts";
import { checkNoLeak } from "./check.ts";

beforeAll(useBuild);

const pictures = (...shape: [number, number, number, number]): tf.Tensor4D => tf.zeros(shape);

const faults: [string, () => unknown, RegExp][] = [
  ["a slice beyond the end", () => tf.slice(tf.zeros([3, 5]), [1, 4], [2, 2]), /^slice: .*\[3,5\].*\[1,4\]/],
  ["a negative slice", () => tf.slice(tf.zeros([3]), [-2], [1]), /^slice: expected begin ≥ 0/],
  ["padding of another rank", () => tf.pad(tf.zeros([3, 5]), [[1, 1]]), /^pad: expected 2 pairs .*\[3,5\]/],
  ["negative padding", () => tf.pad(tf.zeros([3]), [[-1, 1]]), /^pad: .*\[\[-1,1\]\]/],
  [
    "concat of unlike shapes",
    () => tf.concat([tf.zeros([2, 3]), tf.zeros([3, 3])], 1),
    /^concat: .*but for axis 1, got \[2,3\], \[3,3\]/,
  ],
  [
    "concat of unlike dtypes",
    () => tf.concat([tf.zeros([2]), tf.zeros([2], "int32")]),
    /^concat: .*float32, int32.*cast/,
  ],
  ["stack of unlike shapes", () => tf.stack([tf.zeros([2]), tf.zeros([3])]), /^stack: .*\[2\], \[3\]/],
  ["a split that leaves a rest", () => tf.split(tf.zeros([7]), 2), /^split: .*divides 7/],
  ["split sizes of another sum", () => tf.split(tf.zeros([7]), [3, 3]), /^split: .*add up to 7/],
  [
    "an axis that is not there",
    () => tf.reverse(tf.zeros([3, 5]), 2),
    /^reverse: .*from -2 to 1 .*\[3,5\], got 2/,
  ],
  [
    "a transposition that names an axis twice",
    () => tf.transpose(tf.zeros([3, 5]), [0, 0]),
    /^transpose: .*\[0,0\]/,
  ],
  [
    "an index beyond the axis",
    () => tf.gather(tf.zeros([5, 3]), tf.tensor1d([0, 5], "int32")),
    /^gather: .* is not in \[0, 4\] .*position 1/,
  ],
  [
    "a channel count that is no block",
    () => tf.depthToSpace(pictures(1, 2, 2, 6), 2),
    /divisible by 4|depthToSpace:/,
  ],
  [
    "a height that is no block",
    () => spaceToDepth(pictures(1, 3, 4, 1), 2),
    /^spaceToDepth: .*\[1,3,4,1\].*Pad/,
  ],
  [
    "pictures of no pixel",
    () => tf.image.resizeBilinear(pictures(1, 0, 2, 3), [4, 4]),
    /^resizeBilinear: .*\[1,0,2,3\]/,
  ],
  [
    "an empty size",
    () => tf.image.resizeNearestNeighbor(pictures(1, 2, 2, 3), [0, 4]),
    /^resizeNearestNeighbor: .*\[0,4\]/,
  ],
  [
    "pooling of int32",
    () => tf.maxPool(tf.zeros([1, 4, 4, 1], "int32") as tf.Tensor4D, 2, 2, 0),
    /^maxPool: .*int32.*cast/,
  ],
  [
    "a window larger than the picture",
    () => tf.avgPool(pictures(1, 4, 4, 1), 5, 1, "valid"),
    /^avgPool: .*\[1,4,4,1\], filterSize 5/,
  ],
];

describe("faulty calls", () => {
  for (const [name, call, message] of faults) {
    it(`${name} is named with its shapes, and leaves no tensor behind`, () =>
      checkNoLeak(async () => {
        tf.tidy(() => {
          expect(call).toThrow(message);
        });
      }));
  }
});
