import * as tf from "@tensorflow/tfjs-core";
import { pick } from "../reference/movement.ts";
import type { OpCase } from "./case.ts";
import { inEachDtype } from "./dtypes.ts";

// biome-ignore format: a row a case
const blocks: [number[], number[], number[]][] = [
  [[7], [2], [4]],
  [[7], [7], [0]],
  [[3, 5], [1, 0], [2, 5]],
  [[3, 5], [0, 2], [3, 1]],
  [[4, 3, 17], [1, 1, 3], [2, 2, 13]],
  [[2, 5, 4, 3], [1, 2, 0, 1], [1, 3, 4, 2]],
  [[2, 3, 2, 3, 2, 3], [0, 1, 0, 2, 1, 0], [2, 2, 1, 1, 1, 3]],
];

/** Shape, begin, end, strides, and what they take of each axis: first index, step, count. */
// biome-ignore format: a row a case
const strided: [number[], number[], number[], number[], [number, number, number][]][] = [
  [[10], [1], [9], [3], [[1, 3, 3]]],
  [[10], [8], [1], [-2], [[8, -2, 4]]],
  [[5], [3], [3], [1], [[3, 1, 0]]],
  [[5, 7], [-4, 6], [5, 0], [2, -3], [[1, 2, 2], [6, -3, 2]]],
  [[2, 8, 9, 3], [0, 0, 1, 0], [2, 8, 9, 3], [1, 2, 2, 1], [[0, 1, 2], [0, 2, 4], [1, 2, 4], [0, 1, 3]]],
];

export const cases: OpCase[] = [
  ...blocks.flatMap(([shape, begin, size]) =>
    inEachDtype(`slice [${shape}] from [${begin}], size [${size}]`, [shape], {
      run: (x) => tf.slice(x, begin, size),
      reference: (x) => pick(x, size, (at) => at.map((i, a) => i + begin[a])),
    }),
  ),
  ...strided.flatMap(([shape, begin, end, strides, taken]) =>
    inEachDtype(`stridedSlice [${shape}] from [${begin}] to [${end}] by [${strides}]`, [shape], {
      run: (x) => tf.stridedSlice(x, begin, end, strides),
      reference: (x) =>
        pick(
          x,
          taken.map(([, , count]) => count),
          (at) => at.map((i, a) => taken[a][0] + i * taken[a][1]),
        ),
    }),
  ),
  {
    name: "stridedSlice of an ellipsis, a new axis and one index",
    inputs: [{ shape: [3, 4, 5] }],
    // x[..., tf.newaxis, 2]
    run: (x) => tf.stridedSlice(x, [0, 0, 2], [0, 0, 3], [1, 1, 1], 0, 0, 1, 2, 4),
    reference: (x) => pick(x, [3, 4, 1], ([i, j]) => [i, j, 2]),
  },
];
