import type { AnyOp } from "../backend/op.ts";
import { activationGrads } from "./activation-grad.ts";
import { adamOp, emaOp } from "./adam.ts";
import { batchNorm } from "./batch-norm.ts";
import { batchNormTrainGrad, batchNormTrainOp } from "./batch-norm-train.ts";
import { broadcastToOp } from "./broadcast-to.ts";
import { cast } from "./cast.ts";
import { binaryOps } from "./elementwise-binary.ts";
import { unaryOps } from "./elementwise-unary.ts";
import { fill } from "./fill.ts";
import { imageBatchOp, imageBytesOp, translateOp } from "./image.ts";
import { addN, onesLike, zerosLike } from "./like.ts";
import { normal, uniform } from "./random.ts";
import { reduceOps } from "./reduce.ts";
import { select } from "./select.ts";
import { identity, reshape } from "./shape.ts";
import { logSoftmaxOp, softmax } from "./softmax.ts";

/** Every op that `init()` registers. */
export const ops: readonly AnyOp[] = [
  ...activationGrads,
  adamOp,
  emaOp,
  batchNormTrainGrad,
  batchNormTrainOp,
  batchNorm,
  broadcastToOp,
  cast,
  ...binaryOps,
  ...unaryOps,
  fill,
  imageBatchOp,
  imageBytesOp,
  translateOp,
  addN,
  onesLike,
  zerosLike,
  normal,
  uniform,
  ...reduceOps,
  select,
  identity,
  reshape,
  logSoftmaxOp,
  softmax,
];
