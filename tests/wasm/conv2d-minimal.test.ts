import { describe, expect, inject, it } from "vitest";
import { type KernelModule, loadKernels } from "../../src/wasm/load.ts";
import {
  type Conv2dDirection,
  type Conv2dGeometry,
  type Conv2dPlan,
  loadPlanner,
} from "../../src/wasm/planner.ts";
import { random } from "../ops/check.ts";

const directions: readonly Conv2dDirection[] = ["forward", "inputGradient", "filterGradient"];

function same3x3(
  batch: number,
  side: number,
  inChannels: number,
  outChannels: number,
  groups = 1,
): Conv2dGeometry {
  return {
    ...{ batch, inHeight: side, inWidth: side, inChannels, outHeight: side, outWidth: side, outChannels },
    ...{ filterHeight: 3, filterWidth: 3, strideHeight: 1, strideWidth: 1, padTop: 1, padLeft: 1 },
    ...{ dilationHeight: 1, dilationWidth: 1, groups },
  };
}

/** Normal float32 numbers. */
function normal(length: number, seed: string): Float32Array {
  const next = random(seed);
  return Float32Array.from(
    { length },
    () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
  );
}

/** x, filter and dy, and which of them a direction reads and writes. */
function operands(g: Conv2dGeometry, direction: Conv2dDirection) {
  const x = g.batch * g.inHeight * g.inWidth * g.inChannels;
  const filter = (9 * g.inChannels * g.outChannels) / g.groups;
  const y = g.batch * g.outHeight * g.outWidth * g.outChannels;
  const [result, a, b] = {
    forward: [y, x, filter],
    inputGradient: [x, y, filter],
    filterGradient: [filter, x, y],
  }[direction];
  return { size: result, a: normal(a, `${direction} a`), b: normal(b, `${direction} b`) };
}

/** Units of a step in the order in which they run, as calls [from, to). */
type Order = (units: number) => readonly (readonly [number, number])[];

const atOnce: Order = (units) => [[0, units]];

const shuffled: Order = (units) => {
  const next = random(units);
  return Array.from({ length: units }, (_, i) => ({ i, key: next() }))
    .sort((p, q) => p.key - q.key)
    .map(({ i }) => [i, i + 1]);
};

/** Runs a plan in memory full of NaN, with scratch memory of its own for every call of a kernel. */
function execute(
  { kernels, memory }: KernelModule,
  plan: Conv2dPlan,
  { size, a, b }: ReturnType<typeof operands>,
  order: Order,
): Float32Array {
  let top = 1 << 16;
  const take = (bytes: number): number => {
    const place = top;
    top += Math.ceil(bytes / 64) * 64;
    const pages = Math.ceil(top / 65536) - memory.buffer.byteLength / 65536;
    if (pages > 0) memory.grow(pages);
    new Uint8Array(memory.buffer, place, top - place).fill(255);
    return place;
  };
  const put = (values: Float32Array | Int32Array): number => {
    const place = take(values.byteLength);
    new Uint8Array(memory.buffer, place).set(new Uint8Array(values.buffer));
    return place;
  };
  const [left, right, program] = [put(a), put(b), put(plan.program)];
  const result = take(4 * size);
  const workspace = take(plan.workspaceBytes);
  const scratch = top;
  for (const { kernel, units, scratchBytes, place } of plan.steps) {
    for (const [from, to] of order(units)) {
      top = scratch;
      const own = take(scratchBytes);
      kernels[kernel](result, left, right, program + 4 * place, workspace, own, from, to);
    }
  }
  return new Float32Array(memory.buffer, result, size).slice();
}

/** One element of a direction's result, in float64. */
function exact(
  g: Conv2dGeometry,
  direction: Conv2dDirection,
  { a, b }: ReturnType<typeof operands>,
  element: number,
): number {
  const inGroup = g.inChannels / g.groups;
  const outGroup = g.outChannels / g.groups;
  const pixel = (i: number, j: number) =>
    i < 0 || j < 0 || i >= g.inHeight || j >= g.inWidth ? -1 : i * g.inWidth + j;
  const channels = direction === "inputGradient" ? g.inChannels : g.outChannels;
  const channel = element % channels;
  const rest = Math.floor(element / channels);
  let sum = 0;
  if (direction === "filterGradient") {
    const [c, tap] = [rest % inGroup, Math.floor(rest / inGroup)];
    const from = Math.floor(channel / outGroup) * inGroup + c;
    for (let n = 0; n < g.batch; n++)
      for (let i = 0; i < g.outHeight; i++)
        for (let j = 0; j < g.outWidth; j++) {
          const at = pixel(i + Math.floor(tap / 3) - g.padTop, j + (tap % 3) - g.padLeft);
          if (at < 0) continue;
          const x = a[(n * g.inHeight * g.inWidth + at) * g.inChannels + from];
          sum += x * b[((n * g.outHeight + i) * g.outWidth + j) * g.outChannels + channel];
        }
    return sum;
  }
  // With pad same, the input-gradient is the convolution with the taps turned and the channels exchanged.
  const forward = direction === "forward";
  const [reads, writes] = forward ? [inGroup, outGroup] : [outGroup, inGroup];
  const group = Math.floor(channel / writes);
  const [j, row] = [rest % g.inWidth, Math.floor(rest / g.inWidth)];
  const [i, n] = [row % g.inHeight, Math.floor(row / g.inHeight)];
  for (let tap = 0; tap < 9; tap++) {
    const at = pixel(i + Math.floor(tap / 3) - 1, j + (tap % 3) - 1);
    if (at < 0) continue;
    for (let k = 0; k < reads; k++) {
      const source = a[(n * g.inHeight * g.inWidth + at) * reads * g.groups + group * reads + k];
      const [c, o] = forward ? [k, channel] : [channel - group * writes, group * reads + k];
      sum += source * b[((forward ? tap : 8 - tap) * inGroup + c) * g.outChannels + o];
    }
  }
  return sum;
}

describe("minimal filtering", () => {
  it("gives the same bytes whatever the order of a step's units", async () => {
    const [module, planner] = await Promise.all([loadKernels(inject("build")), loadPlanner()]);
    for (const filtering of [-2, -4] as const) {
      planner.filtering = filtering;
      for (const shape of [same3x3(7, 11, 36, 20), same3x3(9, 14, 32, 64, 4), same3x3(6, 16, 128, 128)]) {
        for (const direction of directions) {
          const plan = planner.planConv2d(shape, direction);
          expect(plan.algorithm).toBe(`minimal${-filtering}`);
          const given = operands(shape, direction);
          const whole = execute(module, plan, given, atOnce);
          expect(whole.every((value) => Number.isFinite(value))).toBe(true);
          expect(execute(module, plan, given, shuffled)).toEqual(whole);
        }
      }
    }
  });

  const accurate: readonly (readonly [string, Conv2dGeometry])[] = [
    ["132 channels of 11x11 to 36, blocks not whole", same3x3(7, 11, 132, 36)],
    ["64 channels of 32x32", same3x3(16, 32, 64, 64)],
    ["128 channels of 16x16", same3x3(16, 16, 128, 128)],
    ["128 channels of 16x16 in groups of 16", same3x3(16, 16, 128, 128, 8)],
  ];
  for (const [name, shape] of accurate) {
    it(`is within 6e-6 (4x4) and 1e-6 (2x2) of the largest output for ${name}`, async () => {
      const [module, planner] = await Promise.all([loadKernels(inject("build")), loadPlanner()]);
      for (const [filtering, bound] of [
        [-4, 6e-6],
        [-2, 1e-6],
      ] as const) {
        planner.filtering = filtering;
        for (const direction of directions) {
          const given = operands(shape, direction);
          const result = execute(module, planner.planConv2d(shape, direction), given, atOnce);
          const largest = result.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
          const next = random("elements");
          for (let i = 0; i < 300; i++) {
            const element = Math.floor(next() * result.length);
            const error = Math.abs(result[element] - exact(shape, direction, given, element));
            expect(error / largest, `${direction}, element ${element}`).toBeLessThan(bound);
          }
        }
      }
    });
  }
});
