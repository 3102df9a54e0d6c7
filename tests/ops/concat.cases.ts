import * as tf from "@tensorflow/tfjs-core";
import { concatenate, pick, reshaped } from "../reference/movement.ts";
import type { OpCase } from "./case.ts";
import { inEachDtype } from "./dtypes.ts";

const joined: [number[][], number][] = [
  [[[3], [1], [5]], 0],
  [
    [
      [2, 3],
      [2, 1],
    ],
    1,
  ],
  [
    [
      [2, 3],
      [2, 4],
    ],
    -1,
  ],
  [
    [
      [2, 3],
      [0, 3],
      [1, 3],
    ],
    0,
  ],
  [
    [
      [2, 4, 4, 17],
      [2, 4, 4, 3],
    ],
    3,
  ],
  [
    [
      [2, 1, 3, 2, 2],
      [2, 4, 3, 2, 2],
    ],
    1,
  ],
];

const stacked: [number[], number, number][] = [
  [[], 3, 0],
  [[4], 2, 1],
  [[3, 5], 3, -1],
  [[3, 5], 2, 0],
  [[2, 3, 17], 3, 1],
];

const positive = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** Shape, split, axis, and the range of the part that the case looks at. */
const cut: [number[], number | number[], number, number, [number, number]][] = [
  [[6], 3, 0, 1, [2, 4]],
  [[2, 7], [3, -1, 1], 1, 1, [3, 6]],
  [[2, 7], [3, 0, 4], -1, 2, [3, 7]],
  [[2, 4, 34], 2, 2, 1, [17, 34]],
];

export const cases: OpCase[] = [
  ...joined.flatMap(([shapes, axis]) =>
    inEachDtype(`concat ${JSON.stringify(shapes)} along ${axis}`, shapes, {
      run: (...list) => tf.concat(list, axis),
      reference: (...list) => concatenate(list, positive(axis, shapes[0].length)),
    }),
  ),
  ...stacked.flatMap(([shape, count, axis]) => {
    const at = positive(axis, shape.length + 1);
    const row = [...shape.slice(0, at), 1, ...shape.slice(at)];
    return inEachDtype(`stack ${count} of [${shape}] along ${axis}`, new Array(count).fill(shape), {
      run: (...list) => tf.stack(list, axis),
      reference: (...list) =>
        concatenate(
          list.map((x) => reshaped(x, row)),
          at,
        ),
    });
  }),
  ...cut.flatMap(([shape, sizes, axis, part, [from, to]]) => {
    const along = positive(axis, shape.length);
    return inEachDtype(`split [${shape}] in ${JSON.stringify(sizes)} along ${axis}`, [shape], {
      run: (x) => tf.split(x, Array.isArray(sizes) ? [...sizes] : sizes, axis)[part],
      reference: (x) =>
        pick(
          x,
          shape.map((n, a) => (a === along ? to - from : n)),
          (at) => at.map((i, a) => (a === along ? i + from : i)),
        ),
    });
  }),
  ...[0, 1, -1].flatMap((axis) =>
    inEachDtype(`unstack [3,4,5] along ${axis}`, [[3, 4, 5]], {
      run: (x) => tf.unstack(x, axis)[2],
      reference: (x) => {
        const along = positive(axis, 3);
        return pick(
          x,
          [3, 4, 5].filter((_, a) => a !== along),
          (at) => [...at.slice(0, along), 2, ...at.slice(along)],
        );
      },
    }),
  ),
];
