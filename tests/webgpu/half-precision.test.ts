import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { create, globals } from "webgpu";
import type { GpuCall } from "../../src/backend/op.ts";
import { extentsOf, implicitGemm } from "../../src/ops/conv2d.wgsl.ts";
import { conv2dGeometry } from "../../src/ops/conv2d-geometry.ts";
import { minimalFiltering } from "../../src/ops/conv2d-minimal.wgsl.ts";
import { matrixExtension } from "../../src/ops/gemm-matrix.wgsl.ts";
import { planGemm, tiles } from "../../src/ops/gemm-plan.ts";
import { proveArithmetic } from "../../src/ops/half-precision.ts";
import { matMulOnGpu } from "../../src/ops/matmul.wgsl.ts";
import type { Conv2dDirection } from "../../src/wasm/planner.ts";
import { requestDevice } from "../../src/webgpu/adapter.ts";
import { type Arithmetic, float32, type MatrixUnit, matrixUnits } from "../../src/webgpu/arithmetic.ts";
import { Gpu } from "../../src/webgpu/gpu.ts";
import type { GpuOperand, Shader } from "../../src/webgpu/shader.ts";

// Dawn's device of no hardware: it validates and compiles shaders as others do, and computes nothing.
let instance: GPU;
let gpu: Gpu;

async function nullGpu(info: object = {}): Promise<Gpu> {
  const adapter = (await instance.requestAdapter())!;
  const device = await requestDevice(adapter, { halfPrecision: true });
  const described = { info: { vendor: "null", subgroupMinSize: 4, subgroupMaxSize: 128, ...info } };
  return new Gpu(described as GPUAdapter, device, { halfPrecision: true });
}

beforeAll(async () => {
  Object.assign(globalThis, globals);
  instance = create(["backend=null", "enable-dawn-features=allow_unsafe_apis"]);
  gpu = await nullGpu();
});

afterAll(() => gpu.dispose());

/** Bytes of workgroup memory, as on most GPUs; Dawn's has half of it. */
const largeMemory = 32768;

/** The shaders of what `work` computes: all valid, but that they may take as much memory as is said here. */
async function validShaders(
  arithmetic: Arithmetic,
  work: (call: GpuCall) => void,
  memory = largeMemory,
): Promise<Shader[]> {
  const shaders: Shader[] = [];
  const limits = { maxComputeWorkgroupStorageSize: memory, maxStorageBufferBindingSize: 1 << 27 };
  const call = {
    ...{ arithmetic, limits, workspace: operand, values: ({ length }: Float32Array) => operand(length) },
    run: (shader: Shader) => shaders.push(shader),
  };
  work(call as unknown as GpuCall);
  gpu.device.pushErrorScope("validation");
  const compiled = shaders.map((shader) => gpu.pipelines.of(shader).ready);
  expect((await gpu.device.popErrorScope())?.message).toBeUndefined();
  for (const { reason } of (await Promise.allSettled(compiled)) as { reason?: Error }[]) {
    const bytes = /total use of workgroup storage \((\d+) bytes\)/.exec(reason?.message ?? "")?.[1];
    if (reason !== undefined && bytes === undefined) throw reason;
    expect(Number(bytes ?? 0)).toBeLessThanOrEqual(memory);
  }
  return shaders;
}

/** An operand that no shader will run on. */
const operand = (size: number): GpuOperand =>
  ({ region: undefined, size, shape: [size], dtype: "float32" }) as unknown as GpuOperand;

const float16: Arithmetic = { float16: true, reason: "" };
const unit = (component: "f16" | "f32", m: number, n: number, k: number, lanes: number): MatrixUnit => ({
  ...{ component, m, n, k, lanes, widest: 128 },
});
// NVIDIA's, Intel's and Apple's, in their subgroups, and one of wide subgroups.
const units = [
  unit("f16", 16, 16, 16, 32),
  unit("f16", 8, 16, 16, 16),
  unit("f32", 8, 8, 8, 32),
  unit("f16", 16, 16, 16, 64),
];

const multiplies = (shaders: Shader[], extension: string) =>
  shaders.some(({ enable = [] }) => enable.includes(extension));

describe("products in float16 are valid", () => {
  const layouts = [
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ] as const;
  const arithmetics = [float16, ...units.map((matrixUnit) => ({ ...float16, matrixUnit }))];
  for (const arithmetic of arithmetics) {
    const { matrixUnit } = arithmetic;
    const by = matrixUnit === undefined ? "float16" : Object.values(matrixUnit).join(" ");
    for (const [name, tile] of Object.entries(tiles)) {
      it(`of each layout in tiles of ${name} by ${by}`, async () => {
        for (const [transposeA, transposeB] of layouts) {
          for (const [m, k, n] of [
            [300, 200, 260],
            [301, 203, 257],
          ]) {
            const sizes = { m, k, n, count: 2, transposeA, transposeB };
            const operands = [operand(2 * m * k), operand(2 * k * n), operand(2 * m * n)] as const;
            const multiply = (call: GpuCall) =>
              matMulOnGpu(call, ...operands, sizes, { tile, slices: 2, special: true });
            await validShaders(arithmetic, multiply, largeMemory / 2);
            const shaders = await validShaders(arithmetic, multiply);
            const byMatrices = matrixUnit !== undefined && tile.down * tile.across >= 128;
            expect(multiplies(shaders, matrixExtension)).toBe(byMatrices);
            expect(multiplies(shaders, "f16")).toBe(!byMatrices || matrixUnit.component === "f16");
          }
        }
      });
    }

    for (const direction of [
      "forward",
      "inputGradient",
      "filterGradient",
    ] as const satisfies Conv2dDirection[]) {
      it(`of a convolution, ${direction}, by ${by}`, async () => {
        for (const channels of [64, 65]) {
          const attrs = { strides: 2, pad: "same" } as const;
          const g = conv2dGeometry("conv2d", [4, 32, 32, channels], [3, 3, channels, 128], attrs);
          const plan = { ...planGemm(extentsOf(g, direction)), tile: tiles["128x64"], special: true };
          const shaders = await validShaders(arithmetic, (call) =>
            implicitGemm(call, g, direction, operand(4), operand(4), operand(4), plan),
          );
          expect(multiplies(shaders, "f16")).toBe(matrixUnit?.component !== "f32");
        }
      });

      it(`of minimal filtering, ${direction}, by ${by}`, async () => {
        const g = conv2dGeometry("conv2d", [4, 32, 32, 64], [3, 3, 64, 128], { strides: 1, pad: "same" });
        const shaders = await validShaders(arithmetic, (call) =>
          minimalFiltering(call, g, direction, 4, operand(4), operand(4), operand(4)),
        );
        expect(multiplies(shaders, "f16") || multiplies(shaders, matrixExtension)).toBe(true);
      });
    }
  }
});

describe("a GPU's arithmetic", () => {
  const subgroupMatrixConfigs = [
    { componentType: "f16", resultComponentType: "f16", M: 32, N: 32, K: 32 },
    { componentType: "f32", resultComponentType: "f32", M: 8, N: 8, K: 8 },
    { componentType: "f16", resultComponentType: "f32", M: 16, N: 8, K: 16 },
    { componentType: "f16", resultComponentType: "f32", M: 16, N: 16, K: 16 },
  ];

  it("is float32 until it has proved more", () => expect(gpu.arithmetic).toBe(float32));

  it("stays float32 where products are not exact", async () => {
    const wrong = await nullGpu({ subgroupMatrixConfigs });
    await proveArithmetic(wrong);
    expect(wrong.arithmetic.float16).toBe(false);
    expect(wrong.arithmetic.matrixUnit).toBeUndefined();
    expect(wrong.arithmetic.reason).toMatch(
      /^float16 tiles not in use: of whole numbers it made \S+, not \d+; matrix units not in use: /,
    );
    expect(wrong.failure).toBeUndefined();
    const { asked, compiled } = wrong.pipelines.progress;
    expect(asked).toBe(compiled);
    wrong.dispose();
  });

  it("takes the largest matrices that sum in float32, from float16 where there are such", () => {
    const { device } = gpu;
    const of = (info: object) =>
      matrixUnits({ info: { subgroupMinSize: 32, subgroupMaxSize: 32, ...info } } as GPUAdapter, device);
    const nvidia = { component: "f16", m: 16, n: 16, k: 16, lanes: 32, widest: 32 };
    expect(of({ subgroupMatrixConfigs })).toEqual([nvidia]);
    const apple = { subgroupMatrixConfigs: subgroupMatrixConfigs.slice(0, 2), subgroupMinSize: 4 };
    expect(of(apple).map(({ component, lanes }) => [component, lanes])).toEqual([
      ["f32", 16],
      ["f32", 32],
    ]);
    expect(of({})).toEqual([]);
  });
});

/** A matrix unit's sizes. */
type Sizes = Pick<MatrixUnit, "m" | "n" | "k" | "lanes">;

/**
 * A shader of products as a GPU without float16 and matrix units computes it: in float32, and the first of so many
 * threads multiplies the matrices of all. A factor's matrix is where it lies: its offset, its strides down and across.
 */
function emulated(shader: Shader, { m, n, k, lanes }: Sizes): Shader {
  const functions = (matrices: number) => `
var<private> sums: array<f32, ${matrices * m * n}>;
fn multiplyAdd(a: vec3u, b: vec3u, y: u32) {
  for (var i = 0u; i < ${m * n}u; i++) { for (var d = 0u; d < ${k}u; d++) {
    sums[y + i] += tileA[a.x + i / ${n}u * a.y + d * a.z] * tileB[b.x + d * b.y + i % ${n}u * b.z];
  } }
}
fn write(offset: u32, y: u32, stride: u32) {
  for (var i = 0u; i < ${m * n}u; i++) { results[offset + i / ${n}u * stride + i % ${n}u] = sums[y + i]; }
}`;
  let matrices = 0;
  const plain = (text: string) =>
    text
      .replace(/alias Matrix.*/g, "")
      .replace(
        /subgroupMatrixLoad<Matrix., (\w+)>\(&tile., (.*), (\d+)u\);/g,
        (_, order, at, stride) => `vec3u(${at}, ${order === "col_major" ? `1, ${stride}` : `${stride}, 1`});`,
      )
      .replace(/var (c\w+) = MatrixY\(\)/g, (_, name) => `let ${name} = ${matrices++ * m * n}u`)
      .replace(/c\w+ = subgroupMatrixMultiplyAccumulate/g, "multiplyAdd")
      .replaceAll("subgroupMatrixStore<row_major>(&results, ", "write(")
      .replaceAll("if (subgroup <", `if (thread % ${lanes}u == 0u && subgroup <`)
      .replace(/\bf16\b/g, "f32")
      .replaceAll("vec4h", "vec4f");
  const body = plain(shader.body());
  const declarations = plain(shader.declarations?.() ?? "");
  return {
    ...shader,
    ...{ enable: [], builtins: {} },
    declarations: () => `${declarations}${matrices > 0 ? functions(matrices) : ""}`,
    body: () => `let subgroup = thread / ${lanes}u;\n${body}`,
  };
}

it("uses float16 and matrix units where they are exact, and finds how wide subgroups are", async () => {
  const software = await Gpu.start();
  const { device } = software;
  const [M, N, K, lanes] = [8, 16, 16, 32];
  const config = { componentType: "f16", resultComponentType: "f32", M, N, K };
  const info = { subgroupMinSize: 8, subgroupMaxSize: lanes, subgroupMatrixConfigs: [config] };
  // Float32 takes twice the memory of float16.
  const limits = { maxComputeWorkgroupStorageSize: 20000, maxStorageBufferBindingSize: 1 << 27 };
  const features = new Set(["shader-f16", "chromium-experimental-subgroup-matrix"]);
  Object.defineProperties(device, { features: { value: features }, limits: { value: limits } });
  const able = new Gpu({ info } as unknown as GPUAdapter, device, { halfPrecision: true });
  const compile = able.pipelines.of.bind(able.pipelines);
  able.pipelines.of = (shader, prepared) => compile(emulated(shader, { m: M, n: N, k: K, lanes }), prepared);
  await proveArithmetic(able);
  expect(able.arithmetic).toEqual({
    float16: true,
    matrixUnit: { component: "f16", m: M, n: N, k: K, lanes, widest: lanes },
    reason: "float16 tiles in use; matrix units in use",
  });
  able.dispose();
});
