import type { GpuCall } from "../backend/op.ts";
import type { Conv2dDirection, Conv2dGeometry } from "../wasm/planner.ts";
import { type GpuOperand, spread } from "../webgpu/shader.ts";
import { sumSlices } from "./gemm.wgsl.ts";

// Convolutions of groups of few channels, as depthwise ones: bound by memory, a result a thread, threads side by side
// along the channels.

/** Threads of the filter-gradient: side by side along the filter's elements, and pixels at a time. */
const [lanes, pixelsAtOnce] = [32, 8];
/** Pixels that a thread sums at least. */
const fewestPixels = 32;
/** Workgroups that keep a GPU busy. */
const enoughGroups = 512;

const sizesOf = (g: Conv2dGeometry): Record<string, number> => ({
  ...g,
  groupIn: g.inChannels / g.groups,
  groupOut: g.outChannels / g.groups,
});

function filterGradient(
  call: GpuCall,
  g: Conv2dGeometry,
  dFilter: GpuOperand,
  x: GpuOperand,
  dy: GpuOperand,
): void {
  const pixels = g.batch * g.outHeight * g.outWidth;
  const blocks = Math.ceil(dFilter.size / lanes);
  const wanted = Math.min(enoughGroups / blocks, pixels / (pixelsAtOnce * fewestPixels));
  const sliceSize = Math.ceil(pixels / Math.max(1, Math.floor(wanted)));
  const slices = Math.ceil(pixels / sliceSize);
  const y = slices > 1 ? call.workspace(slices * dFilter.size) : dFilter;
  call.run({
    ...{ name: "conv2d direct filterGradient", read: { a: x, b: dy }, write: { y } },
    ints: { ...sizesOf(g), pixels, blocks, sliceSize, size: dFilter.size },
    workgroupSize: [lanes * pixelsAtOnce],
    workgroups: spread(blocks * slices),
    declarations: () => `var<workgroup> sums: array<f32, ${lanes * pixelsAtOnce}>;`,
    body: () => `let flat = i32(group.x + group.y * groups.x);
  let at = flat % u.blocks * ${lanes} + i32(thread % ${lanes}u);
  let slice = flat / u.blocks;
  let o = at % u.outChannels;
  let c = o / u.groupOut * u.groupIn + at / u.outChannels % u.groupIn;
  let tap = at / u.outChannels / u.groupIn;
  let top = tap / u.filterWidth * u.dilationHeight - u.padTop;
  let left = tap % u.filterWidth * u.dilationWidth - u.padLeft;
  let end = min(u.pixels, (slice + 1) * u.sliceSize);
  var sum = 0.0;
  if (at < u.size) {
    for (var k = slice * u.sliceSize + i32(thread) / ${lanes}; k < end; k += ${pixelsAtOnce}) {
      let column = k % u.outWidth * u.strideWidth + left;
      let row = k / u.outWidth % u.outHeight * u.strideHeight + top;
      let picture = k / (u.outWidth * u.outHeight);
      if (u32(row) < u32(u.inHeight) && u32(column) < u32(u.inWidth)) {
        sum += a[((picture * u.inHeight + row) * u.inWidth + column) * u.inChannels + c] * b[k * u.outChannels + o];
      }
    }
  }
  sums[thread] = sum;
  workgroupBarrier();
  if (thread < ${lanes}u && at < u.size && slice * u.sliceSize < u.pixels) {
    for (var k = 1u; k < ${pixelsAtOnce}u; k++) { sum += sums[thread + k * ${lanes}u]; }
    y[slice * u.size + at] = sum;
  }`,
  });
  if (slices > 1) sumSlices(call, y, dFilter, slices);
}

const pointwise = {
  forward: `let o = index % u.outChannels;
  let pixel = index / u.outChannels;
  let first = o / u.groupOut * u.groupIn;
  let top = pixel / u.outWidth % u.outHeight * u.strideHeight - u.padTop;
  let left = pixel % u.outWidth * u.strideWidth - u.padLeft;
  let picture = pixel / (u.outWidth * u.outHeight);
  for (var r = 0; r < u.filterHeight; r++) {
    let row = top + r * u.dilationHeight;
    if (u32(row) >= u32(u.inHeight)) { continue; }
    for (var s = 0; s < u.filterWidth; s++) {
      let column = left + s * u.dilationWidth;
      if (u32(column) >= u32(u.inWidth)) { continue; }
      let at = ((picture * u.inHeight + row) * u.inWidth + column) * u.inChannels + first;
      let tap = (r * u.filterWidth + s) * u.groupIn * u.outChannels + o;
      for (var c = 0; c < u.groupIn; c++) { sum += a[at + c] * b[tap + c * u.outChannels]; }
    }
  }`,
  inputGradient: `let c = index % u.inChannels;
  let pixel = index / u.inChannels;
  let first = c / u.groupIn * u.groupOut;
  let top = pixel / u.inWidth % u.inHeight + u.padTop;
  let left = pixel % u.inWidth + u.padLeft;
  let picture = pixel / (u.inWidth * u.inHeight);
  for (var r = 0; r < u.filterHeight; r++) {
    let row = top - r * u.dilationHeight;
    if (row < 0 || row % u.strideHeight != 0 || row / u.strideHeight >= u.outHeight) { continue; }
    for (var s = 0; s < u.filterWidth; s++) {
      let column = left - s * u.dilationWidth;
      if (column < 0 || column % u.strideWidth != 0 || column / u.strideWidth >= u.outWidth) { continue; }
      let at = ((picture * u.outHeight + row / u.strideHeight) * u.outWidth + column / u.strideWidth) * u.outChannels
        + first;
      let tap = ((r * u.filterWidth + s) * u.groupIn + c % u.groupIn) * u.outChannels + first;
      for (var o = 0; o < u.groupOut; o++) { sum += a[at + o] * b[tap + o]; }
    }
  }`,
} as const;

/** One direction of a convolution, by its definition: y of (x, filter), dx of (dy, filter), dFilter of (x, dy). */
export function directConvolution(
  call: GpuCall,
  g: Conv2dGeometry,
  direction: Conv2dDirection,
  result: GpuOperand,
  a: GpuOperand,
  b: GpuOperand,
): void {
  if (direction === "filterGradient") {
    filterGradient(call, g, result, a, b);
    return;
  }
  call.run({
    ...{ name: `conv2d direct ${direction}`, read: { a, b }, write: { y: result }, elements: result.size },
    ints: sizesOf(g),
    body: () => `let index = i32(i);\n  var sum = 0.0;\n  ${pointwise[direction]}\n  y[i] = sum;`,
  });
}
