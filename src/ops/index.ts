import type { AnyOp } from "../backend/op.ts";
import { adamOp, emaOp } from "./adam.ts";
import { batchNorm } from "./batch-norm.ts";
import { batchNormTrainGrad, batchNormTrainOp } from "./batch-norm-train.ts";
import { colourOp } from "./colour.ts";
import { concat, pack } from "./concat.ts";
import { fill } from "./fill.ts";
import { gather, gatherGrad, unsortedSegmentSum } from "./gather.ts";
import { imageBatchOp, imageBytesOp, translateOp } from "./image.ts";
import { mirrorPad, padV2 } from "./pad.ts";
import { avgPool, avgPoolGrad, maxPool, maxPoolGrad, maxPoolPick } from "./pool.ts";
import { normal, uniform } from "./random.ts";
import {
  resizeBilinear,
  resizeBilinearGrad,
  resizeNearestNeighbor,
  resizeNearestNeighborGrad,
} from "./resize.ts";
import { flipLeftRight, reverse } from "./reverse.ts";
import { linSpace, oneHot, range } from "./sequence.ts";
import { expandDims, identity, reshape } from "./shape.ts";
import { slice, stridedSlice, stridedSliceGrad } from "./slice.ts";
import { depthToSpace, spaceToDepthOp } from "./space-depth.ts";
import { splitV, unpack } from "./split.ts";
import { tile } from "./tile.ts";
import { transpose } from "./transpose.ts";

/** Every op that `init()` registers. */
export const ops: readonly AnyOp[] = [
  ...[adamOp, emaOp],
  batchNorm,
  ...[batchNormTrainGrad, batchNormTrainOp],
  colourOp,
  ...[concat, pack],
  fill,
  ...[gather, gatherGrad, unsortedSegmentSum],
  ...[imageBatchOp, imageBytesOp, translateOp],
  ...[mirrorPad, padV2],
  ...[avgPool, avgPoolGrad, maxPool, maxPoolGrad, maxPoolPick],
  ...[normal, uniform],
  ...[resizeBilinear, resizeBilinearGrad, resizeNearestNeighbor, resizeNearestNeighborGrad],
  ...[flipLeftRight, reverse],
  ...[linSpace, oneHot, range],
  ...[expandDims, identity, reshape],
  ...[slice, stridedSlice, stridedSliceGrad],
  ...[depthToSpace, spaceToDepthOp],
  ...[splitV, unpack],
  tile,
  transpose,
];
