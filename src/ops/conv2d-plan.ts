import type { Call, Operand } from "../backend/op.ts";
import type { Conv2dDirection, Conv2dGeometry } from "../wasm/planner.ts";
import { multiplyOne } from "./matmul.ts";

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
  const { algorithm, steps, program, workspaceBytes } = call.planner.planConv2d(geometry, direction);
  if (algorithm === "product") {
    multiplyPictures(call, geometry, direction, result, a, b);
    return;
  }
  const fields = call.ints(program);
  const workspace = call.workspace(workspaceBytes);
  for (const { kernel, units, scratchBytes, place } of steps) {
    call.split(kernel, units, scratchBytes, [result.ptr, a.ptr, b.ptr, fields + 4 * place, workspace]);
  }
}

/** A convolution whose filter covers the whole picture: y = x·f, dx = dy·fᵀ, df = xᵀ·dy of pictures as rows. */
function multiplyPictures(
  call: Call,
  { batch, inHeight, inWidth, inChannels, outChannels }: Conv2dGeometry,
  direction: Conv2dDirection,
  { ptr: y }: Operand,
  { ptr: a }: Operand,
  { ptr: b }: Operand,
): void {
  const values = inHeight * inWidth * inChannels;
  const plain = { transposeA: false, transposeB: false };
  if (direction === "forward") {
    multiplyOne(call, y, a, b, { m: batch, k: values, n: outChannels }, plain);
  } else if (direction === "inputGradient") {
    multiplyOne(call, y, a, b, { m: batch, k: outChannels, n: values }, { ...plain, transposeB: true });
  } else {
    multiplyOne(call, y, a, b, { m: values, k: batch, n: outChannels }, { ...plain, transposeA: true });
  }
}
