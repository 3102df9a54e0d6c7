import * as tf from "@tensorflow/tfjs-core";
import { type PixelConvention, resizedBilinear, resizedNearest } from "../reference/pictures.ts";
import type { InputSpec, OpCase } from "./case.ts";

const sizes: [number[], [number, number]][] = [
  [
    [1, 1, 1, 1],
    [3, 2],
  ],
  [
    [2, 3, 5, 3],
    [6, 10],
  ],
  [
    [2, 7, 4, 1],
    [3, 4],
  ],
  [
    [1, 4, 4, 5],
    [1, 1],
  ],
  [
    [2, 5, 3, 17],
    [7, 9],
  ],
  [
    [3, 4, 6, 4],
    [2, 3],
  ],
];

const conventions: PixelConvention[] = ["index", "corners", "half"];

/** As TensorFlow.js names them: alignCorners, halfPixelCenters. */
const flags = (convention: PixelConvention): [boolean, boolean] => [
  convention === "corners",
  convention === "half",
];

const bilinear = (input: InputSpec, size: [number, number], convention: PixelConvention): OpCase => ({
  name: `resizeBilinear [${input.shape}] ${input.dtype ?? ""} to [${size}], pixels by ${convention}`,
  inputs: [input],
  run: (x) => tf.image.resizeBilinear(x as tf.Tensor4D, size, ...flags(convention)),
  reference: (x) => resizedBilinear(x, size, convention),
  reduction: 4,
  ...(input.dtype ? { gradient: [] } : {}),
});

const nearest = (input: InputSpec, size: [number, number], convention: PixelConvention): OpCase => ({
  name: `resizeNearestNeighbor [${input.shape}] ${input.dtype ?? ""} to [${size}], pixels by ${convention}`,
  inputs: [input],
  run: (x) => tf.image.resizeNearestNeighbor(x as tf.Tensor4D, size, ...flags(convention)),
  reference: (x) => resizedNearest(x, size, convention),
  ...(input.dtype ? { gradient: [] } : {}),
});

/** A generator's upsampling, too large for the reference to differentiate. */
const large = { shape: [2, 16, 16, 64] };
const doubled: [number, number] = [32, 32];

export const cases: OpCase[] = [
  ...conventions.flatMap((convention) => [
    ...sizes.flatMap(([shape, size]) => [
      bilinear({ shape }, size, convention),
      nearest({ shape }, size, convention),
    ]),
    bilinear({ shape: [2, 3, 4, 3], dtype: "int32", range: [0, 256] }, [5, 7], convention),
    nearest({ shape: [2, 3, 4, 3], dtype: "int32", range: [0, 256] }, [5, 7], convention),
  ]),
  { ...nearest(large, doubled, "index"), gradient: [], bench: true },
  { ...bilinear(large, doubled, "half"), gradient: [], bench: true },
];
