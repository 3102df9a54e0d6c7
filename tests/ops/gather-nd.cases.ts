import * as tf from "@tensorflow/tfjs-core";
import { type Nd, nd, sizeOf } from "../reference/nd.ts";
import type { OpCase } from "./case.ts";

/** Where the slice of each index vector starts in a tensor of this shape, and its length. */
function slices(shape: readonly number[], vectors: readonly (readonly number[])[]) {
  const depth = vectors[0].length;
  const run = sizeOf(shape.slice(depth));
  const starts = vectors.map((vector) =>
    vector.reduce((at, i, axis) => at + i * sizeOf(shape.slice(axis + 1)), 0),
  );
  return { run, starts, shape: [vectors.length, ...shape.slice(depth)] };
}

function scattered(into: Nd, vectors: readonly (readonly number[])[], updates: Nd, add: boolean): Nd {
  const { run, starts } = slices(into.shape, vectors);
  const y = nd(into.shape, into.data);
  for (const [i, start] of starts.entries()) {
    for (let j = 0; j < run; j++) {
      y.data[start + j] = updates.data[i * run + j] + (add ? y.data[start + j] : 0);
    }
  }
  return y;
}

const tables: readonly (readonly [number[], number[][]])[] = [
  [[5], [[4], [0], [4]]],
  [
    [3, 2],
    [[2], [0]],
  ],
  [
    [3, 4],
    [
      [2, 3],
      [0, 1],
      [2, 3],
      [1, 0],
    ],
  ],
  [
    [2, 3, 5],
    [
      [1, 2],
      [1, 2],
      [0, 0],
    ],
  ],
];

export const cases: OpCase[] = tables.flatMap(([shape, vectors]): OpCase[] => {
  const how = `[${shape}] at ${JSON.stringify(vectors)}`;
  const { run, starts, shape: taken } = slices(shape, vectors);
  const indices = () => tf.tensor2d(vectors, undefined, "int32");
  return [
    {
      name: `gatherND ${how}`,
      inputs: [{ shape }],
      run: (x) => tf.gatherND(x, indices()),
      reference: (x) =>
        nd(
          taken,
          starts.flatMap((start) => [...x.data.slice(start, start + run)]),
        ),
    },
    {
      name: `scatterND ${how}`,
      inputs: [{ shape: taken }],
      run: (updates) => tf.scatterND(indices(), updates, shape as never),
      reference: (updates) => scattered(nd(shape), vectors, updates, true),
    },
    {
      name: `tensorScatterUpdate ${how}`,
      inputs: [{ shape }, { shape: taken }],
      run: (x, updates) => tf.tensorScatterUpdate(x, indices(), updates),
      reference: (x, updates) => scattered(x, vectors, updates, false),
    },
  ];
});
