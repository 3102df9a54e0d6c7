import * as tf from "@tensorflow/tfjs-core";
import { broadcastAt, broadcastShape, build, type Nd } from "../reference/nd.ts";
import type { OpCase } from "./case.ts";

const swapped = (shape: readonly number[]): number[] => [
  ...shape.slice(0, -2),
  shape[shape.length - 1],
  shape[shape.length - 2],
];

function product(a: Nd, b: Nd, transposeA: boolean, transposeB: boolean): Nd {
  const [m, k] = (transposeA ? swapped(a.shape) : a.shape).slice(-2);
  const n = (transposeB ? swapped(b.shape) : b.shape)[b.shape.length - 1];
  const batch = broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  return build([...batch, m, n], (index) => {
    const outer = index.slice(0, -2);
    const [i, j] = index.slice(-2);
    let sum = 0;
    for (let p = 0; p < k; p++) {
      sum +=
        broadcastAt(a, [...outer, ...(transposeA ? [p, i] : [i, p])]) *
        broadcastAt(b, [...outer, ...(transposeB ? [j, p] : [p, j])]);
    }
    return sum;
  });
}

const sizes: readonly [a: number[], b: number[]][] = [
  [
    [1, 1],
    [1, 1],
  ],
  [
    [3, 5],
    [5, 7],
  ],
  [
    [4, 8],
    [8, 8],
  ],
  [
    [17, 3],
    [3, 9],
  ],
  [
    [1, 13],
    [13, 16],
  ],
  [
    [5, 1],
    [1, 11],
  ],
  [
    [2, 3, 4],
    [2, 4, 5],
  ],
  [
    [3, 2, 6],
    [6, 5],
  ],
  [
    [2, 6],
    [3, 6, 5],
  ],
  [
    [2, 1, 3, 4],
    [3, 4, 2],
  ],
  [
    [1, 2, 5],
    [4, 5, 3],
  ],
];

const flags = [
  [false, false],
  [false, true],
  [true, false],
  [true, true],
] as const;

const plain: OpCase[] = sizes.flatMap(([left, right]) =>
  flags.map(([transposeA, transposeB]): OpCase => {
    const a = transposeA ? swapped(left) : left;
    const b = transposeB ? swapped(right) : right;
    return {
      name: `matMul [${a}]${transposeA ? "ᵀ" : ""}·[${b}]${transposeB ? "ᵀ" : ""}`,
      inputs: [{ shape: a }, { shape: b }],
      run: (a, b) => tf.matMul(a, b, transposeA, transposeB),
      reference: (a, b) => product(a, b, transposeA, transposeB),
      reduction: left[left.length - 1],
    };
  }),
);

// Taller, of few rows, deeper than a block, with right rows that crowd out each other in the cache.
const largeSizes: readonly [m: number, k: number, n: number][] = [
  [70, 90, 50],
  [17, 150, 83],
  [65, 1030, 5],
  [7, 40, 512],
];

const large: OpCase[] = largeSizes.flatMap(([m, k, n]) =>
  flags.map(([transposeA, transposeB]) => ({
    name: `matMul of ${m}x${k} and ${k}x${n}, transposed ${transposeA}, ${transposeB}`,
    inputs: [{ shape: transposeA ? [k, m] : [m, k] }, { shape: transposeB ? [n, k] : [k, n] }],
    run: (a, b) => tf.matMul(a, b, transposeA, transposeB),
    reference: (a, b) => product(a, b, transposeA, transposeB),
    reduction: k,
    gradient: [],
  })),
);

const fused: OpCase[] = [5, 8].map((n) => ({
  name: `tf.fused.matMul with bias and relu, ${n} columns`,
  inputs: [{ shape: [3, 4] }, { shape: [4, n] }, { shape: [n] }],
  run: (a, b, bias) =>
    tf.fused.matMul({ a: a as tf.Tensor2D, b: b as tf.Tensor2D, bias, activation: "relu" }),
  reference: (a, b, bias) => {
    const y = product(a, b, false, false);
    return build(y.shape, ([i, j]) => Math.max(0, y.data[i * n + j] + bias.data[j]));
  },
  reduction: 4,
  gradient: [],
}));

export const cases: OpCase[] = [...plain, ...large, ...fused];
