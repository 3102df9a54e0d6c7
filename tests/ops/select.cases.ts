import * as tf from "@tensorflow/tfjs-core";
import { nd } from "../reference/nd.ts";
import type { OpCase } from "./case.ts";

export const cases: OpCase[] = [[], [1], [7], [3, 6], [0, 2]].map((shape) => ({
  name: `where [${shape}]`,
  inputs: [{ shape, dtype: "bool", range: [0, 2] }, { shape }, { shape }],
  run: (condition, t, e) => tf.where(condition, t, e),
  reference: (condition, t, e) =>
    nd(
      t.shape,
      t.data.map((v, i) => (condition.data[i] ? v : e.data[i])),
    ),
}));
