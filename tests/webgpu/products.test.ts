import { engine, reshape, type Tensor, tensor } from "@tensorflow/tfjs-core";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { currentBackend } from "../../src/backend/backend.ts";
import { type AnyOp, call, defineOp } from "../../src/backend/op.ts";
import { runOp } from "../../src/backend/run-op.ts";
import { convolution } from "../../src/ops/conv2d.ts";
import { extentsOf, implicitGemm } from "../../src/ops/conv2d.wgsl.ts";
import { conv2dGeometry } from "../../src/ops/conv2d-geometry.ts";
import { minimalTile } from "../../src/ops/conv2d-minimal.wgsl.ts";
import { planGemm, tiles } from "../../src/ops/gemm-plan.ts";
import { matMul } from "../../src/ops/matmul.ts";
import { matMulOnGpu } from "../../src/ops/matmul.wgsl.ts";
import { useBuild } from "../builds.ts";
import { checkForward, checkNoLeak, expectClose, random } from "../ops/check.ts";
import { directions, type Shape } from "../ops/conv2d.cases.ts";

beforeAll(useBuild);

const run = (op: AnyOp, inputs: Record<string, Tensor>, attrs: object): Tensor =>
  engine().makeTensorFromTensorInfo(runOp(currentBackend(), op, inputs, attrs) as Tensor);

function randomTensor(shape: number[], seed: string): Tensor {
  const next = random(seed);
  return tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 2 * next() - 1),
    shape,
  );
}

describe("products in tiles", () => {
  // Each tile with sizes that it does not divide, all layouts among them; single values, which take a software GPU long
  // to compile, in small tiles.
  for (const [i, [name, tile]] of Object.entries(tiles).entries()) {
    for (const vectors of tile.rows * tile.columns > 16 || tile.across === 1 ? [true] : [true, false]) {
      const [transposeA, transposeB] = [(i + Number(vectors)) % 2 === 1, i % 4 < 2];
      const slices = 1 + (i % 3);
      const layout = `${transposeA ? "ᵀ" : ""}·b${transposeB ? "ᵀ" : ""}`;
      it(`multiplies a${layout} in tiles of ${name}, vectors ${vectors}, ${slices} slices`, () =>
        checkNoLeak(async () => {
          const [height, width] = [tile.rows * tile.down, tile.columns * tile.across];
          const [m, k, n] = vectors ? [height + 4, 52, width + 8] : [height - 3, 53, width + 1];
          const op = defineOp<"a" | "b">({
            name: "TiledProduct",
            inputs: ["a", "b"],
            infer: () => ({ shape: [m, n] }),
            wasm: () => expect.fail("it runs on the GPU"),
            webgpu: (call, { a, b }, [y]) =>
              matMulOnGpu(
                ...([call, a, b, y, { m, k, n, count: 1, transposeA, transposeB }] as const),
                ...([{ tile, slices, special: true }] as const),
              ),
          });
          const a = randomTensor(transposeA ? [k, m] : [m, k], "a");
          const b = randomTensor(transposeB ? [n, k] : [k, n], "b");
          const y = run(op, { a, b }, {});
          const [left, right] = [await a.data(), await b.data()];
          const expected = new Float64Array(m * n);
          for (let row = 0; row < m; row++)
            for (let column = 0; column < n; column++)
              for (let p = 0; p < k; p++)
                expected[row * n + column] +=
                  left[transposeA ? p * m + row : row * k + p] *
                  right[transposeB ? column * k + p : p * n + column];
          expectClose("y", await y.data(), expected, 1e-6);
          for (const used of [a, b, y]) used.dispose();
        }));
    }
  }

  it("keeps large products in large tiles and cuts long depths into slices", () => {
    expect(planGemm({ m: 65536, n: 256, k: 2304, zones: 1 })).toMatchObject({
      ...{ tile: tiles["128x128"], slices: 1, special: true },
    });
    const filterGradient = planGemm({ m: 2304, n: 256, k: 65536, zones: 1 });
    expect(filterGradient.slices).toBeGreaterThan(1);
    expect(planGemm({ m: 65536, n: 3, k: 576, zones: 1 }).tile).toBe(tiles["256x4"]);
    expect(planGemm({ m: 16384, n: 16, k: 144, zones: 4 }).tile).toBe(tiles["128x16"]);
    expect(planGemm({ m: 5, n: 7, k: 9, zones: 1 })).toMatchObject({ special: false, slices: 1 });
  });
});

describe("implicit products of the sizes in the text", () => {
  const shapes: readonly Shape[] = [
    { x: [2, 5, 7, 8], filter: [3, 3, 12] },
    { x: [2, 7, 6, 3], filter: [4, 4, 8], stride: [2, 2] },
    { x: [1, 9, 7, 32], filter: [3, 3, 32], groups: 2, stride: [2, 1], dilation: [1, 2], pad: 2 },
    { x: [1, 6, 5, 12], filter: [1, 3, 8], stride: [3, 2] },
  ];
  for (const shape of shapes) {
    for (const [direction, op] of (
      [
        ["forward", convolution.forward],
        ["inputGradient", convolution.input],
        ["filterGradient", convolution.filter],
      ] as const
    ).entries()) {
      const [name, record] = op;
      const special: AnyOp = {
        ...(record as AnyOp),
        webgpu: (call, inputs, [y], _, plan) => {
          const [a, b] = Object.values(inputs);
          const gemmPlan = { ...planGemm(extentsOf(plan, name)), slices: 2, special: true };
          implicitGemm(call, plan, name, y, a, b, gemmPlan);
        },
      };
      const test = directions(shape)[direction];
      it(`${test.name} equals the float64 reference`, () =>
        checkNoLeak(() =>
          checkForward({
            ...test,
            run: (...tensors) => {
              const attrs = attributes(shape, name);
              return run(
                special,
                { [special.inputs[0]]: tensors[0], [special.inputs[1]]: tensors[1] },
                attrs,
              );
            },
          }),
        ));
    }
  }
});

function attributes(
  { x, filter, stride = [1, 1], dilation = [1, 1], groups = 1, pad = "same" }: Shape,
  direction: string,
) {
  return {
    ...{ strides: stride, dilations: dilation, groups, pad, dataFormat: "NHWC" },
    ...(direction === "inputGradient" && { inputShape: [...x] }),
    ...(direction === "filterGradient" && { filterShape: [filter[0], filter[1], x[3] / groups, filter[2]] }),
  };
}

describe("minimal filtering", () => {
  afterEach(() => {
    currentBackend().planner.filtering = 4;
  });
  const shapes: readonly Shape[] = [
    { x: [2, 5, 7, 3], filter: [3, 3, 9] },
    {
      x: [1, 5, 6, 5],
      filter: [3, 3, 2],
      pad: [
        [0, 3],
        [2, 1],
      ],
    },
  ];
  for (const tile of [-2, -4] as const) {
    for (const test of shapes.flatMap(directions)) {
      it(`${test.name}, tiles of ${-tile}`, () => {
        currentBackend().planner.filtering = tile;
        return checkNoLeak(() => checkForward(test));
      });
    }
  }

  it("is for wide channels and many tiles, and obeys", () => {
    const attrs = { strides: 1, pad: "same" } as const;
    const g = conv2dGeometry("conv2d", [64, 32, 32, 256], [3, 3, 256, 256], attrs);
    expect([4, 2, 0].map((filtering) => minimalTile(g, "forward", filtering))).toEqual([4, 2, undefined]);
    const thin = conv2dGeometry("conv2d", [64, 32, 32, 16], [3, 3, 16, 16], attrs);
    expect(minimalTile(thin, "forward", 4)).toBeUndefined();
    const strided = conv2dGeometry("conv2d", [64, 32, 32, 256], [3, 3, 256, 256], { ...attrs, strides: 2 });
    expect(minimalTile(strided, "forward", 4)).toBeUndefined();
  });
});

it("convolves and multiplies on the GPU", () =>
  checkNoLeak(async () => {
    const x = randomTensor([1, 4, 4, 2], "x");
    const filter = randomTensor([3, 3, 2, 2], "filter");
    const y = call(convolution.forward, { x, filter }, { strides: 1, pad: "same" });
    const rows = reshape(y, [16, 2]);
    const square = call(matMul, { a: rows, b: rows }, { transposeA: true, transposeB: false });
    await square.data();
    for (const op of ["Conv2D", "BatchMatMul"])
      expect(currentBackend().placer.explain(op)).toMatchObject({ device: "webgpu" });
    for (const used of [x, filter, y, rows, square]) used.dispose();
  }));
