import * as tf from "@tensorflow/tfjs-core";
import {
  downsample2d,
  filter2d,
  type Upfirdn2dOptions,
  upfirdn2d,
  upsample2d,
} from "../../src/ops/upfirdn2d.ts";
import { build, type Nd, nd, offsetOf } from "../reference/nd.ts";
import type { OpCase } from "./case.ts";

type Pair = readonly [number, number];
const pair = (value: number | Pair): Pair => (typeof value === "number" ? [value, value] : value);

/** Step by step as the paper has it: spread, pad, convolve, drop. */
function reference(
  x: Nd,
  f: Nd,
  { up = 1, down = 1, pad = 0, flip = false, gain = 1 }: Upfirdn2dOptions,
): Nd {
  const [upY, upX] = pair(up);
  const [downY, downX] = pair(down);
  const pads = typeof pad === "number" ? [pair(pad), pair(pad)] : pad;
  const [batch, height, width, channels] = x.shape;
  const padded = [height * upY + pads[0][0] + pads[0][1], width * upX + pads[1][0] + pads[1][1]];
  const at = (n: number, h: number, w: number, c: number): number => {
    const [i, j] = [(h - pads[0][0]) / upY, (w - pads[1][0]) / upX];
    const inside = Number.isInteger(i) && Number.isInteger(j) && i >= 0 && j >= 0 && i < height && j < width;
    return inside ? x.data[offsetOf(x.shape, [n, i, j, c])] : 0;
  };
  const [high, wide] = f.shape;
  const size = [Math.floor((padded[0] - high) / downY) + 1, Math.floor((padded[1] - wide) / downX) + 1];
  return build([batch, ...size, channels], ([n, i, j, c]) => {
    let sum = 0;
    for (let r = 0; r < high; r++) {
      for (let s = 0; s < wide; s++) {
        const weight = flip ? f.data[r * wide + s] : f.data[(high - 1 - r) * wide + wide - 1 - s];
        sum += weight * at(n, i * downY + r, j * downX + s, c);
      }
    }
    return gain * sum;
  });
}

const outer = (f: Nd): Nd => build([f.shape[0], f.shape[0]], ([r, s]) => f.data[r] * f.data[s]);

const table: readonly (readonly [number[], number[], Upfirdn2dOptions])[] = [
  [[1, 1, 1, 1], [1, 1], {}],
  [[1, 3, 4, 2], [2, 3], {}],
  [[2, 4, 3, 3], [3, 3], { up: 2, pad: 1 }],
  [
    [1, 5, 7, 9],
    [4, 4],
    {
      down: 2,
      pad: [
        [1, 1],
        [1, 1],
      ],
      flip: true,
      gain: 2,
    },
  ],
  [
    [1, 4, 5, 1],
    [4, 2],
    {
      up: [2, 3],
      down: [3, 1],
      pad: [
        [2, 1],
        [0, 3],
      ],
    },
  ],
  [
    [1, 6, 5, 4],
    [3, 3],
    {
      pad: [
        [-1, 0],
        [1, -2],
      ],
    },
  ],
  [
    [1, 5, 5, 2],
    [3, 3],
    {
      up: 2,
      down: 3,
      pad: [
        [-1, 2],
        [3, -2],
      ],
      flip: true,
    },
  ],
];

const low = nd([4], [1 / 8, 3 / 8, 3 / 8, 1 / 8]);

export const cases: OpCase[] = [
  ...table.map(
    ([shape, filter, options]): OpCase => ({
      name: `upfirdn2d [${shape}] by [${filter}] ${JSON.stringify(options)}`,
      inputs: [{ shape }, { shape: filter }],
      run: (x, f) => upfirdn2d(x, f, options),
      reference: (x, f) => reference(x, f, options),
      reduction: 16,
    }),
  ),
  {
    name: "upfirdn2d by a separable filter",
    inputs: [{ shape: [2, 4, 5, 3] }, { shape: [3] }],
    run: (x, f) =>
      upfirdn2d(x, f, {
        up: 2,
        down: [1, 2],
        pad: [
          [1, 2],
          [0, 1],
        ],
        gain: 3,
      }),
    reference: (x, f) =>
      reference(x, outer(f), {
        up: 2,
        down: [1, 2],
        pad: [
          [1, 2],
          [0, 1],
        ],
        gain: 3,
      }),
    reduction: 30,
  },
  {
    name: "upsample2d",
    inputs: [{ shape: [1, 3, 4, 2] }],
    run: (x) => upsample2d(x),
    reference: (x) =>
      reference(x, outer(low), {
        up: 2,
        pad: [
          [2, 1],
          [2, 1],
        ],
        gain: 4,
      }),
    reduction: 16,
  },
  {
    name: "downsample2d",
    inputs: [{ shape: [1, 4, 6, 2] }],
    run: (x) => downsample2d(x),
    reference: (x) => reference(x, outer(low), { down: 2, pad: 1 }),
    reduction: 16,
  },
  {
    name: "filter2d",
    inputs: [{ shape: [1, 4, 3, 2] }],
    run: (x) => filter2d(x),
    reference: (x) =>
      reference(x, outer(low), {
        pad: [
          [2, 1],
          [2, 1],
        ],
      }),
    reduction: 16,
  },
  {
    name: "downsample2d of a discriminator's layer",
    inputs: [{ shape: [8, 32, 32, 64] }],
    run: (x) => downsample2d(x),
    reference: (x) => reference(x, outer(low), { down: 2, pad: 1 }),
    reduction: 16,
    gradient: [],
    bench: true,
  },
  {
    name: "upsample2d of a constant keeps it inside",
    inputs: [],
    run: () => tf.slice(upsample2d(tf.fill([1, 6, 6, 1], 0.7)), [0, 4, 4, 0], [1, 4, 4, 1]),
    reference: () => build([1, 4, 4, 1], () => 0.7),
    gradient: [],
  },
];
