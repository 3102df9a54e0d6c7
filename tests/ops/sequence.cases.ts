import * as tf from "@tensorflow/tfjs-core";
import { build } from "../reference/nd.ts";
import type { OpCase } from "./case.ts";

const ranges: [number, number, number, number][] = [
  [0, 5, 1, 5],
  [3, 3, 1, 0],
  [5, 0, 1, 5],
  [5, 0, -2, 3],
  [0, 5, -1, 0],
  [-1, 1, 0.25, 8],
];

export const cases: OpCase[] = [
  ...ranges.flatMap(([start, stop, step, count]) =>
    (["float32", "int32"] as const)
      .filter((dtype) => dtype === "float32" || Number.isInteger(step))
      .map(
        (dtype): OpCase => ({
          name: `range from ${start} to ${stop} by ${step}, ${dtype}`,
          inputs: [],
          run: () => tf.range(start, stop, step, dtype),
          reference: () => build([count], ([i]) => start + i * (stop < start && step === 1 ? -1 : step)),
          gradient: [],
        }),
      ),
  ),
  ...(
    [
      [0, 1, 5],
      [2, -3, 17],
      [4, 9, 1],
    ] as const
  ).map(
    ([start, stop, num]): OpCase => ({
      name: `linspace of ${num} from ${start} to ${stop}`,
      inputs: [],
      run: () => tf.linspace(start, stop, num),
      reference: () => build([num], ([i]) => start + (num === 1 ? 0 : (i * (stop - start)) / (num - 1))),
      gradient: [],
    }),
  ),
  ...(["float32", "int32", "bool"] as const).map(
    (dtype): OpCase => ({
      name: `oneHot of [2,3], ${dtype}, an index out of range marks nothing`,
      inputs: [{ shape: [2, 3], dtype: "int32", values: [0, 4, 2, -1, 5, 1] }],
      run: (indices) => tf.oneHot(indices, 5, 1, 0, dtype),
      reference: (indices) => build([2, 3, 5], ([i, j, k]) => (indices.data[i * 3 + j] === k ? 1 : 0)),
      gradient: [],
    }),
  ),
  {
    name: "oneHot with its own values",
    inputs: [{ shape: [3], dtype: "int32", values: [1, 0, 2] }],
    run: (indices) => tf.oneHot(indices, 3, 0.9, -0.05, "float32"),
    reference: (indices) => build([3, 3], ([i, k]) => (indices.data[i] === k ? 0.9 : -0.05)),
    gradient: [],
  },
];
