import type { GpuCall } from "../backend/op.ts";
import type { Conv2dDirection, Conv2dGeometry } from "../wasm/planner.ts";
import type { GpuOperand } from "../webgpu/shader.ts";
import { gemm } from "./gemm.wgsl.ts";
import type { Factor, Product } from "./gemm-factors.wgsl.ts";
import { type Extents, type GemmPlan, planGemm } from "./gemm-plan.ts";

// The three directions of a convolution as products of matrices that are never made: a patch of a picture is a row
// (of the filter-gradient, a column) whose values are looked up as a tile is loaded.

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/** Taps from one that meets a pixel to the next that does. */
const tapStep = (stride: number, dilation: number): number => stride / gcd(stride, dilation);

/** Sizes of the matrices of one direction: a zone for each group, and in the input-gradient for each phase. */
export function extentsOf(g: Conv2dGeometry, direction: Conv2dDirection): Extents {
  const [groupIn, groupOut] = [g.inChannels / g.groups, g.outChannels / g.groups];
  const taps = g.filterHeight * g.filterWidth;
  const pixels = g.batch * g.outHeight * g.outWidth;
  if (direction === "forward") return { m: pixels, n: groupOut, k: taps * groupIn, zones: g.groups };
  if (direction === "filterGradient") return { m: taps * groupIn, n: groupOut, k: pixels, zones: g.groups };
  const inPhase = (size: number, stride: number) => Math.ceil(size / stride);
  return {
    m: g.batch * inPhase(g.inHeight, g.strideHeight) * inPhase(g.inWidth, g.strideWidth),
    n: groupIn,
    k:
      inPhase(g.filterHeight, tapStep(g.strideHeight, g.dilationHeight)) *
      inPhase(g.filterWidth, tapStep(g.strideWidth, g.dilationWidth)) *
      groupOut,
    zones: g.strideHeight * g.strideWidth * g.groups,
  };
}

/** Far outside of a picture, on all sides. */
const nowhere = "vec4i(0, -(1 << 28), 0, 0)";

/** WGSL: the value at `index` of an operand, `inside` or 0. */
const valueAt = (name: "a" | "b", index: string, inside: string, vectors: boolean) =>
  `if (!(${inside})) { return ${vectors ? "vec4f()" : "0.0"}; }
  return ${name}[(${index})${vectors ? " / 4" : ""}];`;

/** WGSL: the pixel of the picture `a` at [y, x] + offsets. */
const pixelOf = (y: string, x: string, height: string, width: string, channels: string, vectors: boolean) =>
  `let y = ${y};
  let x = ${x};
  ${valueAt("a", `p.x + (y * u.${width} + x) * u.${channels}`, `k < u.k && u32(y) < u32(u.${height}) && u32(x) < u32(u.${width})`, vectors)}`;

type Parts = Pick<Product, "a" | "b" | "row" | "rowVectors" | "declarations" | "depth" | "setup">;

/** The factor of channels of y, a row each, of one group at a time. */
const rowsOfOutputs = (values: GpuOperand, vectors: boolean): Factor => ({
  ...{ values, along: "side", vectors },
  place: "return vec4i(select(-1, zone * u.groupOut + at, at < u.n));",
  load: valueAt("b", "p.x + k * u.outChannels", "p.x >= 0 && k < u.k", vectors),
});

function forward(g: Conv2dGeometry, x: GpuOperand, filter: GpuOperand, special: boolean): Parts {
  const [xVectors, vectors] = vectorsOf(g, special);
  return {
    a: {
      ...{ values: x, along: "depth", vectors: xVectors },
      place: `if (at >= u.m) { return ${nowhere}; }
  let column = at % u.outWidth;
  let row = (at / u.outWidth) % u.outHeight;
  let picture = at / (u.outWidth * u.outHeight);
  return vec4i(picture * u.inHeight * u.inWidth * u.inChannels + zone * u.groupIn,
    row * u.strideHeight - u.padTop, column * u.strideWidth - u.padLeft, 0);`,
      load: `let tap = k / u.groupIn;
  let row = p.y + tap / u.filterWidth * u.dilationHeight;
  let column = p.z + tap % u.filterWidth * u.dilationWidth;
  ${pixelOf("row", "column", "inHeight", "inWidth", "inChannels", xVectors).replace("p.x", "p.x + k % u.groupIn")}`,
    },
    b: rowsOfOutputs(filter, vectors),
    row: "return select(-1, row * u.outChannels + zone * u.groupOut, row < u.m);",
    rowVectors: vectors,
  };
}

/** Whether channels of x (of dx), and of y, can be read four at a time. */
const vectorsOf = (g: Conv2dGeometry, special: boolean): readonly [boolean, boolean] => [
  special && (g.inChannels / g.groups) % 4 === 0,
  special && (g.outChannels / g.groups) % 4 === 0,
];

/**
 * Pixels of dx fall into phases by their place between the strides, and each phase meets taps of its own: a phase is a
 * convolution of dy by these, without any zeros between its pixels.
 */
function inputGradient(g: Conv2dGeometry, dy: GpuOperand, filter: GpuOperand, special: boolean): Parts {
  const [dxVectors, vectors] = vectorsOf(g, special);
  const known = (taps: number, step: number) => special && taps % step === 0 && step > 0;
  const taps = (name: "high" | "wide", count: number, stride: number, dilation: number) => {
    const step = tapStep(stride, dilation);
    // Every phase has as many, but for a dilation that skips some.
    return known(count, step) && step === stride ? `${count / step}` : `${name}.y`;
  };
  return {
    a: {
      ...{ values: dy, along: "depth", vectors },
      place: `let pixel = pixelAt(at);
  if (pixel.x < 0) { return ${nowhere}; }
  return vec4i(pixel.x * u.outHeight * u.outWidth * u.outChannels + zone % u.groups * u.groupOut,
    high.w + pixel.y, wide.w + pixel.z, 0);`,
      load: `let tap = k / u.groupOut;
  let row = p.y - tap / tapsWide() * u.hopHeight;
  let column = p.z - tap % tapsWide() * u.hopWidth;
  ${pixelOf("row", "column", "outHeight", "outWidth", "outChannels", vectors)
    .replace("p.x", "p.x + k % u.groupOut")
    .replace("k < u.k", "tap < tapsHigh() * tapsWide()")}`,
    },
    b: {
      ...{ values: filter, along: "depth", vectors },
      place: "return vec4i(select(-1, at * u.outChannels + zone % u.groups * u.groupOut, at < u.n));",
      load: `let tap = k / u.groupOut;
  let row = high.x + tap / tapsWide() * u.stepHeight;
  let column = wide.x + tap % tapsWide() * u.stepWidth;
  ${valueAt("b", "p.x + k % u.groupOut + (row * u.filterWidth + column) * u.groupIn * u.outChannels", "p.x >= 0 && tap < tapsHigh() * tapsWide()", vectors)}`,
    },
    row: `let pixel = pixelAt(row);
  if (pixel.x < 0) { return -1; }
  let y = high.z + pixel.y * u.strideHeight;
  let x = wide.z + pixel.z * u.strideWidth;
  return ((pixel.x * u.inHeight + y) * u.inWidth + x) * u.inChannels + zone % u.groups * u.groupIn;`,
    rowVectors: dxVectors,
    declarations: `
// Of the phase: its first tap, its taps, its first pixel of dx, the pixel of dy that the first tap meets there.
var<private> high: vec4i;
var<private> wide: vec4i;
fn tapsHigh() -> i32 { return ${taps("high", g.filterHeight, g.strideHeight, g.dilationHeight)}; }
fn tapsWide() -> i32 { return ${taps("wide", g.filterWidth, g.strideWidth, g.dilationWidth)}; }
fn phaseAlong(phase: i32, stride: i32, dilation: i32, step: i32, count: i32, pad: i32) -> vec4i {
  var first = 0;
  while (first < step && (first * dilation) % stride != phase) { first++; }
  let taps = select(0, (count - first + step - 1) / step, first < step && first < count);
  let pixel = (phase + stride - pad % stride) % stride;
  return vec4i(first, taps, pixel, (pixel + pad) / stride - (first * dilation - phase) / stride);
}
fn highOf(zone: i32) -> vec4i {
  let phase = zone / u.groups / u.strideWidth;
  return phaseAlong(phase, u.strideHeight, u.dilationHeight, u.stepHeight, u.filterHeight, u.padTop);
}
fn wideOf(zone: i32) -> vec4i {
  let phase = zone / u.groups % u.strideWidth;
  return phaseAlong(phase, u.strideWidth, u.dilationWidth, u.stepWidth, u.filterWidth, u.padLeft);
}
// Number of the picture, row and column of a phase's pixel.
fn pixelAt(at: i32) -> vec3i {
  let height = (u.inHeight - high.z + u.strideHeight - 1) / u.strideHeight;
  let width = (u.inWidth - wide.z + u.strideWidth - 1) / u.strideWidth;
  if (at >= u.batch * height * width) { return vec3i(-1); }
  return vec3i(at / (height * width), at / width % height, at % width);
}`,
    depth: "highOf(at).y * wideOf(at).y * u.groupOut",
    setup: "high = highOf(at);\nwide = wideOf(at);",
  };
}

function filterGradient(g: Conv2dGeometry, x: GpuOperand, dy: GpuOperand, special: boolean): Parts {
  const [xVectors, vectors] = vectorsOf(g, special);
  return {
    a: {
      ...{ values: x, along: "side", vectors: xVectors },
      place: `if (at >= u.m) { return ${nowhere}; }
  let tap = at / u.groupIn;
  return vec4i(zone * u.groupIn + at % u.groupIn, tap / u.filterWidth * u.dilationHeight - u.padTop,
    tap % u.filterWidth * u.dilationWidth - u.padLeft, 0);`,
      load: `let column = k % u.outWidth * u.strideWidth + p.z;
  let row = k / u.outWidth % u.outHeight * u.strideHeight + p.y;
  let picture = k / (u.outWidth * u.outHeight);
  ${pixelOf("row", "column", "inHeight", "inWidth", "inChannels", xVectors).replace("(y *", "((picture * u.inHeight + y) *")}`,
    },
    b: rowsOfOutputs(dy, vectors),
    row: "return select(-1, row * u.outChannels + zone * u.groupOut, row < u.m);",
    rowVectors: vectors,
  };
}

const parts = { forward, inputGradient, filterGradient } as const;

/** The sizes that each direction's WGSL knows. */
function sizesOf(g: Conv2dGeometry): Record<string, number> {
  const [stepHeight, stepWidth] = [
    tapStep(g.strideHeight, g.dilationHeight),
    tapStep(g.strideWidth, g.dilationWidth),
  ];
  return {
    ...g,
    groupIn: g.inChannels / g.groups,
    groupOut: g.outChannels / g.groups,
    ...{ stepHeight, stepWidth },
    // Pixels of dy from one tap of a phase to the next.
    hopHeight: (stepHeight * g.dilationHeight) / g.strideHeight,
    hopWidth: (stepWidth * g.dilationWidth) / g.strideWidth,
  };
}

/** One direction of a convolution as a product: y of (x, filter), dx of (dy, filter), dFilter of (x, dy). */
export function implicitGemm(
  call: GpuCall,
  g: Conv2dGeometry,
  direction: Conv2dDirection,
  result: GpuOperand,
  a: GpuOperand,
  b: GpuOperand,
  plan: GemmPlan = planGemm(extentsOf(g, direction)),
): void {
  gemm(
    call,
    {
      ...{ name: `conv2d ${direction}`, ...extentsOf(g, direction), sizes: sizesOf(g), y: result },
      ...parts[direction](g, a, b, plan.special),
    },
    plan,
  );
}
