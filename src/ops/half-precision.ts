import type { GpuCall } from "../backend/op.ts";
import { type Arithmetic, float32, type MatrixUnit, matrixUnits } from "../webgpu/arithmetic.ts";
import type { Gpu } from "../webgpu/gpu.ts";
import type { Region } from "../webgpu/memory.ts";
import type { GpuOperand, Shader } from "../webgpu/shader.ts";
import { range } from "./gemm-factors.wgsl.ts";
import { matrixExtension } from "./gemm-matrix.wgsl.ts";
import { tiles } from "./gemm-plan.ts";
import { matMulOnGpu } from "./matmul.wgsl.ts";

/** Products to prove an arithmetic by: both layouts of factors, workgroups of both sizes, edges, two slices. */
const trials = [
  { tile: "128x128", transposed: true, slices: 1, m: 132, k: 72, n: 136 },
  { tile: "64x64", transposed: false, slices: 2, m: 60, k: 100, n: 72 },
] as const;

type Trial = (typeof trials)[number];

/** Integers from 0 to 16, which float16 holds: products of such are exact where sums are float32. */
const entry = (i: number): number => ((i * 40503) >> 7) % 17;

/** What a trial's product must be: aᵀ·b or a·bᵀ of entries. */
function expected({ m, k, n, transposed }: Trial): Float32Array {
  const y = new Float32Array(m * n);
  for (let row = 0; row < m; row++)
    for (let column = 0; column < n; column++)
      for (let p = 0; p < k; p++)
        y[row * n + column] += transposed
          ? entry(p * m + row) * entry(p * n + column)
          : entry(row * k + p) * entry(column * k + p);
  return y;
}

/** Computes a trial's product. Why it is not exact; undefined where it is. */
async function refute(gpu: Gpu, arithmetic: Arithmetic, trial: Trial): Promise<string | undefined> {
  const { m, k, n, transposed, slices, tile } = trial;
  const { memory, queue, device, pipelines } = gpu;
  const regions: Region[] = [];
  const workspace = (size: number): GpuOperand => {
    const region = memory.alloc(4 * size);
    regions.push(region);
    return { region, size, shape: [size], dtype: "float32" };
  };
  const shaders: Shader[] = [];
  const call: Pick<GpuCall, "arithmetic" | "limits" | "run" | "workspace"> = {
    ...{ arithmetic, limits: device.limits, workspace },
    run: (shader) => shaders.push(shader),
  };
  const [a, b, y] = [workspace(m * k), workspace(k * n), workspace(m * n)];
  const sizes = { m, k, n, count: 1, transposeA: transposed, transposeB: !transposed };
  matMulOnGpu(call as GpuCall, a, b, y, sizes, { tile: tiles[tile], slices, special: true });
  const unused = arithmetic.matrixUnit !== undefined && !shaders[0].enable!.includes(matrixExtension);
  try {
    if (unused) return `tiles of ${tile} do not suit them`;
    // What cannot be compiled is an answer, no error of the device.
    device.pushErrorScope("validation");
    const compiled = shaders.map((shader) => pipelines.of(shader).ready);
    const refused = await device.popErrorScope();
    if (refused !== null) return refused.message;
    await Promise.all(compiled);
    // What an earlier trial left in memory must not be taken for a result.
    for (const region of regions) queue.upload(region, new Float32Array(region.bytes / 4).fill(-1));
    for (const { region, size } of [a, b]) queue.upload(region, Float32Array.from(range(size), entry));
    for (const shader of shaders) queue.dispatch(gpu.dispatchOf(shader));
    const [bytes] = await gpu.finish([queue.read(y.region, 4 * y.size)]);
    const values = new Float32Array(bytes);
    const exact = expected(trial);
    const wrong = exact.findIndex((value, i) => value !== values[i]);
    return wrong < 0 ? undefined : `of whole numbers it made ${values[wrong]}, not ${exact[wrong]}`;
  } catch (error) {
    gpu.check();
    return (error as Error).message;
  } finally {
    for (const region of regions) region.free();
  }
}

async function refuteAll(gpu: Gpu, arithmetic: Arithmetic): Promise<string | undefined> {
  for (const trial of trials) {
    const reason = await refute(gpu, arithmetic, trial);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/**
 * Finds what the GPU multiplies by where half precision is asked for: float16 and matrix units are taken into use where
 * products of whole numbers come out exact, as WebGPU itself warrants of neither.
 */
export async function proveArithmetic(gpu: Gpu): Promise<void> {
  if (!gpu.options.halfPrecision) return;
  const hasFloat16 = gpu.device.features.has("shader-f16");
  const unproved = { ...float32, float16: true };
  const against = hasFloat16 ? await refuteAll(gpu, unproved) : "the device has no shader-f16";
  const float16 = against === undefined;
  let matrixUnit: MatrixUnit | undefined;
  let againstUnits: string | undefined = "the device has none that sum in float32";
  for (const unit of matrixUnits(gpu.adapter, gpu.device)) {
    if (unit.component === "f16" && !hasFloat16) continue;
    againstUnits = await refuteAll(gpu, { ...unproved, float16, matrixUnit: unit });
    if (againstUnits !== undefined) continue;
    matrixUnit = unit;
    break;
  }
  const said = (what: string, why: string | undefined) =>
    why === undefined ? `${what} in use` : `${what} not in use: ${why}`;
  const reason = `${said("float16 tiles", against)}; ${said("matrix units", againstUnits)}`;
  gpu.arithmetic = { float16, ...(matrixUnit && { matrixUnit }), reason };
}
