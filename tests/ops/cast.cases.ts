import * as tf from "@tensorflow/tfjs-core";
import { nd } from "../reference/nd.ts";
import type { InputSpec, OpCase } from "./case.ts";

type Dtype = "float32" | "int32" | "bool";

const convert: Record<Dtype, (v: number) => number> = {
  float32: (v) => v,
  int32: (v) => (Number.isNaN(v) ? 0 : Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Math.trunc(v)))),
  bool: (v) => (v === 0 ? 0 : 1),
};

const inputs: readonly InputSpec[] = [
  { shape: [3, 6], range: [-3, 3] },
  { shape: [9], values: [0, -0, 0.5, -0.9, 1.9, -7.5, 3e9, Number.NEGATIVE_INFINITY, Number.NaN] },
  { shape: [19], dtype: "int32", range: [-3, 4] },
  { shape: [2, 3], dtype: "bool", range: [0, 2] },
  { shape: [0], dtype: "int32" },
];

export const cases: OpCase[] = [
  ...inputs.flatMap((input) =>
    (["float32", "int32", "bool"] as const).map(
      (dtype): OpCase => ({
        name: `cast ${input.dtype ?? "float32"} [${input.shape}] to ${dtype}`,
        inputs: [input],
        run: (x) => tf.cast(x, dtype),
        reference: (x) => nd(x.shape, x.data.map(convert[dtype])),
        gradient: [],
      }),
    ),
  ),
  {
    name: "cast float32 [5] to float32, differentiated",
    inputs: [{ shape: [5] }],
    run: (x) => tf.cast(x, "float32"),
    reference: (x) => x,
  },
  ...([tf.zerosLike, tf.onesLike] as const).flatMap((run, value) =>
    (["float32", "int32", "bool"] as const).map(
      (dtype): OpCase => ({
        name: `${value === 0 ? "zerosLike" : "onesLike"} ${dtype}`,
        inputs: [{ shape: [7], dtype, range: [0, 2] }],
        gradient: [],
        run: (x) => run(x),
        reference: (x) =>
          nd(
            x.shape,
            x.data.map(() => value),
          ),
      }),
    ),
  ),
];
