import { logSigmoid, logSoftmax, type Tensor4D, tensor2d } from "@tensorflow/tfjs-core";
import { batchNormTrain } from "../../src/ops/batch-norm-train.ts";
import { colour } from "../../src/ops/colour.ts";
import { conv2d, conv2dTranspose } from "../../src/ops/conv2d.ts";
import { biasActivation } from "../../src/ops/fused-activation.ts";
import { translate } from "../../src/ops/image.ts";
import { affineGrid, gridSample } from "../../src/ops/sample.ts";
import { spaceToDepth } from "../../src/ops/space-depth.ts";
import { upfirdn2d } from "../../src/ops/upfirdn2d.ts";
import type { Extras } from "./network.ts";

/** The library's own functions. */
export const own: Extras = {
  groupedConv2d: (x, filter, groups, stride) => conv2d(x, filter, { groups, stride }),
  groupedConv2dTranspose: (x, filter, groups, stride) => conv2dTranspose(x, filter, { groups, stride }),
  batchNormTrain: (x, scale, offset, groups) => batchNormTrain(x, scale, offset, { groups, epsilon: 1e-3 }).y,
  logSigmoid,
  logSoftmax,
  spaceToDepth,
  upfirdn2d: (x, filter, up, down, pad) => upfirdn2d(x, filter, { up, down, pad }),
  biasActivation: (x, bias) => biasActivation(x, bias, { alpha: 0.2, gain: Math.SQRT2 }),
  gridSample,
  affineGrid,
  translate: (x: Tensor4D, shifts) =>
    translate(x, tensor2d(shifts as [number, number][], undefined, "int32")),
  colour: (x: Tensor4D, factors) => colour(x, tensor2d(factors as [number, number, number][])),
};
