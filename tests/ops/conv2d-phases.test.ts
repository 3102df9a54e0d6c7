import { beforeAll, describe, expect, inject, it } from "vitest";
import { type KernelModule, loadKernels } from "../../src/wasm/load.ts";
import {
  type Conv2dDirection,
  type Conv2dGeometry,
  type Conv2dPlan,
  loadPlanner,
  type Planner,
} from "../../src/wasm/planner.ts";
import { conv2d, conv2dFilter, conv2dInput, type ReferenceConv } from "../reference/conv2d.ts";
import { type Nd, nd, sizeOf } from "../reference/nd.ts";
import { random } from "./check.ts";

// The plans' kernels by themselves, so that small shapes are filtered too, and units run in any order.

let module: KernelModule;
let planner: Planner;

beforeAll(async () => {
  module = await loadKernels(inject("build"));
  planner = await loadPlanner();
});

const directions: readonly Conv2dDirection[] = ["forward", "inputGradient", "filterGradient"];

interface Layer {
  readonly x: readonly [batch: number, height: number, width: number, channels: number];
  /** [height, width, outChannels] */
  readonly filter: readonly [number, number, number];
  /** Zeros around the picture: [top, bottom], [left, right]. */
  readonly pad: readonly [readonly [number, number], readonly [number, number]];
}

const padding = (top: number, bottom: number, left: number, right: number): Layer["pad"] => [
  [top, bottom],
  [left, right],
];

const same = padding(1, 1, 1, 1);

function geometryOf({ x, filter, pad }: Layer): Conv2dGeometry {
  const extent = (axis: 0 | 1) =>
    Math.floor((x[axis + 1] + pad[axis][0] + pad[axis][1] - filter[axis]) / 2) + 1;
  return {
    ...{ batch: x[0], inHeight: x[1], inWidth: x[2], inChannels: x[3] },
    ...{ outHeight: extent(0), outWidth: extent(1), outChannels: filter[2] },
    ...{ filterHeight: filter[0], filterWidth: filter[1], strideHeight: 2, strideWidth: 2 },
    ...{ padTop: pad[0][0], padLeft: pad[1][0], dilationHeight: 1, dilationWidth: 1, groups: 1 },
  };
}

/** Values of mean 0 and variance 1 (Box and Muller 1958). */
function normal(shape: readonly number[], seed: string): Nd {
  const next = random(seed);
  const data = Float64Array.from({ length: sizeOf(shape) }, () =>
    Math.fround(Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())),
  );
  return nd(shape, data);
}

/** The plan with such tiles, whether or not it is the fastest. */
function planFor(geometry: Conv2dGeometry, direction: Conv2dDirection, tile: 2 | 4): Conv2dPlan {
  planner.filtering = tile === 2 ? -2 : -4;
  return planner.planConv2d(geometry, direction);
}

/** What a direction reads, and gives in float64. */
function problem(g: Conv2dGeometry, direction: Conv2dDirection): { a: Nd; b: Nd; expected: Nd } {
  const xShape = [g.batch, g.inHeight, g.inWidth, g.inChannels];
  const yShape = [g.batch, g.outHeight, g.outWidth, g.outChannels];
  const filterShape = [g.filterHeight, g.filterWidth, g.inChannels, g.outChannels];
  const conv: ReferenceConv = {
    ...{ stride: [2, 2], dilation: [1, 1], groups: 1, padBefore: [g.padTop, g.padLeft] },
  };
  const a = normal(direction === "inputGradient" ? yShape : xShape, `${direction} a`);
  const b = normal(direction === "filterGradient" ? yShape : filterShape, `${direction} b`);
  if (direction === "forward") return { a, b, expected: conv2d(a, b, yShape, conv) };
  if (direction === "inputGradient") return { a, b, expected: conv2dInput(a, b, xShape, conv) };
  return { a, b, expected: conv2dFilter(a, b, filterShape, conv) };
}

type Kernel = (...args: number[]) => void;
/** Runs the units of one step: whole, or one by one. */
type RunUnits = (
  kernel: Kernel,
  args: number[],
  scratch: number,
  scratchBytes: number,
  units: number,
) => void;

const whole: RunUnits = (kernel, args, scratch, _, units) => kernel(...args, scratch, 0, units);

/** Every unit by itself, in random order, two scratch memories in turn. */
const shuffled: RunUnits = (kernel, args, scratch, scratchBytes, units) => {
  const next = random(units);
  const order = Array.from({ length: units }, (_, i) => ({ i, key: next() })).sort((a, b) => a.key - b.key);
  for (const { i } of order) kernel(...args, scratch + (i % 2) * scratchBytes, i, i + 1);
};

/** Computes a plan; memory that it should write itself is filled with NaN before. */
function compute(plan: Conv2dPlan, a: Nd, b: Nd, size: number, runUnits: RunUnits): Float32Array {
  const { memory, kernels } = module;
  let end = 65536;
  const place = (bytes: number): number => {
    const ptr = end;
    end += Math.ceil(bytes / 64) * 64;
    return ptr;
  };
  const [result, from, by] = [size, a.data.length, b.data.length].map((n) => place(4 * n));
  const program = place(plan.program.byteLength);
  const workspace = place(plan.workspaceBytes);
  const scratchBytes = Math.max(...plan.steps.map((step) => Math.ceil(step.scratchBytes / 64) * 64));
  const scratch = place(2 * scratchBytes);
  const guard = place(64);
  const missing = end - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / 65536));
  const floats = new Float32Array(memory.buffer, 0, end / 4);
  floats.fill(Number.NaN, 65536 / 4);
  floats.set(a.data, from / 4);
  floats.set(b.data, by / 4);
  new Int32Array(memory.buffer).set(plan.program, program / 4);
  for (const step of plan.steps) {
    const kernel = kernels[step.kernel] as unknown as Kernel;
    runUnits(kernel, [result, from, by, program, workspace], scratch, scratchBytes, step.units);
  }
  expect(floats[guard / 4]).toBeNaN();
  return floats.slice(result / 4, result / 4 + size);
}

/** Largest difference, of the largest expected value. */
function error(actual: Float32Array, { data }: Nd): number {
  let scale = 0;
  let worst = 0;
  for (let i = 0; i < data.length; i++) {
    scale = Math.max(scale, Math.abs(data[i]));
    const difference = Math.abs(actual[i] - data[i]);
    if (!(difference <= worst)) worst = difference;
  }
  return worst / scale;
}

const layers: readonly Layer[] = [
  { x: [2, 8, 8, 8], filter: [4, 4, 12], pad: same },
  { x: [3, 9, 7, 7], filter: [4, 4, 9], pad: same },
  { x: [1, 2, 2, 1], filter: [4, 4, 1], pad: same },
  { x: [2, 7, 10, 5], filter: [4, 4, 13], pad: padding(0, 3, 5, 0) },
  { x: [5, 5, 12, 17], filter: [3, 4, 16], pad: padding(0, 1, 2, 1) },
  { x: [7, 11, 6, 3], filter: [4, 3, 19], pad: padding(0, 0, 0, 0) },
  { x: [1, 18, 21, 4], filter: [3, 3, 2], pad: padding(6, 7, 0, 9) },
];

const describeLayer = ({ x, filter, pad }: Layer): string =>
  `${filter[0]}x${filter[1]} of [${x}] to ${filter[2]}, pad ${JSON.stringify(pad)}`;

describe("conv2d by minimal filtering of phases", () => {
  for (const layer of layers) {
    for (const tile of [2, 4] as const) {
      it(`equals the float64 reference in all directions, ${tile}x${tile} outputs a tile, ${describeLayer(layer)}`, () => {
        const geometry = geometryOf(layer);
        for (const direction of directions) {
          const { a, b, expected } = problem(geometry, direction);
          const plan = planFor(geometry, direction, tile);
          expect(plan.algorithm).toBe(`phases${tile}`);
          const actual = compute(plan, a, b, expected.data.length, whole);
          expect(error(actual, expected), direction).toBeLessThan(tile === 4 ? 1e-5 : 2e-6);
        }
      });
    }
  }

  it("gives the same bytes when every unit runs by itself, in random order", () => {
    // Several blocks of tiles, the last of them short.
    for (const batch of [3, 90]) {
      const geometry = geometryOf({ x: [batch, 16, 13, 43], filter: [4, 4, 50], pad: same });
      for (const direction of directions) {
        const yShape = [batch, geometry.outHeight, geometry.outWidth, 50];
        const a = normal(direction === "inputGradient" ? yShape : [batch, 16, 13, 43], "a");
        const b = normal(direction === "filterGradient" ? yShape : [4, 4, 43, 50], "b");
        const size = {
          forward: sizeOf(yShape),
          inputGradient: batch * 16 * 13 * 43,
          filterGradient: 16 * 43 * 50,
        };
        for (const tile of [2, 4] as const) {
          const plan = planFor(geometry, direction, tile);
          if (batch === 90) expect(plan.steps.length).toBeGreaterThan(3);
          const once = compute(plan, a, b, size[direction], whole);
          const apart = compute(plan, a, b, size[direction], shuffled);
          expect(once.every(Number.isFinite)).toBe(true);
          expect(once.every((value, i) => Object.is(value, apart[i]))).toBe(true);
        }
      }
    }
  });

  // The layers of a DCGAN, with fewer pictures: an error grows with the terms of a sum, not with their number.
  for (const [name, x, outs] of [
    ["64 to 128 channels at 16x16", [2, 16, 16, 64], 128],
    ["128 to 256 channels at 8x8", [2, 8, 8, 128], 256],
  ] as const) {
    it(`is within 2e-5 of the largest output for normal data, ${name}`, () => {
      const geometry = geometryOf({ x, filter: [4, 4, outs], pad: same });
      for (const direction of directions) {
        const { a, b, expected } = problem(geometry, direction);
        for (const tile of [2, 4] as const) {
          const plan = planFor(geometry, direction, tile);
          const actual = compute(plan, a, b, expected.data.length, whole);
          expect(error(actual, expected), direction).toBeLessThan(tile === 4 ? 2e-5 : 4e-6);
        }
      }
    });
  }
});
