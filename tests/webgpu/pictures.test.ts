import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { currentBackend } from "../../src/backend/backend.ts";
import { gridSample } from "../../src/ops/sample.ts";
import { upfirdn2d } from "../../src/ops/upfirdn2d.ts";
import { useBuild } from "../builds.ts";
import { checkNoLeak, random } from "../ops/check.ts";

beforeAll(useBuild);

const place = (op: string) => currentBackend().placer.explain(op)?.device;

async function valuesOf(x: tf.Tensor): Promise<number[]> {
  const values = Array.from(await x.data());
  x.dispose();
  return values;
}

/** The same by one device and by the other. */
async function onBoth(compute: () => tf.Tensor): Promise<[gpu: number[], wasm: number[]]> {
  const { placer } = currentBackend();
  const gpu = await valuesOf(tf.tidy(compute));
  placer.mode = "wasm";
  try {
    return [gpu, await valuesOf(tf.tidy(compute))];
  } finally {
    placer.mode = "webgpu";
  }
}

function expectSame([gpu, wasm]: [number[], number[]], tolerance = 1e-5): void {
  expect(gpu.length).toBe(wasm.length);
  for (const [i, value] of gpu.entries()) expect(Math.abs(value - wasm[i])).toBeLessThanOrEqual(tolerance);
}

function uniform(shape: number[], seed: string, low = -1, high = 1): tf.Tensor4D {
  const next = random(seed);
  const values = Float32Array.from(
    { length: tf.util.sizeFromShape(shape) },
    () => low + (high - low) * next(),
  );
  return tf.tensor4d(values, shape as [number, number, number, number]);
}

const gradientOf = (f: (x: tf.Tensor) => tf.Tensor, x: tf.Tensor, dy: tf.Tensor): tf.Tensor =>
  tf.grad(f)(x, dy);

describe("pictures on the GPU", () => {
  for (const channels of [3, 8]) {
    it(`samples of ${channels} channels go back to their pixels, many in one cell and some outside`, async () => {
      await checkNoLeak(async () => {
        for (const pictures of [1, 2]) {
          const compute = () => {
            const x = uniform([2, 6, 7, channels], "x");
            const crowd = tf.fill([pictures, 9, 4, 2], 0.11);
            const grid = tf.concat([uniform([pictures, 9, 11, 2], "grid", -1.3, 1.3), crowd], 2);
            return gradientOf((p) => gridSample(p, grid), x, uniform([2, 9, 15, channels], "dy"));
          };
          expectSame(await onBoth(compute), 2e-5);
          expect(place("GanvilSampleAdjoint")).toBe("wasm");
        }
      });
    });
  }

  it("adds samples in the same order each time", async () => {
    const x = uniform([1, 4, 4, 4], "x");
    const grid = uniform([1, 64, 64, 2], "grid", -0.4, 0.4);
    const dy = uniform([1, 64, 64, 4], "dy");
    const once = () => valuesOf(tf.tidy(() => gradientOf((p) => gridSample(p, grid), x, dy)));
    const first = await once();
    expect(place("GanvilSampleAdjoint")).toBe("webgpu");
    for (let i = 0; i < 3; i++) expect(await once()).toEqual(first);
    tf.dispose([x, grid, dy]);
  });

  it("positions that are no numbers lie outside", async () => {
    await checkNoLeak(async () => {
      const grid = [Number.NaN, 0, 0, Number.NaN, Number.POSITIVE_INFINITY, 0, 0, Number.NEGATIVE_INFINITY];
      const compute = () => gridSample(tf.ones([1, 3, 3, 1]), tf.tensor4d(grid, [1, 1, 4, 2]));
      expect(await valuesOf(tf.tidy(compute))).toEqual([0, 0, 0, 0]);
      const back = () =>
        gradientOf(
          (p) => gridSample(p, tf.tensor4d(grid, [1, 1, 4, 2])),
          tf.ones([1, 3, 3, 1]),
          tf.ones([1, 1, 4, 1]),
        );
      expect(await valuesOf(tf.tidy(back))).toEqual(Array(9).fill(0));
    });
  });

  for (const channels of [1, 4]) {
    it(`the largest of ${channels} channels: NaN shows, and padding alone is -∞`, async () => {
      await checkNoLeak(async () => {
        const values = [1, Number.NaN, 3, Number.NEGATIVE_INFINITY, 5, 6, 7, 8, 9];
        const x = () => tf.tile(tf.tensor4d(values, [1, 3, 3, 1]), [1, 1, 1, channels]) as tf.Tensor4D;
        const largest = await valuesOf(tf.tidy(() => tf.maxPool(x(), 2, 1, "valid")));
        expect(largest).toEqual([Number.NaN, Number.NaN, 8, 9].flatMap((v) => Array(channels).fill(v)));
        expect(place("MaxPool")).toBe("webgpu");
        const padded = await valuesOf(
          tf.tidy(() => tf.maxPool(tf.ones<tf.Rank.R4>([1, 1, 1, channels]), 1, 2, 2)),
        );
        const lowest = Number.NEGATIVE_INFINITY;
        const wanted = [lowest, lowest, lowest, lowest, 1, lowest, lowest, lowest, lowest];
        expect(padded).toEqual(wanted.flatMap((v) => Array(channels).fill(v)));
      });
    });
  }

  it("resizes far up and far down, and back", async () => {
    await checkNoLeak(async () => {
      for (const [shape, size] of [
        [
          [1, 2, 3, 4],
          [33, 41],
        ],
        [
          [1, 33, 41, 3],
          [2, 3],
        ],
      ] as const) {
        for (const resize of [tf.image.resizeBilinear, tf.image.resizeNearestNeighbor]) {
          for (const [align, half] of [
            [false, false],
            [true, false],
            [false, true],
          ]) {
            const compute = () =>
              gradientOf(
                (p): tf.Tensor => resize(p as never, [...size], align, half),
                uniform([...shape], "x"),
                uniform([1, ...size, shape[3]], "dy"),
              );
            expectSame(await onBoth(compute), 2e-5);
          }
        }
      }
    });
  });

  it("filters pictures without channels or batch to nothing", async () => {
    await checkNoLeak(async () => {
      for (const shape of [
        [0, 4, 4, 3],
        [2, 4, 4, 0],
      ]) {
        const y = tf.tidy(() => upfirdn2d(tf.zeros(shape), [1, 1]));
        expect(await valuesOf(y)).toEqual([]);
      }
    });
  });

  it("maps and boxes that are on the GPU decide on positions when they have come", async () => {
    await checkNoLeak(async () => {
      const onGpu = (x: tf.Tensor2D) =>
        tf.reshape(upfirdn2d(tf.reshape(x, [1, 1, x.size, 1]), [1]), x.shape) as tf.Tensor2D;
      const turned = (map: (x: tf.Tensor2D) => tf.Tensor2D) => () =>
        tf.image.transform(uniform([1, 4, 5, 2], "x"), map(tf.tensor2d([[0, -1, 3, 1, 0, 0, 0, 0]])));
      expect(await valuesOf(tf.tidy(turned(onGpu)))).toEqual((await onBoth(turned((x) => x)))[1]);
      const cropped = (map: (x: tf.Tensor2D) => tf.Tensor2D) => () =>
        tf.image.cropAndResize(
          uniform([1, 4, 5, 2], "x"),
          map(tf.tensor2d([[0, 0.2, 0.9, 1.2]])),
          tf.tensor1d([0], "int32"),
          [3, 3],
        );
      expectSame([await valuesOf(tf.tidy(cropped(onGpu))), (await onBoth(cropped((x) => x)))[1]], 1e-6);
    });
  });
});
