import * as tf from "@tensorflow/tfjs-core";
import { build } from "../reference/nd.ts";
import type { OpCase } from "./case.ts";

export const cases: OpCase[] = [[], [1], [3, 5], [17]].map((shape) => ({
  name: `fill [${shape}]`,
  inputs: [],
  run: () => tf.fill(shape, 1.5),
  reference: () => build(shape, () => 1.5),
  gradient: [],
}));
