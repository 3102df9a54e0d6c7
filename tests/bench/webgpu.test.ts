import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { add, dispose, tensor } from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Row } from "../../bench/contest.ts";
import { timeEnqueued } from "../../bench/measure.ts";
import type { GpuFigures } from "../../bench/protocol.ts";
import { GpuMeter } from "../../bench/rivals/gpu-meter.ts";
import { offerWebGpu } from "../../bench/rivals/web-gpu.ts";
import { gpuCases } from "../../bench/webgpu/cases.ts";
import { crossover, gpuChart } from "../../bench/webgpu/chart.ts";
import { duration, type GpuReport, gpuLine, gpuLines, matMulCeiling } from "../../bench/webgpu/report.ts";
import { settled } from "../../src/backend/compile.ts";
import { init } from "../../src/init.ts";

const root = new URL("../..", import.meta.url).pathname;

const bench = (...flags: string[]) =>
  promisify(execFile)(process.execPath, ["--import", "tsx", "bench/webgpu/index.ts", ...flags], {
    cwd: root,
  });

const figures: GpuFigures = {
  ...{ dispatches: 4, submits: 1, uploads: 2, uploadedBytes: 2048, reads: 1, readBytes: 4 },
  ...{ jsSeconds: 1e-4, gpuSeconds: 2e-3, onWasm: [] },
};

const result = (seconds: number, gpu?: GpuFigures) => ({
  ...{ seconds, best: seconds, spread: 0.1, rounds: 5, substituted: [] },
  ...(gpu && { gpu }),
});

/** As a card would measure them: Wasm in step with the work, the GPU after a millisecond. */
const rows: Row[] = gpuCases("full").flatMap(({ name, section, work }) => {
  if (work === undefined || !("flops" in work)) return [];
  const wasm = work.flops / 40e9;
  const results = {
    ganvil: result(wasm / 8 + 1e-5),
    "ganvil-one-thread": result(wasm),
    "ganvil-webgpu": result(1e-4 + work.flops / 10e12, figures),
    "tfjs-webgpu": result(3e-4 + work.flops / 2e12, figures),
  };
  return [{ section, name, work, results, ratios: { "tfjs-webgpu": 3 } }];
});

const placement = {
  ...{ wasmGflops: 320, gpuGflops: 10_000, wasmGBps: 20, gpuGBps: 1000 },
  ...{ uploadGBps: 5, dispatchMs: 0.05 },
};

const report: GpuReport = {
  machine: { cpu: "a CPU", cores: 8, runtime: "Node 20", platform: "linux x64" },
  ...{ command: "npm run bench:webgpu", versions: {}, absent: {}, date: "2026-01-01T00:00:00.000Z" },
  gpu: { adapter: "a card", software: false, peak: 20e12, placement },
  ...{ threads: 8, scale: "full", rows },
};

describe("the benchmark of the GPU", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "ganvil-bench-gpu-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("times Wasm and the GPU in turn, counts what goes there, and writes JSON and SVG", async () => {
    const file = join(folder, "report.json");
    const flags = [
      "--only",
      "matmul 16",
      "--quick",
      "--threads",
      "1",
      "--rivals",
      "ganvil-webgpu,tfjs-webgpu",
    ];
    const { stdout } = await bench(...flags, "--json", file);
    expect(stdout).toMatch(/tfjs-webgpu +[\d.]+ GFLOP\/s/);
    expect(stdout).toContain("exclude reading results back");
    const { gpu, rows, versions } = JSON.parse(await readFile(file, "utf8")) as GpuReport;
    expect(Object.keys(versions)).toEqual(["ganvil", "ganvil-webgpu", "tfjs-webgpu"]);
    expect(gpu.adapter.length).toBeGreaterThan(0);
    expect(gpu.peak).toBeGreaterThan(0);
    expect(rows).toHaveLength(1);
    const { results, ratios } = rows[0];
    expect(results["tfjs-webgpu"]).toMatchObject({ gpu: { dispatches: 1, submits: 1, reads: 0 } });
    expect(results["ganvil-webgpu"]).toMatchObject({ gpu: { reads: 0, jsSeconds: expect.any(Number) } });
    expect(results.ganvil).not.toHaveProperty("gpu");
    expect(Object.keys(ratios)).toEqual(["ganvil", "tfjs-webgpu"]);
    expect(await readFile(join(folder, "report.svg"), "utf8")).toContain('class="line tfjs-webgpu"');
  });

  it("refuses what it cannot do, and says what it could", async () => {
    await expect(bench("--rivals", "jax-js")).rejects.toThrow(/--rivals: expected names of .*got jax-js/);
    await expect(bench("--threads", "65")).rejects.toThrow(/--threads: expected a whole number from 1 to 64/);
    await expect(bench("--scale", "huge")).rejects.toThrow(/--scale: expected full or small, got huge/);
    await expect(bench("--only", "no such case", "--list")).rejects.toThrow(/no case's name contains/);
  });

  it("has a name for each case, and both scales the same kinds", () => {
    for (const scale of ["full", "small"] as const) {
      const names = gpuCases(scale).map(({ name }) => name);
      expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
    }
    const sections = (scale: "full" | "small") => [...new Set(gpuCases(scale).map(({ section }) => section))];
    expect(sections("small")).toEqual(sections("full"));
  });
});

describe("figures of the GPU", () => {
  it("say what a call makes of it", () => {
    expect(gpuLine(figures)).toBe(
      "gpu 2.00 ms, js 100 µs (25.0 µs a dispatch), 4 dispatches, 1 submit, 2 uploads of 2.00 KB, 1 read of 4 B",
    );
    expect(gpuLine({ ...figures, gpuSeconds: undefined, dispatches: 0, onWasm: ["Conv2D"] })).toBe(
      "js 100 µs, 0 dispatches, 1 submit, 2 uploads of 2.00 KB, 1 read of 4 B, on Wasm: Conv2D",
    );
    expect([2.5, 2.5e-3, 2.5e-6].map(duration)).toEqual(["2.50 s", "2.50 ms", "2.50 µs"]);
  });

  it("are set beside the fastest matrix product that the GPU computed", () => {
    const ceiling = matMulCeiling(rows)!;
    expect(ceiling / 1e12).toBeGreaterThan(9.9);
    const conv = rows.find(({ name }) => name.startsWith("conv2d 3x3 s1 256 @32 batch 64 forward"))!;
    expect(gpuLines(conv, undefined, ceiling)).toMatch(/ganvil-webgpu .*9\d% of ceiling/);
    expect(gpuLines(conv, undefined, ceiling)).not.toMatch(/ganvil-one-thread.*ceiling/);
    const onWasm = { ...figures, onWasm: ["BatchMatMul"] };
    const elsewhere = rows.map((row) => ({ ...row, results: { "ganvil-webgpu": result(1e-9, onWasm) } }));
    expect(matMulCeiling(elsewhere)).toBeUndefined();
  });

  it("are of so many calls that the wait at their end hardly counts", async () => {
    let [calls, waits] = [0, 0];
    const samples = await timeEnqueued(
      () => {
        calls++;
      },
      async () => {
        waits++;
        await new Promise((resolve) => setTimeout(resolve, 2));
      },
      0.04,
    );
    expect(samples.length).toBeGreaterThan(1);
    expect(calls).toBeGreaterThan(10 * waits);
    for (const sample of samples) expect(sample).toBeLessThan(1e-3);
  });

  it("count the same as ganvil's queue does, and the passes' time by the GPU's clock", async () => {
    await offerWebGpu();
    const { gpu } = await init({ device: "webgpu", threads: 1 });
    const [a, b] = [tensor([1, 2, 3, 4]), tensor([5, 6, 7, 8])];
    add(a, b).dispose();
    await settled();
    const before = { ...gpu!.queue.traffic };
    const meter = new GpuMeter();
    const sum = add(a, b);
    expect([...(await sum.data())]).toEqual([6, 8, 10, 12]);
    const seconds = await meter.stop();
    const { dispatches, submits, reads } = gpu!.queue.traffic;
    expect(meter.traffic).toMatchObject({
      dispatches: dispatches - before.dispatches,
      submits: submits - before.submits,
      reads: reads - before.reads,
    });
    expect(meter.traffic.dispatches).toBe(1);
    if (gpu!.device.features.has("timestamp-query")) expect(seconds).toBeGreaterThan(0);
    add(a, sum).dispose();
    await settled();
    expect(meter.traffic.dispatches).toBe(1);
    dispose([a, b, sum]);
    await init({ device: "wasm" });
  });
});

describe("the chart of the GPU", () => {
  it("marks the size from which ganvil chooses the GPU, later where inputs are to be uploaded", () => {
    for (const sweep of ["matMul", "conv2d"] as const) {
      const section = sweep === "matMul" ? "Matrix product by size" : "Convolution by channels";
      const own = rows.filter((row) => row.section === section);
      const [there, uploaded] = [true, false].map((there) => crossover(placement, sweep, own, there)!);
      expect(there).toBeGreaterThan(1e6);
      expect(uploaded).toBeGreaterThan(there);
      expect(crossover({ ...placement, dispatchMs: 1e6 }, sweep, own, true)).toBeUndefined();
    }
  });

  it("draws a line for each contestant in both panels, and no mark for a GPU that is never chosen", () => {
    const svg = gpuChart(report);
    for (const name of ["ganvil", "ganvil-one-thread", "ganvil-webgpu", "tfjs-webgpu"]) {
      expect(svg.split(`class="line ${name}"`), name).toHaveLength(3);
    }
    expect(svg.split('class="crossover"')).toHaveLength(5);
    expect(svg).not.toContain("NaN");
    const software = gpuChart({ ...report, gpu: { adapter: "software", software: true } });
    expect(software).not.toContain('class="crossover"');
    expect(software).toContain("never chosen");
    expect(gpuChart({ ...report, rows: rows.slice(0, 1) })).toContain("not measured");
  });
});
