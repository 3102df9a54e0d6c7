import { fill, grad, memory, mul, sum, type Tensor, type Tensor4D, tensor4d } from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { resizeAntialiased, resizeWeights } from "../../src/metrics/resize.ts";
import { useBuild } from "../builds.ts";
import { expectClose, random } from "../ops/check.ts";

beforeAll(useBuild);

describe("resizeAntialiased", () => {
  it("weighs as Pillow does", () => {
    // Halves: pixels at -1.5, -0.5, 0.5, 1.5 of a result's centre weigh 1/4, 3/4, 3/4, 1/4, cut off at the edges.
    const halved = [
      ...[3 / 7, 3 / 7, 1 / 7, 0, 0, 0],
      ...[0, 1 / 8, 3 / 8, 3 / 8, 1 / 8, 0],
      ...[0, 0, 0, 1 / 7, 3 / 7, 3 / 7],
    ];
    expectClose("halved", resizeWeights(6, 3, "triangle"), halved, 1e-7);
    expectClose("boxes", resizeWeights(4, 2, "box"), [0.5, 0.5, 0, 0, 0, 0, 0.5, 0.5], 1e-7);
    // Doubled, the filter is as wide as a source pixel: plain linear interpolation.
    const doubled = [1, 0, 0.75, 0.25, 0.25, 0.75, 0, 1];
    expectClose("doubled", resizeWeights(2, 4, "triangle"), doubled, 1e-7);
    // sinc(x)·sinc(x/3) at ±1/4, ±3/4, ..., ±11/4, over their sum.
    const lanczos = resizeWeights(16, 8, "lanczos3").subarray(4 * 16, 5 * 16);
    const sinc = (x: number) => Math.sin(Math.PI * x) / (Math.PI * x);
    const taps = Array.from({ length: 12 }, (_, i) => (i - 5.5) / 2).map((x) => sinc(x) * sinc(x / 3));
    const total = taps.reduce((a, b) => a + b);
    expectClose(
      "lanczos",
      lanczos.subarray(3, 15),
      taps.map((tap) => tap / total),
      1e-6,
    );
    expect([lanczos[2], lanczos[15]]).toEqual([0, 0]);
  });

  it("is that along both axes, of every channel, in float64 too", async () => {
    const next = random("resize");
    const [n, height, width, channels, high, wide] = [2, 9, 7, 3, 4, 11];
    const x = Float32Array.from({ length: n * height * width * channels }, next);
    const [rows, columns] = [resizeWeights(height, high, "triangle"), resizeWeights(width, wide, "triangle")];
    const expected = Float64Array.from({ length: n * high * wide * channels }, (_, at) => {
      const channel = at % channels;
      const [col, rest] = [Math.floor(at / channels) % wide, Math.floor(at / channels / wide)];
      const [row, picture] = [rest % high, Math.floor(rest / high)];
      let value = 0;
      for (let i = 0; i < height; i++) {
        for (let j = 0; j < width; j++) {
          const pixel = x[((picture * height + i) * width + j) * channels + channel];
          value += rows[row * height + i] * columns[col * width + j] * pixel;
        }
      }
      return value;
    });
    const input = tensor4d(x, [n, height, width, channels]);
    const before = memory().numTensors;
    const y = resizeAntialiased(input, [high, wide]);
    expect(memory().numTensors).toBe(before + 1);
    expect(y.shape).toEqual([n, high, wide, channels]);
    expectClose("resized", await y.data(), expected, 1e-6);
  });

  it("makes a checkerboard grey, where picking pixels would keep it black or white", async () => {
    const board = Float32Array.from({ length: 256 }, (_, i) => ((i + Math.floor(i / 16)) % 2 === 0 ? 1 : -1));
    const x = tensor4d(board, [1, 16, 16, 1]);
    for (const filter of ["box", "triangle", "lanczos3"] as const) {
      const y = await resizeAntialiased(x, [8, 8], { filter }).data();
      const inner = Array.from(y).filter(
        (_, i) => [3, 4].includes(i % 8) && [3, 4].includes(Math.floor(i / 8)),
      );
      for (const value of inner) expect(Math.abs(value)).toBeLessThan(filter === "lanczos3" ? 0.01 : 1e-6);
    }
  });

  it("keeps a colour, gives back a picture of that size, and is differentiable twice", async () => {
    const grey = fill([1, 5, 6, 2], 0.3) as Tensor4D;
    expectClose("grey", await resizeAntialiased(grey, [13, 3]).data(), Array(78).fill(0.3), 1e-6);
    expect(await resizeAntialiased(grey, [5, 6]).data()).toEqual(await grey.data());
    // ∇ of ½Σy² is AᵀAx, whose sum's gradient is AᵀA1: the same at every x.
    const energy = (x: Tensor) =>
      sum(mul(resizeAntialiased(x as Tensor4D, [3, 3]), resizeAntialiased(x as Tensor4D, [3, 3])));
    const second = grad((x: Tensor) => sum(grad(energy)(x)));
    const ones = await grad(energy)(fill([1, 5, 6, 2], 1)).data();
    expectClose("second", await second(grey).data(), ones, 1e-5);
  });

  it("refuses what is no size", () => {
    expect(() => resizeAntialiased(fill([1, 4, 4, 1], 0) as Tensor4D, [0, 4])).toThrow(
      /expected \[height, width\]/,
    );
  });
});
