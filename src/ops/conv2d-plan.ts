import type { Call, GpuCall, Operand } from "../backend/op.ts";
import type { Conv2dDirection, Conv2dGeometry } from "../wasm/planner.ts";
import type { GpuOperand } from "../webgpu/shader.ts";
import { implicitGemm } from "./conv2d.wgsl.ts";
import { directConvolution } from "./conv2d-direct.wgsl.ts";
import { minimalFiltering, minimalTile } from "./conv2d-minimal.wgsl.ts";
import { multiplyOne } from "./matmul.ts";
import { matMulOnGpu } from "./matmul.wgsl.ts";
import { fillOperand } from "./operand.ts";

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

/** Channels in times channels out of groups that are too thin for a product. */
const thinGroup = 32;

/** The same on the GPU. */
export function convolveOnGpu(
  call: GpuCall,
  geometry: Conv2dGeometry,
  direction: Conv2dDirection,
  result: GpuOperand,
  a: GpuOperand,
  b: GpuOperand,
): void {
  if (a.size === 0 || b.size === 0 || result.size === 0) {
    fillOperand(call, result, 0);
    return;
  }
  const { groups, inChannels, outChannels } = geometry;
  const rows = rowsOf(geometry);
  const tile = minimalTile(geometry, direction, call.planner.filtering);
  if (groups > 1 && (inChannels / groups) * (outChannels / groups) <= thinGroup) {
    directConvolution(call, geometry, direction, result, a, b);
  } else if (rows !== undefined) {
    matMulOnGpu(call, a, b, result, { ...product(rows, direction), count: 1 });
  } else if (tile !== undefined) {
    minimalFiltering(call, geometry, direction, tile, result, a, b);
  } else {
    implicitGemm(call, geometry, direction, result, a, b);
  }
}

/** Rows of x and y, as matrices, where y = x·filter: of pixels, or of whole pictures that the filter covers. */
function rowsOf(g: Conv2dGeometry): { rows: number; values: number; outChannels: number } | undefined {
  if (g.groups !== 1 || g.padTop !== 0 || g.padLeft !== 0) return undefined;
  const { inChannels, outChannels, batch } = g;
  const pixels = g.inHeight * g.inWidth;
  if (
    g.filterHeight * g.filterWidth * g.strideHeight * g.strideWidth === 1 &&
    g.outHeight * g.outWidth === pixels
  ) {
    return { rows: batch * pixels, values: inChannels, outChannels };
  }
  const covered = g.filterHeight === g.inHeight && g.filterWidth === g.inWidth;
  const undilated = g.dilationHeight === 1 && g.dilationWidth === 1;
  if (!covered || !undilated || g.outHeight * g.outWidth !== 1) return undefined;
  return { rows: batch, values: pixels * inChannels, outChannels };
}

/** y = x·f, dx = dy·fᵀ or df = xᵀ·dy. */
function product(
  { rows, values, outChannels }: { rows: number; values: number; outChannels: number },
  direction: Conv2dDirection,
) {
  const plain = { transposeA: false, transposeB: false };
  if (direction === "forward") return { m: rows, k: values, n: outChannels, ...plain };
  if (direction === "inputGradient")
    return { m: rows, k: outChannels, n: values, ...plain, transposeB: true };
  return { m: values, k: rows, n: outChannels, ...plain, transposeA: true };
}

/** A convolution whose filter covers the whole picture, of pictures as rows. */
function multiplyPictures(
  call: Call,
  { batch, inHeight, inWidth, inChannels, outChannels }: Conv2dGeometry,
  direction: Conv2dDirection,
  { ptr: y }: Operand,
  { ptr: a }: Operand,
  { ptr: b }: Operand,
): void {
  const rows = { rows: batch, values: inHeight * inWidth * inChannels, outChannels };
  const { m, k, n, ...transposed } = product(rows, direction);
  multiplyOne(call, y, a, b, { m, k, n }, transposed);
}
