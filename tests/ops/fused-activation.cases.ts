import { type BiasActivationOptions, biasActivation } from "../../src/ops/fused-activation.ts";
import { build, broadcastAt as readAt } from "../reference/nd.ts";
import type { OpCase } from "./case.ts";

const options: readonly BiasActivationOptions[] = [
  {},
  { activation: "relu", gain: Math.SQRT2 },
  { activation: "linear", gain: 0.5 },
  { activation: "leakyRelu", alpha: 0.1, gain: 3 },
];

const slopeOf = ({ activation = "leakyRelu", alpha = 0.2 }: BiasActivationOptions): number =>
  ({ linear: 1, relu: 0, leakyRelu: alpha })[activation];

export const cases: OpCase[] = [[1], [5, 3], [2, 3, 3, 17], [0, 4], [7, 8], [11, 1600]].flatMap((shape) =>
  // The last has several blocks of rows, and is slow in float64.
  (shape[1] > 1000 ? options.slice(0, 1) : options).flatMap((given): OpCase[] => {
    const channels = shape.at(-1)!;
    // x on a grid of odd hundredths and bias of even ones: no sum comes near the kink.
    const n = shape.reduce((a, b) => a * b, 1);
    const x = Array.from({ length: n }, (_, i) => (((i * 37) % 100) * 2 - 99) / 100);
    const bias = Array.from({ length: channels }, (_, i) => (((i * 7) % 10) * 2 - 10) / 25);
    const f = (v: number): number => (given.gain ?? 1) * (v > 0 ? v : slopeOf(given) * v);
    return [
      {
        name: `biasActivation [${shape}] ${JSON.stringify(given)}`,
        inputs: [
          { shape, values: x },
          { shape: [channels], values: bias },
        ],
        run: (a, b) => biasActivation(a, b, given),
        reference: (a, b) => build(a.shape, (index) => f(readAt(a, index) + b.data[index.at(-1)!])),
        reduction: 20,
      },
      {
        name: `biasActivation [${shape}] without bias ${JSON.stringify(given)}`,
        inputs: [{ shape, values: x }],
        run: (a) => biasActivation(a, undefined, given),
        reference: (a) => build(a.shape, (index) => f(readAt(a, index))),
      },
    ];
  }),
);
