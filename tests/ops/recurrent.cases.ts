import * as tf from "@tensorflow/tfjs-core";
import { gruCell } from "../../src/ops/recurrent.ts";
import { build, type Nd } from "../reference/nd.ts";
import type { OpCase } from "./case.ts";

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** Row n of x by column c of w. */
const product = (x: Nd, w: Nd, n: number, c: number): number => {
  const [, depth] = x.shape;
  let sum = 0;
  for (let k = 0; k < depth; k++) sum += x.data[n * depth + k] * w.data[k * w.shape[1] + c];
  return sum;
};

function gru(x: Nd, h: Nd, kernel: Nd, recurrent: Nd, bias: Nd, recurrentBias: Nd): Nd {
  const [batch, units] = h.shape;
  return build([batch, units], ([n, c]) => {
    const [r, z, fresh] = [0, 1, 2].map((gate) => gate * units + c);
    const fromX = (at: number) => product(x, kernel, n, at) + bias.data[at];
    const fromH = (at: number) => product(h, recurrent, n, at) + recurrentBias.data[at];
    const update = sigmoid(fromX(z) + fromH(z));
    const value = Math.tanh(fromX(fresh) + sigmoid(fromX(r) + fromH(r)) * fromH(fresh));
    return (1 - update) * value + update * h.data[n * units + c];
  });
}

/** Gates in TensorFlow.js's order: input, new, forget, output. State and output side by side. */
function lstm(kernel: Nd, bias: Nd, x: Nd, c: Nd, h: Nd): Nd {
  const [batch, units] = c.shape;
  const both = build([batch, x.shape[1] + units], ([n, i]) =>
    i < x.shape[1] ? x.data[n * x.shape[1] + i] : h.data[n * units + i - x.shape[1]],
  );
  return build([batch, 2 * units], ([n, at]) => {
    const unit = at % units;
    const gate = (k: number) => product(both, kernel, n, k * units + unit) + bias.data[k * units + unit];
    const state = sigmoid(gate(0)) * Math.tanh(gate(1)) + c.data[n * units + unit] * sigmoid(1 + gate(2));
    return at < units ? state : Math.tanh(state) * sigmoid(gate(3));
  });
}

export const cases: OpCase[] = [
  {
    name: "gruCell of 3 inputs and 2 units",
    inputs: [[2, 3], [2, 2], [3, 6], [2, 6], [6], [6]].map((shape) => ({ shape })),
    run: (x, h, kernel, recurrent, bias, recurrentBias) =>
      gruCell(x, h, { kernel, recurrent, bias, recurrentBias }),
    reference: gru,
    reduction: 6,
    tolerance: 1e-5,
  },
  {
    name: "basicLSTMCell of 3 inputs and 2 units",
    inputs: [[5, 8], [8], [2, 3], [2, 2], [2, 2]].map((shape) => ({ shape })),
    run: (kernel, bias, x, c, h) =>
      tf.concat(
        tf.basicLSTMCell(
          1,
          kernel as tf.Tensor2D,
          bias as tf.Tensor1D,
          x as tf.Tensor2D,
          c as tf.Tensor2D,
          h as tf.Tensor2D,
        ),
        1,
      ),
    reference: lstm,
    reduction: 6,
    tolerance: 1e-5,
  },
];
