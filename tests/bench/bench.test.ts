import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cases } from "../../bench/cases.ts";
import { median, spread } from "../../bench/measure.ts";
import { figure, type Report, share } from "../../bench/report.ts";
import { contestantNames } from "../../bench/rivals/contestant.ts";
import type { OpCase } from "../ops/case.ts";

const root = new URL("../..", import.meta.url).pathname;

const bench = (...flags: string[]) =>
  promisify(execFile)(process.execPath, ["--import", "tsx", "bench/index.ts", ...flags], { cwd: root });

describe("the benchmark", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "ganvil-bench-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("runs one case against every rival, which agree on the result, and writes it as JSON and SVG", async () => {
    const file = join(folder, "report.json");
    const { stdout } = await bench("--only", "batch 2 filter-gradient", "--quick", "--json", file);
    expect(stdout).toContain("GFLOP/s");
    const { machine, versions, absent, date, rows } = JSON.parse(await readFile(file, "utf8")) as Report;
    expect(machine.cores).toBeGreaterThan(0);
    const told = [...Object.keys(versions), ...Object.keys(absent)];
    expect(told.toSorted()).toEqual([...contestantNames].toSorted());
    expect(new Date(date).toISOString()).toBe(date);
    expect(rows).toHaveLength(1);
    const [{ results, ratios }] = rows;
    for (const name of ["ganvil", "tfjs-wasm-patched", "tfjs-cpu", "jax-js"] as const) {
      expect(results[name], name).toMatchObject({ seconds: expect.any(Number) });
      expect((results[name] as { seconds: number }).seconds).toBeGreaterThan(0);
    }
    // Native PyTorch takes part where it is installed, and is named as absent elsewhere.
    for (const name of ["pytorch", "pytorch-avx2"] as const) {
      if (absent[name] === undefined)
        expect(results[name], name).toMatchObject({ seconds: expect.any(Number) });
    }
    expect(ratios["tfjs-wasm-patched"]).toBeGreaterThan(0);
    expect(results["tfjs-wasm"]).toEqual({ missing: "no kernel Conv2DBackpropFilter" });
    expect(results["onnxruntime-web"]).toEqual({ missing: "forward only" });
    // The report has to say what stood in for the kernel that the backend lacks.
    expect(results["tfjs-wasm-patched"]).toMatchObject({
      substituted: [expect.stringMatching(/transposes/)],
    });
    const svg = await readFile(join(folder, "report.svg"), "utf8");
    expect(svg).toContain("conv2d 4x4 s2 8-16 @8 batch 2 filter-gradient");
    expect(svg).toMatch(/missing: no kernel Conv2DBackpropFilter/);
  });

  it("lets only the rivals take part that are asked for, and refuses a name that none has", async () => {
    const file = join(folder, "some.json");
    const only = ["--only", "@8 batch 2", "--quick", "--json", file];
    await bench(...only, "--rivals", "onnxruntime-web,tfjs-wasm-patched");
    const { rows } = JSON.parse(await readFile(file, "utf8")) as Report;
    const measured = rows.map(({ results }) =>
      Object.entries(results).flatMap(([name, result]) => ("seconds" in result ? [name] : [])),
    );
    expect(measured).toEqual([
      ["ganvil", "onnxruntime-web"],
      ["ganvil", "tfjs-wasm-patched", "onnxruntime-web"],
      ["ganvil", "tfjs-wasm-patched"],
    ]);
    await expect(bench(...only, "--rivals", "numpy")).rejects.toThrow(/--rivals: expected names of .*numpy/);
    await expect(bench(...only, "--threads", "0")).rejects.toThrow(/--threads: expected a whole number/);
  });

  it("trains the same networks with every contestant that can, by their numbers of parameters", async () => {
    const file = join(folder, "mlp.json");
    await bench("--only", "MLP GAN", "--quick", "--json", file, "--rivals", "tfjs-wasm,jax-js,pytorch");
    const { rows } = JSON.parse(await readFile(file, "utf8")) as Report;
    // 64→256→256→784 and 784→256→256→1, with biases.
    expect(rows[0].parameters).toEqual([283_920, 267_009]);
    for (const name of ["ganvil", "tfjs-wasm", "jax-js"] as const) {
      expect(rows[0].results[name], name).toMatchObject({ seconds: expect.any(Number) });
    }
  });

  it("times every op's case that asks for it, each case under a name of its own", () => {
    const modules = import.meta.glob<{ cases: OpCase[] }>("../ops/*.cases.ts", { eager: true });
    const marked = Object.values(modules).flatMap((module) => module.cases.filter(({ bench }) => bench));
    const names = cases.map(({ name }) => name);
    expect(marked.length).toBeGreaterThan(0);
    expect(marked.map(({ name }) => name).filter((name) => !names.includes(name))).toEqual([]);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });

  it("names the cases, and refuses a name that none has", async () => {
    const { stdout } = await bench("--list", "--only", "dcgan");
    expect(stdout.trim().split("\n")).toEqual([
      "DCGAN 32×32 step, batch 16",
      "DCGAN 32×32 step, batch 64",
      "DCGAN 64×64 step, batch 16",
    ]);
    await expect(bench("--only", "no such case")).rejects.toThrow(/no case's name contains/);
  });
});

describe("figures", () => {
  it("the median is the middle, and the spread half the distance between the quartiles", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(spread([12, 9, 100, 10, 1])).toBeCloseTo(0.15);
  });

  it("are work over time, or time where no work is stated", () => {
    const result = { seconds: 0.5, best: 0.4, spread: 0.1, rounds: 5, substituted: [] };
    expect(figure(result, { flops: 2e9 })).toBe("4.00 GFLOP/s ±10%");
    expect(figure(result, { bytes: 1e9 })).toBe("2.00 GB/s ±10%");
    expect(figure(result, undefined)).toBe("0.500 s (best 0.400) ±10%");
    expect(figure({ ...result, rounds: 1 }, { flops: 2e9 })).toBe("4.00 GFLOP/s once");
    expect(figure({ missing: "no kernel X" }, undefined)).toBe("missing (no kernel X)");
  });

  it("are set beside the peak where both are known", () => {
    const result = { seconds: 0.5, best: 0.4, spread: 0.1, rounds: 5, substituted: [] };
    expect(share(result, { flops: 2e9 }, 8e9)).toBe("50%");
    expect(share(result, { flops: 2e9 }, undefined)).toBe("");
    expect(share(result, { bytes: 2e9 }, 8e9)).toBe("");
  });
});
