import type { AnyOp } from "../backend/op.ts";
import { activationGrads } from "./activation-grad.ts";
import { adamOp, adamRestoreOp, adamStepsOp, assignOp, emaOfMeansOp, emaOp } from "./adam.ts";
import { batchNorm } from "./batch-norm.ts";
import { batchNormTrainGrad, batchNormTrainOp } from "./batch-norm-train.ts";
import { broadcastToOp } from "./broadcast-to.ts";
import { cast } from "./cast.ts";
import { colourOp } from "./colour.ts";
import { concat, pack } from "./concat.ts";
import { convolution } from "./conv2d.ts";
import { conv3dOps } from "./conv3d.ts";
import { depthwiseConvolution } from "./depthwise-conv2d.ts";
import { einsum } from "./einsum.ts";
import { binaryOps } from "./elementwise-binary.ts";
import { unaryOps } from "./elementwise-unary.ts";
import { fill } from "./fill.ts";
import { fusedActivation, fusedActivationGrad } from "./fused-activation.ts";
import { fusedConv2d, fusedDepthwiseConv2d } from "./fused-conv2d.ts";
import { gather, gatherGrad, unsortedSegmentSum } from "./gather.ts";
import { gatherNdOps } from "./gather-nd.ts";
import { globalNormOp } from "./global-norm.ts";
import { imageBatchOp, imageBytesOp, translateOp } from "./image.ts";
import { addN, onesLike, zerosLike } from "./like.ts";
import { liveScalarOp } from "./live-scalar.ts";
import { localResponseNorm } from "./local-response-norm.ts";
import { logisticLossGrad, logisticLossOp } from "./logistic-loss.ts";
import { fusedMatMul, matMul } from "./matmul.ts";
import { mirrorPad, padV2 } from "./pad.ts";
import { avgPool, avgPoolGrad, maxPool, maxPoolGrad, maxPoolPick } from "./pool.ts";
import { avgPool3d, maxPool3d } from "./pool3d.ts";
import { normal, uniform } from "./random.ts";
import { reduceOps } from "./reduce.ts";
import {
  resizeBilinear,
  resizeBilinearGrad,
  resizeNearestNeighbor,
  resizeNearestNeighborGrad,
} from "./resize.ts";
import { flipLeftRight, reverse } from "./reverse.ts";
import { sampleOps } from "./sample.ts";
import { cumprod, cumsum } from "./scan.ts";
import { select } from "./select.ts";
import { linSpace, oneHot, range } from "./sequence.ts";
import { expandDims, identity, reshape } from "./shape.ts";
import { slice, stridedSlice, stridedSliceGrad } from "./slice.ts";
import { logSoftmaxOp, softmax } from "./softmax.ts";
import { batchToSpace, spaceToBatch } from "./space-batch.ts";
import { depthToSpace, spaceToDepthOp } from "./space-depth.ts";
import { splitV, unpack } from "./split.ts";
import { stopGradientOp } from "./stop-gradient.ts";
import { tile } from "./tile.ts";
import { cropAndResize, positionsBy, rotateWithOffset, transform } from "./transform.ts";
import { transpose } from "./transpose.ts";
import { upfirdn2dOp } from "./upfirdn2d.ts";

/** Every op that `init()` registers. */
export const ops: readonly AnyOp[] = [
  ...activationGrads,
  ...[adamOp, adamRestoreOp, adamStepsOp, assignOp, emaOfMeansOp, emaOp],
  batchNorm,
  ...[batchNormTrainGrad, batchNormTrainOp],
  broadcastToOp,
  cast,
  colourOp,
  ...[concat, pack],
  ...Object.values(convolution),
  ...conv3dOps,
  ...Object.values(depthwiseConvolution),
  einsum,
  ...binaryOps,
  ...unaryOps,
  fill,
  ...[fusedConv2d, fusedDepthwiseConv2d],
  ...[fusedActivation, fusedActivationGrad],
  ...[gather, gatherGrad, unsortedSegmentSum],
  ...gatherNdOps,
  globalNormOp,
  ...[imageBatchOp, imageBytesOp, translateOp],
  ...[addN, onesLike, zerosLike],
  localResponseNorm,
  liveScalarOp,
  ...[logisticLossGrad, logisticLossOp],
  ...[fusedMatMul, matMul],
  ...[mirrorPad, padV2],
  ...[avgPool, avgPoolGrad, maxPool, maxPoolGrad, maxPoolPick],
  ...[avgPool3d, maxPool3d],
  ...[normal, uniform],
  ...reduceOps,
  ...[resizeBilinear, resizeBilinearGrad, resizeNearestNeighbor, resizeNearestNeighborGrad],
  ...[flipLeftRight, reverse],
  ...sampleOps,
  ...[cumprod, cumsum],
  select,
  ...[linSpace, oneHot, range],
  ...[identity, reshape, expandDims],
  ...[slice, stridedSlice, stridedSliceGrad],
  ...[logSoftmaxOp, softmax],
  ...[batchToSpace, spaceToBatch],
  ...[depthToSpace, spaceToDepthOp],
  ...[splitV, unpack],
  stopGradientOp,
  tile,
  ...[cropAndResize, positionsBy, rotateWithOffset, transform],
  transpose,
  upfirdn2dOp,
];
