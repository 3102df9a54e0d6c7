import type { Call, Operand } from "../backend/op.ts";
import type { Kernels } from "../wasm/generated/kernels.ts";
import type { Conv2dAlgorithm, Conv2dDirection, Conv2dGeometry } from "../wasm/planner.ts";

type ConvolutionKernel = (y: number, a: number, b: number, program: number, workspace: number) => void;

const kernelOf: Record<Conv2dAlgorithm, (kernels: Kernels) => ConvolutionKernel> = {
  runs: ({ conv2dRuns }) => conv2dRuns,
  scatter: ({ conv2dScatter }) => conv2dScatter,
  filter: ({ conv2dFilter }) => conv2dFilter,
  depthwise: ({ conv2dDepthwise }) => conv2dDepthwise,
  depthwiseFilter: ({ conv2dDepthwiseFilter }) => conv2dDepthwiseFilter,
  thinDots: ({ conv2dThinDots }) => conv2dThinDots,
  thinSpread: ({ conv2dThinSpread }) => conv2dThinSpread,
  thinFilter: ({ conv2dThinFilter }) => conv2dThinFilter,
};

/** Computes one direction of a convolution as planned: y of (x, filter), dx of (dy, filter), dFilter of (x, dy). */
export function convolve(
  call: Call,
  geometry: Conv2dGeometry,
  direction: Conv2dDirection,
  result: Operand,
  a: Operand,
  b: Operand,
): void {
  if (a.size === 0 || b.size === 0 || result.size === 0) {
    call.kernels.fill(result.ptr, result.size, 0);
    return;
  }
  const plan = call.planner.planConv2d(geometry, direction);
  kernelOf[plan.algorithm](call.kernels)(
    result.ptr,
    a.ptr,
    b.ptr,
    call.ints(plan.program),
    call.workspace(plan.workspaceBytes),
  );
}
