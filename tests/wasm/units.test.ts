import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, it } from "vitest";
import { call } from "../../src/backend/op.ts";
import { convolution } from "../../src/ops/conv2d.ts";
import { useBuild } from "../builds.ts";
import { random } from "../ops/check.ts";
import { expectSameUnits } from "./units.ts";

beforeAll(useBuild);

function values(shape: number[], seed: string): tf.Tensor {
  const next = random(seed);
  const size = tf.util.sizeFromShape(shape);
  return tf.tensor(
    Float32Array.from({ length: size }, () => next() * 2 - 1),
    shape,
  );
}

interface Layer {
  readonly what: string;
  readonly x: number[];
  readonly filter: number[];
  readonly strides?: number;
  readonly groups?: number;
  readonly dilations?: number;
}

// Every algorithm: runs, scatter, filter (in parts, of parts of the result, exchanged), depthwise, thin.
const layers: readonly Layer[] = [
  { what: "strided", x: [9, 12, 12, 16], filter: [5, 5, 16, 40], strides: 2 },
  { what: "to few channels", x: [9, 9, 9, 24], filter: [3, 3, 24, 3] },
  { what: "of few channels", x: [9, 9, 9, 3], filter: [5, 5, 3, 24], strides: 2 },
  { what: "with a large filter", x: [3, 5, 5, 130], filter: [5, 5, 130, 144] },
  { what: "grouped", x: [9, 7, 7, 24], filter: [3, 3, 8, 36], groups: 3, dilations: 2 },
  { what: "depthwise", x: [9, 8, 8, 20], filter: [3, 3, 1, 20], groups: 20 },
  { what: "depthwise, multiplied", x: [9, 8, 8, 6], filter: [3, 3, 1, 18], groups: 6, strides: 2 },
  { what: "pointwise to three channels", x: [9, 30, 30, 64], filter: [1, 1, 64, 3] },
  { what: "pointwise of two channels", x: [9, 40, 40, 2], filter: [1, 1, 2, 64] },
];

describe("units of a convolution", () => {
  for (const { what, x: xShape, filter: filterShape, strides = 1, groups = 1, dilations = 1 } of layers) {
    const attrs = { strides, pad: "same", groups, dilations } as const;
    it(`give the same bytes in any order: ${what}`, () => {
      tf.tidy(() => {
        const x = values(xShape, "x");
        const filter = values(filterShape, "filter");
        const y = call(convolution.forward, { x, filter }, attrs);
        const dy = values(y.shape, "dy");
        expectSameUnits(() => call(convolution.forward, { x, filter }, attrs));
        expectSameUnits(() => call(convolution.input, { dy, filter }, { ...attrs, inputShape: xShape }));
        expectSameUnits(() => call(convolution.filter, { x, dy }, { ...attrs, filterShape }));
      });
    });
  }
});

describe("units of a matrix product", () => {
  const products: readonly (readonly [string, number[], number[], boolean, boolean])[] = [
    ["tall", [300, 90], [90, 130], false, false],
    ["tall, turned", [90, 300], [130, 90], true, true],
    ["deep", [100, 2100], [2100, 100], false, false],
    ["deep, turned", [2100, 100], [2100, 100], true, false],
    ["of few rows", [17, 200], [200, 531], false, false],
    ["of few rows, crowding", [200, 16], [200, 1024], true, false],
    ["of few rows, right side turned", [16, 200], [533, 200], false, true],
    ["of many small ones", [40, 30, 50], [40, 50, 20], false, false],
    ["of many small ones, turned", [40, 50, 30], [20, 50], true, true],
    ["of a few large ones", [3, 100, 90], [3, 90, 100], false, false],
  ];
  for (const [what, a, b, transposeA, transposeB] of products) {
    it(`give the same bytes in any order: ${what}`, () => {
      tf.tidy(() => {
        const x = values(a, "a");
        const y = values(b, "b");
        expectSameUnits(() => tf.matMul(x, y, transposeA, transposeB));
      });
    });
  }
});
