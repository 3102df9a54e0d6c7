import type { Call, Operand } from "../backend/op.ts";
import type { Conv2dDirection, Conv2dGeometry } from "../wasm/planner.ts";

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
  const { steps, program, workspaceBytes } = call.planner.planConv2d(geometry, direction);
  const fields = call.ints(program);
  const workspace = call.workspace(workspaceBytes);
  for (const { kernel, units, scratchBytes, place } of steps) {
    call.split(kernel, units, scratchBytes, [result.ptr, a.ptr, b.ptr, fields + 4 * place, workspace]);
  }
}
