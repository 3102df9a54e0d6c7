import type { Tensor } from "@tensorflow/tfjs-core";
import { callMany } from "../../src/backend/op.ts";
import { batchNormTrain, batchNormTrainGrad } from "../../src/ops/batch-norm-train.ts";
import { type Nd, nd } from "../reference/nd.ts";
import type { OpCase } from "./case.ts";

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

function train(x: Nd, scale: Nd, offset: Nd, groups: number): Nd {
  const y = nd(x.shape);
  for (const { channel, indices } of sets(x.shape, groups)) {
    const { xHat } = normalised(indices.map((i) => x.data[i]));
    for (const [row, i] of indices.entries()) {
      y.data[i] = scale.data[channel] * xHat[row] + offset.data[channel];
    }
  }
  return y;
}

function trainGrad(dy: Nd, x: Nd, scale: Nd, groups: number): [dx: Nd, dscale: Nd, doffset: Nd] {
  const [dx, dscale, doffset] = [nd(x.shape), nd(scale.shape), nd(scale.shape)];
  for (const { channel, indices } of sets(x.shape, groups)) {
    const { deviation, xHat } = normalised(indices.map((i) => x.data[i]));
    const dys = indices.map((i) => dy.data[i]);
    const along = mean(dys.map((value, row) => value * xHat[row]));
    for (const [row, i] of indices.entries()) {
      dx.data[i] = (scale.data[channel] / deviation) * (dys[row] - mean(dys) - xHat[row] * along);
    }
    dscale.data[channel] += along * indices.length;
    doffset.data[channel] += mean(dys) * indices.length;
  }
  return [dx, dscale, doffset];
}

function forwardCase(shape: number[], groups: number, bench = false): OpCase {
  const channels = [shape.at(-1)!];
  return {
    name: `batchNormTrain [${shape}] in ${groups}`,
    inputs: [{ shape }, { shape: channels }, { shape: channels }],
    run: (x, scale, offset) => batchNormTrain(x, scale, offset, { epsilon, groups }).y,
    reference: (x, scale, offset) => train(x, scale, offset, groups),
    reduction: shape.reduce((a, b) => a * b, 1),
    bench,
  };
}

function gradCase(shape: number[], groups: number, output: number): OpCase {
  const channels = [shape.at(-1)!];
  return {
    name: `batchNormTrainGrad's ${["dx", "dscale", "doffset"][output]} [${shape}] in ${groups}`,
    inputs: [{ shape }, { shape }, { shape: channels }],
    run: (dy: Tensor, x: Tensor, scale: Tensor) =>
      callMany(batchNormTrainGrad, { dy, x, scale }, { epsilon, groups })[output],
    reference: (dy, x, scale) => trainGrad(dy, x, scale, groups)[output],
    reduction: shape.reduce((a, b) => a * b, 1),
  };
}

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
  gradCase([5, 3], 1, 0),
  gradCase([6, 7], 2, 0),
  gradCase([3, 3, 5, 4], 3, 0),
  gradCase([2, 9, 9, 6], 1, 0),
  gradCase([4, 2, 3, 9], 2, 1),
  gradCase([4, 2], 2, 1),
  gradCase([4, 2, 3, 9], 2, 2),
];
