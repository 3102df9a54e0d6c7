import * as tf from "@tensorflow/tfjs-core";
import { spaceToDepth } from "../../src/ops/space-depth.ts";
import { pick } from "../reference/movement.ts";
import type { OpCase } from "./case.ts";
import { inEachDtype } from "./dtypes.ts";

const pictures: [number[], number][] = [
  [[1, 1, 1, 4], 2],
  [[2, 3, 5, 8], 2],
  [[1, 2, 3, 27], 3],
  [[2, 2, 3, 64], 2],
  [[0, 2, 2, 4], 2],
];

const wideShape = ([n, h, w, c]: readonly number[], b: number): number[] => [n, h * b, w * b, c / (b * b)];

export const cases: OpCase[] = pictures.flatMap(([shape, b]) => {
  const wide = wideShape(shape, b);
  const channels = wide[3];
  return [
    // tf.depthToSpace takes float32 only.
    {
      name: `depthToSpace [${shape}] by ${b}`,
      inputs: [{ shape }],
      run: (x) => tf.depthToSpace(x as tf.Tensor4D, b),
      reference: (x) =>
        pick(x, wide, ([n, i, j, c]) => [
          n,
          Math.floor(i / b),
          Math.floor(j / b),
          ((i % b) * b + (j % b)) * channels + c,
        ]),
    },
    {
      name: `depthToSpace NCHW, from [${shape}] by ${b}`,
      inputs: [{ shape: [shape[0], shape[3], shape[1], shape[2]] }],
      run: (x) => tf.depthToSpace(x as tf.Tensor4D, b, "NCHW"),
      reference: (x) =>
        pick(x, [wide[0], channels, wide[1], wide[2]], ([n, c, i, j]) => [
          n,
          ((i % b) * b + (j % b)) * channels + c,
          Math.floor(i / b),
          Math.floor(j / b),
        ]),
    },
    ...inEachDtype(`spaceToDepth [${wide}] by ${b}`, [wide], {
      run: (x) => spaceToDepth(x, b),
      reference: (x) =>
        pick(x, shape, ([n, i, j, d]) => {
          const block = Math.floor(d / channels);
          return [n, i * b + Math.floor(block / b), j * b + (block % b), d % channels];
        }),
    }),
  ];
});
