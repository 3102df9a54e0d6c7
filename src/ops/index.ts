import type { AnyOp } from "../backend/op.ts";
import { activationGrads } from "./activation-grad.ts";
import { broadcastToOp } from "./broadcast-to.ts";
import { cast } from "./cast.ts";
import { concat, pack } from "./concat.ts";
import { binaryOps } from "./elementwise-binary.ts";
import { unaryOps } from "./elementwise-unary.ts";
import { fill } from "./fill.ts";
import { gather, gatherGrad, unsortedSegmentSum } from "./gather.ts";
import { addN, onesLike, zerosLike } from "./like.ts";
import { mirrorPad, padV2 } from "./pad.ts";
import { avgPool, avgPoolGrad, maxPool, maxPoolGrad, maxPoolPick } from "./pool.ts";
import { reduceOps } from "./reduce.ts";
import {
  resizeBilinear,
  resizeBilinearGrad,
  resizeNearestNeighbor,
  resizeNearestNeighborGrad,
} from "./resize.ts";
import { flipLeftRight, reverse } from "./reverse.ts";
import { select } from "./select.ts";
import { linSpace, oneHot, range } from "./sequence.ts";
import { expandDims, identity, reshape } from "./shape.ts";
import { slice, stridedSlice, stridedSliceGrad } from "./slice.ts";
import { logSoftmaxOp, softmax } from "./softmax.ts";
import { depthToSpace, spaceToDepthOp } from "./space-depth.ts";
import { splitV, unpack } from "./split.ts";
import { tile } from "./tile.ts";
import { transpose } from "./transpose.ts";

/** Every op that `init()` registers. */
export const ops: readonly AnyOp[] = [
  ...activationGrads,
  addN,
  ...[avgPool, avgPoolGrad, maxPool, maxPoolGrad, maxPoolPick],
  ...binaryOps,
  broadcastToOp,
  cast,
  ...[concat, pack],
  ...[depthToSpace, spaceToDepthOp],
  ...[expandDims, identity, reshape],
  fill,
  ...[flipLeftRight, reverse],
  ...[gather, gatherGrad, unsortedSegmentSum],
  ...[linSpace, oneHot, range],
  logSoftmaxOp,
  ...[mirrorPad, padV2],
  onesLike,
  ...reduceOps,
  ...[resizeBilinear, resizeBilinearGrad, resizeNearestNeighbor, resizeNearestNeighborGrad],
  select,
  ...[slice, stridedSlice, stridedSliceGrad],
  softmax,
  ...[splitV, unpack],
  tile,
  transpose,
  ...unaryOps,
  zerosLike,
];
