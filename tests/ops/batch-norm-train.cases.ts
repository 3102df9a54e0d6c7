import type { Tensor } from "@tensorflow/tfjs-core";
import { callMany } from "../../src/backend/op.ts";
import {
  type BatchNormTrainOptions,
  batchNormTrain,
  batchNormTrainGrad,
} from "../../src/ops/batch-norm-train.ts";
import { type Nd, nd } from "../reference/nd.ts";
import type { InputSpec, OpCase } from "./case.ts";

const epsilon = 0.01;

/** Indices into x of the values that are normalised together, by group and channel. */
function sets(shape: readonly number[], groups: number): { channel: number; indices: number[] }[] {
  const channels = shape.at(-1)!;
  const rows = shape.slice(0, -1).reduce((a, b) => a * b, 1) / groups;
  return Array.from({ length: groups * channels }, (_, set) => {
    const channel = set % channels;
    const first = Math.floor(set / channels) * rows;
    return { channel, indices: Array.from({ length: rows }, (_, row) => (first + row) * channels + channel) };
  });
}

const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

function normalised(values: number[]): { deviation: number; xHat: number[] } {
  const centre = mean(values);
  const deviation = Math.sqrt(mean(values.map((value) => (value - centre) ** 2)) + epsilon);
  return { deviation, xHat: values.map((value) => (value - centre) / deviation) };
}

type Activation = Pick<BatchNormTrainOptions, "activation" | "alpha">;

const slopeOf = ({ activation = "linear", alpha = 0.2 }: Activation): number =>
  ({ linear: 1, relu: 0, leakyRelu: alpha })[activation];

function train(x: Nd, scale: Nd, offset: Nd, groups: number, slope: number): Nd {
  const y = nd(x.shape);
  for (const { channel, indices } of sets(x.shape, groups)) {
    const { xHat } = normalised(indices.map((i) => x.data[i]));
    for (const [row, i] of indices.entries()) {
      const v = scale.data[channel] * xHat[row] + offset.data[channel];
      y.data[i] = v > 0 ? v : slope * v;
    }
  }
  return y;
}

function trainGrad(dy: Nd, x: Nd, scale: Nd, offset: Nd, groups: number, slope: number): Nd[] {
  const [dx, dscale, doffset] = [nd(x.shape), nd(scale.shape), nd(scale.shape)];
  for (const { channel, indices } of sets(x.shape, groups)) {
    const { deviation, xHat } = normalised(indices.map((i) => x.data[i]));
    const dzs = indices.map((i, row) => {
      const v = scale.data[channel] * xHat[row] + offset.data[channel];
      return dy.data[i] * (v > 0 ? 1 : slope);
    });
    const along = mean(dzs.map((value, row) => value * xHat[row]));
    for (const [row, i] of indices.entries()) {
      dx.data[i] = (scale.data[channel] / deviation) * (dzs[row] - mean(dzs) - xHat[row] * along);
    }
    dscale.data[channel] += along * indices.length;
    doffset.data[channel] += mean(dzs) * indices.length;
  }
  return [dx, dscale, doffset];
}

/** Of x, scale and offset; before an activation on both sides of its kink, few of them near it. */
function inputsOf(shape: number[], { activation = "linear" }: Activation): InputSpec[] {
  const channels = [shape.at(-1)!];
  if (activation === "linear") return [{ shape }, { shape: channels }, { shape: channels }];
  return [
    { shape, away: 0.5 },
    { shape: channels, range: [0.5, 1] },
    { shape: channels, range: [-0.2, 0.2] },
  ];
}

function forwardCase(shape: number[], groups: number, activation: Activation = {}): OpCase {
  return {
    name: `batchNormTrain [${shape}] in ${groups} ${JSON.stringify(activation)}`,
    inputs: inputsOf(shape, activation),
    run: (x, scale, offset) => batchNormTrain(x, scale, offset, { epsilon, groups, ...activation }).y,
    reference: (x, scale, offset) => train(x, scale, offset, groups, slopeOf(activation)),
    reduction: shape.reduce((a, b) => a * b, 1),
  };
}

function gradCase(shape: number[], groups: number, output: number, activation: Activation = {}): OpCase {
  const slope = slopeOf(activation);
  return {
    name: `batchNormTrainGrad's ${["dx", "dscale", "doffset"][output]} [${shape}] in ${groups} ${JSON.stringify(activation)}`,
    inputs: [{ shape }, ...inputsOf(shape, activation)],
    run: (dy: Tensor, x: Tensor, scale: Tensor, offset: Tensor) => {
      const { mean, variance } = batchNormTrain(x, scale, offset, { epsilon, groups });
      const inputs = { dy, x, scale, offset, mean, variance };
      return callMany(batchNormTrainGrad, inputs, { epsilon, groups, slope })[output];
    },
    reference: (dy, x, scale, offset) => trainGrad(dy, x, scale, offset, groups, slope)[output],
    reduction: shape.reduce((a, b) => a * b, 1),
  };
}

const relu: Activation = { activation: "relu" };
const leakyRelu: Activation = { activation: "leakyRelu", alpha: 0.3 };

export const cases: OpCase[] = [
  forwardCase([5, 1], 1),
  forwardCase([4, 3], 2),
  forwardCase([6, 4], 3),
  forwardCase([9, 5], 3),
  forwardCase([17, 17], 1),
  forwardCase([2, 3, 3, 2], 2),
  forwardCase([3, 5, 7, 8], 3),
  forwardCase([2, 9, 8, 13], 1),
  forwardCase([6, 3, 2, 16], 2),
  forwardCase([6, 3], 2, relu),
  forwardCase([17, 9], 1, leakyRelu),
  forwardCase([4, 5, 3, 8], 2, leakyRelu),
  forwardCase([5, 6], 1, { activation: "leakyRelu", alpha: 2 }),
  forwardCase([2, 9, 9, 6], 1, relu),
  // Rows in several blocks. Of so many values some are near the kink, where differences are none.
  { ...forwardCase([2, 17, 513], 2, leakyRelu), gradient: [] },
  forwardCase([35, 513], 1),
  gradCase([5, 3], 1, 0),
  gradCase([6, 7], 2, 0),
  gradCase([3, 3, 5, 4], 3, 0),
  gradCase([2, 9, 9, 6], 1, 0),
  gradCase([4, 2, 3, 9], 2, 1),
  gradCase([4, 2], 2, 1),
  gradCase([4, 2, 3, 9], 2, 2),
  gradCase([6, 7], 2, 0, leakyRelu),
  gradCase([5, 3], 1, 0, relu),
  gradCase([4, 2, 3, 9], 2, 1, leakyRelu),
  gradCase([4, 2], 2, 2, relu),
  { ...gradCase([2, 17, 513], 2, 0, leakyRelu), gradient: [] },
  gradCase([35, 513], 1, 1),
];
