import type { AnyOp } from "../backend/op.ts";
import { adamOp, emaOp } from "./adam.ts";
import { batchNorm } from "./batch-norm.ts";
import { batchNormTrainGrad, batchNormTrainOp } from "./batch-norm-train.ts";
import { fill } from "./fill.ts";
import { imageBatchOp, imageBytesOp, translateOp } from "./image.ts";
import { normal, uniform } from "./random.ts";
import { identity, reshape } from "./shape.ts";

/** Every op that `init()` registers. */
export const ops: readonly AnyOp[] = [
  adamOp,
  emaOp,
  batchNorm,
  batchNormTrainGrad,
  batchNormTrainOp,
  fill,
  imageBatchOp,
  imageBytesOp,
  translateOp,
  normal,
  uniform,
  identity,
  reshape,
];
