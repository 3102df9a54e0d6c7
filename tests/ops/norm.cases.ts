import * as tf from "@tensorflow/tfjs-core";
import {
  groupNorm,
  instanceNorm,
  layerNorm,
  minibatchStddev,
  pixelNorm,
  spectralNorm,
} from "../../src/ops/norm.ts";
import { build, indices, type Nd, nd, offsetOf } from "../reference/nd.ts";
import type { OpCase } from "./case.ts";

/** Each element standardised among those of the same key. */
function standardised(x: Nd, keyOf: (index: readonly number[]) => string, epsilon: number): Nd {
  const sets = new Map<string, number[]>();
  for (const index of indices(x.shape)) {
    const set = sets.get(keyOf(index)) ?? [];
    set.push(x.data[offsetOf(x.shape, index)]);
    sets.set(keyOf(index), set);
  }
  return build(x.shape, (index) => {
    const set = sets.get(keyOf(index))!;
    const mean = set.reduce((a, b) => a + b, 0) / set.length;
    const variance = set.reduce((a, b) => a + (b - mean) ** 2, 0) / set.length;
    return (x.data[offsetOf(x.shape, index)] - mean) / Math.sqrt(variance + epsilon);
  });
}

const affine = (x: Nd, scale: Nd, offset: Nd): Nd =>
  build(x.shape, (index) => {
    const c = index.at(-1)!;
    return x.data[offsetOf(x.shape, index)] * scale.data[c] + offset.data[c];
  });

function stddev(x: Nd, size: number, features: number): Nd {
  const [batch, height, width, channels] = x.shape;
  const groups = batch / size;
  const depth = channels / features;
  return build([batch, height, width, channels + features], ([n, i, j, c]) => {
    if (c < channels) return x.data[offsetOf(x.shape, [n, i, j, c])];
    let total = 0;
    for (const [h, w, d] of indices([height, width, depth])) {
      const values = Array.from({ length: size }, (_, k) => {
        const at = [(n % groups) + k * groups, h, w, (c - channels) * depth + d];
        return x.data[offsetOf(x.shape, at)];
      });
      const mean = values.reduce((a, b) => a + b, 0) / size;
      total += Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / size + 1e-8);
    }
    return total / (height * width * depth);
  });
}

const rows = (w: Nd, x: ArrayLike<number>): number[] =>
  Array.from({ length: w.data.length / x.length }, (_, i) =>
    Array.from(x).reduce((sum, value, j) => sum + w.data[i * x.length + j] * value, 0),
  );

const unit = (x: readonly number[]): number[] => x.map((v) => v / Math.hypot(...x));

const start = [1, -0.5, 0.25];
let fixed: { left: number[]; right: number[] } | undefined;

/** W/(vᵀWu) with the singular vectors of the first W that it sees, which its derivatives take as constant. */
function spectral(w: Nd): Nd {
  if (fixed === undefined) {
    let right = start;
    let left = unit(rows(w, right));
    for (let i = 0; i < 2; i++) {
      right = unit(right.map((_, j) => left.reduce((sum, v, k) => sum + v * w.data[k * 3 + j], 0)));
      left = unit(rows(w, right));
    }
    fixed = { left, right };
  }
  const { left, right } = fixed;
  const sigma = rows(w, right).reduce((sum, value, i) => sum + value * left[i], 0);
  return nd(
    w.shape,
    w.data.map((v) => v / sigma),
  );
}

const tolerance = 2e-5;

export const cases: OpCase[] = [
  {
    name: "instanceNorm [2,3,2,3]",
    inputs: [{ shape: [2, 3, 2, 3] }, { shape: [3] }, { shape: [3] }],
    run: (x, scale, offset) => instanceNorm(x, { scale, offset }),
    reference: (x, scale, offset) =>
      affine(
        standardised(x, ([n, , , c]) => `${n} ${c}`, 1e-5),
        scale,
        offset,
      ),
    tolerance,
  },
  {
    name: "layerNorm [5,7]",
    inputs: [{ shape: [5, 7] }, { shape: [7] }, { shape: [7] }],
    run: (x, scale, offset) => layerNorm(x, { scale, offset, epsilon: 0.01 }),
    reference: (x, scale, offset) =>
      affine(
        standardised(x, ([n]) => `${n}`, 0.01),
        scale,
        offset,
      ),
    tolerance,
  },
  {
    name: "layerNorm over all but the batch [2,3,2,3]",
    inputs: [{ shape: [2, 3, 2, 3] }],
    run: (x) => layerNorm(x, { axes: [1, 2, 3] }),
    reference: (x) => standardised(x, ([n]) => `${n}`, 1e-5),
    tolerance,
  },
  ...[1, 2, 6].map(
    (groups): OpCase => ({
      name: `groupNorm of ${groups} [2,3,2,6]`,
      inputs: [{ shape: [2, 3, 2, 6] }, { shape: [6] }, { shape: [6] }],
      run: (x, scale, offset) => groupNorm(x, groups, { scale, offset }),
      reference: (x, scale, offset) =>
        affine(
          standardised(x, ([n, , , c]) => `${n} ${Math.floor((c * groups) / 6)}`, 1e-5),
          scale,
          offset,
        ),
      tolerance,
    }),
  ),
  {
    name: "pixelNorm [2,3,5]",
    inputs: [{ shape: [2, 3, 5] }],
    run: (x) => pixelNorm(x),
    reference: (x) =>
      build(x.shape, ([i, j, c]) => {
        const all = x.data.slice((i * 3 + j) * 5, (i * 3 + j) * 5 + 5);
        return all[c] / Math.sqrt(all.reduce((a, b) => a + b * b, 0) / 5 + 1e-8);
      }),
    tolerance,
  },
  {
    name: "minibatchStddev [6,2,3,4] in threes, two features",
    inputs: [{ shape: [6, 2, 3, 4] }],
    run: (x) => minibatchStddev(x, { groupSize: 3, features: 2 }),
    reference: (x) => stddev(x, 3, 2),
    tolerance,
  },
  {
    name: "minibatchStddev [2,1,3,1] of a batch below the group's size",
    inputs: [{ shape: [2, 1, 3, 1] }],
    run: (x) => minibatchStddev(x),
    reference: (x) => stddev(x, 2, 1),
    tolerance,
  },
  {
    name: "spectralNorm [2,2,3]",
    inputs: [{ shape: [2, 2, 3] }],
    run: (w) => spectralNorm(w, tf.tensor1d(start), { iterations: 2 }).weight,
    reference: spectral,
    tolerance,
  },
  {
    name: "localResponseNormalization [1,2,3,5]",
    inputs: [{ shape: [1, 2, 3, 5] }],
    run: (x) => tf.localResponseNormalization(x as tf.Tensor4D, 1, 0.7, 0.5, 0.6),
    reference: (x) =>
      build(x.shape, ([n, i, j, c]) => {
        const at = (d: number) => x.data[offsetOf(x.shape, [n, i, j, d])];
        let sum = 0;
        for (let d = Math.max(0, c - 1); d <= Math.min(4, c + 1); d++) sum += at(d) ** 2;
        return at(c) * (0.7 + 0.5 * sum) ** -0.6;
      }),
    tolerance,
  },
];
