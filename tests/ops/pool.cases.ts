import * as tf from "@tensorflow/tfjs-core";
import type { PoolAttrs } from "../../src/ops/pool.ts";
import { spread } from "../reference/movement.ts";
import { pooled, type Windows, windows } from "../reference/pictures.ts";
import type { OpCase } from "./case.ts";

/** Shape, attributes, and the windows they mean: number, length, stride, padding before, for rows and columns. */
const pools: [number[], PoolAttrs, Windows, Windows][] = [
  [[1, 1, 1, 1], { filterSize: 1, strides: 1, pad: "valid" }, windows(1, 1, 1, 0), windows(1, 1, 1, 0)],
  [[2, 4, 6, 3], { filterSize: 2, strides: 2, pad: "valid" }, windows(2, 2, 2, 0), windows(3, 2, 2, 0)],
  [[1, 5, 7, 4], { filterSize: 2, strides: 2, pad: "valid" }, windows(2, 2, 2, 0), windows(3, 2, 2, 0)],
  [[1, 5, 4, 5], { filterSize: 3, strides: 2, pad: "same" }, windows(3, 3, 2, 1), windows(2, 3, 2, 0)],
  [[1, 3, 4, 9], { filterSize: 3, strides: 1, pad: "same" }, windows(3, 3, 1, 1), windows(4, 3, 1, 1)],
  [[1, 6, 5, 2], { filterSize: [2, 3], strides: [1, 2], pad: 1 }, windows(7, 2, 1, 1), windows(3, 3, 2, 1)],
  [
    [1, 5, 4, 3],
    { filterSize: 2, strides: 2, pad: 0, dimRoundingMode: "ceil" },
    windows(3, 2, 2, 0),
    windows(2, 2, 2, 0),
  ],
  [
    [1, 6, 4, 2],
    { filterSize: 3, strides: 2, pad: 0, dimRoundingMode: "floor" },
    windows(2, 3, 2, 0),
    windows(1, 3, 2, 0),
  ],
  [
    [1, 4, 3, 3],
    {
      filterSize: 2,
      strides: 1,
      pad: [
        [0, 0],
        [1, 0],
        [0, 1],
        [0, 0],
      ],
    },
    windows(4, 2, 1, 1),
    windows(3, 2, 1, 0),
  ],
];

/** A discriminator's downsampling, too large for the reference to differentiate. */
const large: [number[], PoolAttrs, Windows, Windows] = [
  [16, 32, 32, 64],
  { filterSize: 2, strides: 2, pad: "valid" },
  windows(16, 2, 2, 0),
  windows(16, 2, 2, 0),
];

/** Windows that lie in the padding alone: TensorFlow.js allows them. */
const beyond: [number[], PoolAttrs, Windows, Windows] = [
  [1, 4, 4, 5],
  { filterSize: 2, strides: 2, pad: 2 },
  windows(4, 2, 2, 2),
  windows(4, 2, 2, 2),
];

const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / Math.max(1, values.length);

export const cases: OpCase[] = [...pools, large, beyond].flatMap(([shape, attrs, rows, cols]): OpCase[] => {
  const { filterSize, strides, pad, dimRoundingMode } = attrs;
  const rest = [filterSize, strides, pad as number, dimRoundingMode] as const;
  const name = `[${shape}] with ${JSON.stringify(attrs)}`;
  const atSize = attrs === large[1] ? { gradient: [], bench: true } : {};
  return [
    {
      ...atSize,
      name: `avgPool ${name}`,
      inputs: [{ shape }],
      run: (x) => tf.avgPool(x as tf.Tensor4D, ...rest),
      reference: (x) => pooled(x, rows, cols, mean),
      reduction: rows.length * cols.length,
    },
    {
      ...atSize,
      name: `maxPool ${name}`,
      inputs: [{ shape, values: spread(shape) }],
      run: (x) => tf.maxPool(x as tf.Tensor4D, ...rest),
      reference: (x) => pooled(x, rows, cols, (values) => Math.max(...values)),
      // -∞ has no loss to differentiate.
      ...(attrs === beyond[1] ? { gradient: [] } : {}),
    },
  ];
});
