import type { AnyOp } from "../backend/op.ts";
import { convolution } from "./conv2d.ts";
import { depthwiseConvolution } from "./depthwise-conv2d.ts";
import { fill } from "./fill.ts";
import { fusedConv2d, fusedDepthwiseConv2d } from "./fused-conv2d.ts";
import { fusedMatMul, matMul } from "./matmul.ts";
import { identity, reshape } from "./shape.ts";

/** Every op that `init()` registers. */
export const ops: readonly AnyOp[] = [
  ...Object.values(convolution),
  ...Object.values(depthwiseConvolution),
  fill,
  ...[fusedConv2d, fusedDepthwiseConv2d],
  ...[fusedMatMul, matMul],
  ...[identity, reshape],
];
