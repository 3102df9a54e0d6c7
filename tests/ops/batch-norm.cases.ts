import * as tf from "@tensorflow/tfjs-core";
import { build, type Nd } from "../reference/nd.ts";
import type { InputSpec, OpCase } from "./case.ts";

const epsilon = 0.01;

interface Options {
  readonly x: readonly number[];
  readonly parameter?: readonly number[];
  readonly offset: boolean;
  readonly scale: boolean;
}

function batchNormCase({ x, parameter = [x.at(-1)!], offset, scale }: Options): OpCase {
  const names = ["mean", "variance", ...(offset ? ["offset"] : []), ...(scale ? ["scale"] : [])];
  const named = <T>(values: T[]) => Object.fromEntries(values.map((value, i) => [names[i], value]));
  const inputs: InputSpec[] = names.map((name) => ({
    shape: parameter,
    range: name === "variance" ? ([0.5, 2] as const) : undefined,
  }));
  return {
    name: `batchNorm [${x}] by [${parameter}]${offset ? " with offset" : ""}${scale ? " with scale" : ""}`,
    inputs: [{ shape: x }, ...inputs],
    run: (input, ...parameters) => {
      const p = named(parameters) as Record<string, tf.Tensor1D>;
      return tf.batchNorm(input, p.mean, p.variance, p.offset, p.scale, epsilon);
    },
    reference: (input, ...parameters) => {
      const p = named(parameters) as Record<string, Nd>;
      let i = 0;
      return build(x, () => {
        const at = i % p.mean.data.length;
        const deviation = Math.sqrt(p.variance.data[at] + epsilon);
        const gain = (p.scale?.data[at] ?? 1) / deviation;
        return (input.data[i++] - p.mean.data[at]) * gain + (p.offset?.data[at] ?? 0);
      });
    },
    reduction: x.reduce((a, b) => a * b, 1),
  };
}

export const cases: OpCase[] = [
  batchNormCase({ x: [2, 3, 3, 5], offset: true, scale: true }),
  batchNormCase({ x: [2, 3, 3, 5], offset: false, scale: false }),
  batchNormCase({ x: [1, 2, 3, 8], offset: true, scale: false }),
  batchNormCase({ x: [3, 2, 1, 1], offset: false, scale: true }),
  batchNormCase({ x: [7, 17], offset: true, scale: true }),
  batchNormCase({ x: [2, 2, 3, 4], parameter: [2, 2, 3, 4], offset: true, scale: true }),
];
