import * as tf from "@tensorflow/tfjs-core";
import { pick } from "../reference/movement.ts";
import type { OpCase } from "./case.ts";
import { inEachDtype } from "./dtypes.ts";

// biome-ignore format: a row a case
const orders: [number[], number[]][] = [
  [[1, 1], [1, 0]],
  [[3, 5], [1, 0]],
  [[4, 8], [1, 0]],
  [[17, 23], [1, 0]],
  [[1024, 6], [1, 0]],
  [[2, 3, 5], [0, 2, 1]],
  [[2, 3, 5], [2, 1, 0]],
  [[7, 6, 5], [2, 0, 1]],
  [[2, 5, 4, 9], [0, 3, 1, 2]],
  [[2, 9, 5, 4], [0, 2, 3, 1]],
  [[3, 1, 4, 5], [3, 2, 1, 0]],
  [[2, 3, 4, 2, 3], [4, 2, 0, 3, 1]],
  [[2, 3, 2, 3, 2, 3], [5, 0, 3, 1, 4, 2]],
  [[0, 3], [1, 0]],
];

// biome-ignore format: a row a case
const tiles: [number[], number[]][] = [
  [[1], [5]],
  [[3], [4]],
  [[2, 3], [3, 1]],
  [[2, 3], [1, 2]],
  [[5, 1], [1, 17]],
  [[2, 1, 3], [2, 3, 2]],
  [[2, 2, 3, 2, 2], [1, 2, 1, 3, 1]],
  [[2, 3], [0, 1]],
];

const reversals: [number[], number[] | number | undefined][] = [
  [[7], 0],
  [[3, 5], [1]],
  [
    [3, 5],
    [0, -1],
  ],
  [[2, 4, 5, 3], [2]],
  [[2, 3, 2, 3], undefined],
  [[0, 2], [0]],
];

export const cases: OpCase[] = [
  ...orders.flatMap(([shape, perm]) =>
    inEachDtype(`transpose [${shape}] by [${perm}]`, [shape], {
      run: (x) => tf.transpose(x, perm),
      reference: (x) =>
        pick(
          x,
          perm.map((axis) => shape[axis]),
          (at) => shape.map((_, axis) => at[perm.indexOf(axis)]),
        ),
    }),
  ),
  ...tiles.flatMap(([shape, reps]) =>
    inEachDtype(`tile [${shape}] by [${reps}]`, [shape], {
      run: (x) => tf.tile(x, reps),
      reference: (x) =>
        pick(
          x,
          shape.map((n, a) => n * reps[a]),
          (at) => at.map((i, a) => i % shape[a]),
        ),
    }),
  ),
  ...reversals.flatMap(([shape, axes]) => {
    const turned =
      axes === undefined ? undefined : [axes].flat().map((a) => (a + shape.length) % shape.length);
    return inEachDtype(`reverse [${shape}] along ${axes}`, [shape], {
      run: (x) => tf.reverse(x, axes),
      reference: (x) =>
        pick(x, shape, (at) => at.map((i, a) => (turned?.includes(a) === false ? i : shape[a] - 1 - i))),
    });
  }),
  {
    name: "flipLeftRight [2,4,5,3]",
    inputs: [{ shape: [2, 4, 5, 3] }],
    run: (x) => tf.image.flipLeftRight(x as tf.Tensor4D),
    reference: (x) => pick(x, [2, 4, 5, 3], ([n, i, j, c]) => [n, i, 4 - j, c]),
  },
  ...[0, 1, -1].map(
    (dim): OpCase => ({
      name: `expandDims [3,5] at ${dim}`,
      inputs: [{ shape: [3, 5] }],
      run: (x) => tf.expandDims(x, dim),
      reference: (x) =>
        pick(
          x,
          [
            [1, 3, 5],
            [3, 1, 5],
            [3, 5, 1],
          ].at(dim)!,
          (at) => at.filter((_, a) => a !== (dim + 3) % 3),
        ),
    }),
  ),
  {
    name: "transpose [512,512]",
    inputs: [{ shape: [512, 512] }],
    run: (x) => tf.transpose(x),
    reference: (x) => pick(x, [512, 512], ([i, j]) => [j, i]),
    gradient: [],
    bench: true,
  },
];
