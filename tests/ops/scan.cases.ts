import * as tf from "@tensorflow/tfjs-core";
import { build, type Nd, offsetOf } from "../reference/nd.ts";
import type { InputSpec, OpCase } from "./case.ts";

/** Folds along the axis the elements up to each one. */
function scanned(
  x: Nd,
  axis: number,
  exclusive: boolean,
  reverse: boolean,
  fold: (values: number[]) => number,
): Nd {
  return build(x.shape, (index) =>
    fold(
      Array.from({ length: x.shape[axis] }, (_, i) => i)
        .filter((i) => (reverse ? i >= index[axis] : i <= index[axis]) && !(exclusive && i === index[axis]))
        .map((i) => x.data[offsetOf(x.shape, index.with(axis, i))]),
    ),
  );
}

const total = (values: number[]): number => values.reduce((a, b) => a + b, 0);
const product = (values: number[]): number => values.reduce((a, b) => a * b, 1);

const inputs: readonly (readonly [InputSpec, number])[] = [
  [{ shape: [1] }, 0],
  [{ shape: [5] }, 0],
  [{ shape: [3, 4] }, 0],
  [{ shape: [3, 4] }, 1],
  [{ shape: [2, 5, 3] }, 1],
  [{ shape: [2, 0, 3] }, 1],
  [{ shape: [2, 3], values: [2, 0, 3, 0, 0, -1] }, 1],
];

export const cases: OpCase[] = [
  ...inputs.flatMap(([input, axis]) =>
    [false, true].flatMap((exclusive) =>
      [false, true].flatMap((reverse): OpCase[] => {
        const how = `[${input.shape}]${input.values ? " with zeros" : ""} along ${axis}${exclusive ? ", exclusive" : ""}${reverse ? ", reverse" : ""}`;
        return [
          {
            name: `cumsum ${how}`,
            inputs: [input],
            run: (x) => tf.cumsum(x, axis, exclusive, reverse),
            reference: (x) => scanned(x, axis, exclusive, reverse, total),
            reduction: 9,
          },
          {
            name: `cumprod ${how}`,
            inputs: [input],
            run: (x) => tf.cumprod(x, axis, exclusive, reverse),
            reference: (x) => scanned(x, axis, exclusive, reverse, product),
            reduction: 9,
          },
        ];
      }),
    ),
  ),
  {
    name: "cumsum of int32",
    inputs: [{ shape: [3, 5], dtype: "int32", range: [-9, 9] }],
    run: (x) => tf.cumsum(x, 1),
    reference: (x) => scanned(x, 1, false, false, total),
  },
];
