import type { AnyOp } from "../backend/op.ts";
import { activationGrads } from "./activation-grad.ts";
import { broadcastToOp } from "./broadcast-to.ts";
import { cast } from "./cast.ts";
import { binaryOps } from "./elementwise-binary.ts";
import { unaryOps } from "./elementwise-unary.ts";
import { fill } from "./fill.ts";
import { addN, onesLike, zerosLike } from "./like.ts";
import { reduceOps } from "./reduce.ts";
import { select } from "./select.ts";
import { identity, reshape } from "./shape.ts";
import { logSoftmaxOp, softmax } from "./softmax.ts";

/** Every op that `init()` registers. */
export const ops: readonly AnyOp[] = [
  ...activationGrads,
  broadcastToOp,
  cast,
  ...binaryOps,
  ...unaryOps,
  fill,
  addN,
  onesLike,
  zerosLike,
  ...reduceOps,
  select,
  identity,
  reshape,
  logSoftmaxOp,
  softmax,
];
