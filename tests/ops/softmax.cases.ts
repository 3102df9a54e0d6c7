import * as tf from "@tensorflow/tfjs-core";
import { logSoftmax } from "../../src/ops/softmax.ts";
import { type Nd, nd } from "../reference/nd.ts";
import type { OpCase } from "./case.ts";

/** Applies f to each row along the last axis. */
function byRow(x: Nd, f: (row: number[]) => number[]): Nd {
  const n = x.shape.at(-1)!;
  const y = nd(x.shape);
  for (let i = 0; i < x.data.length; i += n) y.data.set(f([...x.data.slice(i, i + n)]), i);
  return y;
}

const softmaxOf = (row: number[]): number[] => {
  const e = row.map((v) => Math.exp(v - Math.max(...row)));
  const sum = e.reduce((a, b) => a + b, 0);
  return e.map((v) => v / sum);
};

const logSumExpOf = (row: number[]): number => Math.log(row.reduce((sum, v) => sum + Math.exp(v), 0));

export const cases: OpCase[] = [
  ...[[1], [5], [3, 4], [2, 3, 9]].flatMap((shape): OpCase[] => [
    {
      name: `softmax [${shape}]`,
      inputs: [{ shape, range: [-2, 2] }],
      run: (x) => tf.softmax(x),
      reference: (x) => byRow(x, softmaxOf),
    },
    {
      name: `logSoftmax [${shape}]`,
      inputs: [{ shape, range: [-2, 2] }],
      run: logSoftmax,
      reference: (x) => byRow(x, (row) => row.map((v) => v - logSumExpOf(row))),
    },
    {
      name: `tf.logSoftmax [${shape}], which saves its result`,
      inputs: [{ shape, range: [-2, 2] }],
      run: (x) => tf.logSoftmax(x),
      reference: (x) => byRow(x, (row) => row.map((v) => v - logSumExpOf(row))),
    },
  ]),
  {
    name: "softmax of logits far beyond exp's range",
    inputs: [{ shape: [2, 3], values: [1000, 1001, 999, -1000, -1000, -2000] }],
    run: (x) => tf.softmax(x),
    reference: (x) => byRow(x, softmaxOf),
    gradient: [],
  },
  {
    name: "softmax [0,3]",
    inputs: [{ shape: [0, 3] }],
    run: (x) => tf.softmax(x),
    reference: (x) => x,
    gradient: [],
  },
  {
    name: "logSumExp [3,5]",
    inputs: [{ shape: [3, 5], values: Array.from({ length: 15 }, (_, i) => ((i * 7) % 15) / 5) }],
    run: (x) => tf.logSumExp(x, 1),
    reference: (x) =>
      nd(
        [3],
        [0, 1, 2].map((row) => logSumExpOf([...x.data.slice(row * 5, row * 5 + 5)])),
      ),
    reduction: 5,
  },
];
