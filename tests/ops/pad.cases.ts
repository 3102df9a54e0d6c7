import * as tf from "@tensorflow/tfjs-core";
import { pick, pickOr } from "../reference/movement.ts";
import type { OpCase } from "./case.ts";
import { inEachDtype } from "./dtypes.ts";

type Paddings = [number, number][];

// biome-ignore format: a row a case
const constant: [number[], Paddings, number][] = [
  [[5], [[2, 3]], 0],
  [[1], [[0, 1]], 1],
  [[3, 7], [[0, 0], [1, 2]], 1],
  [[2, 3, 4], [[1, 0], [0, 0], [2, 1]], 0],
  [[2, 5, 4, 3], [[0, 0], [1, 1], [2, 2], [0, 0]], 1],
  [[0, 3], [[1, 1], [0, 2]], 1],
  [[2, 2], [[0, 0], [0, 0]], 1],
];

// biome-ignore format: a row a case
const mirrored: [number[], Paddings][] = [
  [[5], [[2, 4]]],
  [[2], [[1, 1]]],
  [[3, 4], [[2, 1], [0, 3]]],
  [[2, 5, 4, 3], [[0, 0], [2, 1], [1, 3], [0, 0]]],
  [[2, 3, 2, 3, 2], [[1, 0], [0, 2], [1, 1], [0, 0], [0, 1]]],
];

const grown = (shape: readonly number[], paddings: Paddings): number[] =>
  shape.map((n, a) => n + paddings[a][0] + paddings[a][1]);

/** Turns round at the edges; `skip` elements there do not come twice. */
function bounce(i: number, n: number, skip: number): number {
  if (i < 0) return -i - 1 + skip;
  return i >= n ? 2 * n - 1 - skip - i : i;
}

export const cases: OpCase[] = [
  ...constant.flatMap(([shape, paddings, value]) =>
    inEachDtype(`pad [${shape}] by ${JSON.stringify(paddings)} with ${value}`, [shape], {
      run: (x) => tf.pad(x, paddings, value),
      reference: (x) =>
        pickOr(x, grown(shape, paddings), (at) => at.map((i, a) => i - paddings[a][0]), value),
    }),
  ),
  ...(["reflect", "symmetric"] as const).flatMap((mode) =>
    mirrored.flatMap(([shape, paddings]) =>
      inEachDtype(`mirrorPad [${shape}] by ${JSON.stringify(paddings)}, ${mode}`, [shape], {
        run: (x) => tf.mirrorPad(x, paddings, mode),
        reference: (x) =>
          pick(x, grown(shape, paddings), (at) =>
            at.map((i, a) => bounce(i - paddings[a][0], shape[a], mode === "reflect" ? 1 : 0)),
          ),
      }),
    ),
  ),
];
