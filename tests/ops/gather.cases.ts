import * as tf from "@tensorflow/tfjs-core";
import { build, type Nd, nd, offsetOf, sizeOf } from "../reference/nd.ts";
import type { OpCase } from "./case.ts";

/** Shape of x, shape and values of the indices, axis, leading axes in common. */
const picks: [number[], number[], number[], number, number][] = [
  [[5], [3], [4, 0, 4], 0, 0],
  [[5, 3], [2, 2], [1, 1, 4, 0], 0, 0],
  [[3, 5], [4], [4, 2, 2, 0], 1, 0],
  [[2, 3, 17], [2], [2, 0], -2, 0],
  [[2, 5], [2, 3], [4, 0, 0, 1, 2, 1], 1, 1],
  [[2, 3, 4, 5], [2, 3], [3, 0, 3, 1, 2, 1], 2, 1],
  [[4, 3], [], [2], 0, 0],
  [[4, 3], [0], [], 0, 0],
];

/** x[b, o, indices[b, i], r] with the axes named as the plan of a gather names them. */
function gathered(x: Nd, indices: Nd, axis: number, batchDims: number): Nd {
  const along = axis < 0 ? axis + x.shape.length : axis;
  const picked = indices.shape.slice(batchDims);
  const shape = [...x.shape.slice(0, along), ...picked, ...x.shape.slice(along + 1)];
  return build(shape, (at) => {
    const which = [...at.slice(0, batchDims), ...at.slice(along, along + picked.length)];
    const i = indices.data[offsetOf(indices.shape, which)];
    return x.data[offsetOf(x.shape, [...at.slice(0, along), i, ...at.slice(along + picked.length)])];
  });
}

/** Sums of the rows of x by segment; ids out of range are left out. */
function segmentSums(x: Nd, ids: Nd, count: number): Nd {
  const rest = x.shape.slice(ids.shape.length);
  const run = sizeOf(rest);
  const y = nd([count, ...rest]);
  for (const [i, id] of ids.data.entries()) {
    if (id < 0 || id >= count) continue;
    for (let r = 0; r < run; r++) y.data[id * run + r] += x.data[i * run + r];
  }
  return y;
}

export const cases: OpCase[] = [
  ...picks.flatMap(([shape, indexShape, values, axis, batchDims]) =>
    (["float32", "int32", "bool"] as const).map(
      (dtype): OpCase => ({
        name: `gather [${shape}] at [${indexShape}], axis ${axis}, batchDims ${batchDims}, ${dtype}`,
        inputs: [
          { shape, dtype, range: dtype === "float32" ? [-1, 1] : [0, 2] },
          { shape: indexShape, dtype: "int32", values },
        ],
        run: (x, indices) => tf.gather(x, indices as tf.Tensor1D, axis, batchDims),
        reference: (x, indices) => gathered(x, indices, axis, batchDims),
        ...(dtype === "float32" ? {} : { gradient: [] }),
      }),
    ),
  ),
  ...(["float32", "int32"] as const).map(
    (dtype): OpCase => ({
      name: `unsortedSegmentSum [6,5] ${dtype}, some ids out of range`,
      inputs: [
        { shape: [6, 5], dtype, range: dtype === "float32" ? [-1, 1] : [-9, 10] },
        { shape: [6], dtype: "int32", values: [2, 0, 2, -1, 3, 7] },
      ],
      run: (x, ids) => tf.unsortedSegmentSum(x, ids as tf.Tensor1D, 4),
      reference: (x, ids) => segmentSums(x, ids, 4),
      ...(dtype === "float32" ? {} : { gradient: [] }),
    }),
  ),
];
