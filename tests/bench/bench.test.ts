import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cases } from "../../bench/cases.ts";
import { median, spread } from "../../bench/measure.ts";
import { figure, type Report } from "../../bench/report.ts";
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

  it("runs one case against both rivals, which agree on the result, and writes it as JSON", async () => {
    const file = join(folder, "report.json");
    const { stdout } = await bench("--only", "batch 2 filter-gradient", "--quick", "--json", file);
    expect(stdout).toContain("GFLOP/s");
    const { machine, versions, date, rows } = JSON.parse(await readFile(file, "utf8")) as Report;
    expect(machine.cores).toBeGreaterThan(0);
    expect(Object.keys(versions).sort()).toEqual(["ganvil", "tfjs-cpu", "tfjs-wasm"]);
    expect(new Date(date).toISOString()).toBe(date);
    expect(rows).toHaveLength(1);
    for (const name of ["ganvil", "tfjs-wasm", "tfjs-cpu"] as const) {
      const result = rows[0].results[name];
      expect(result, name).toMatchObject({ seconds: expect.any(Number) });
      expect((result as { seconds: number }).seconds).toBeGreaterThan(0);
    }
    expect(rows[0].ratios["tfjs-wasm"]).toBeGreaterThan(0);
    // The wasm backend has no such kernel: the report has to say what stood in for it.
    expect(rows[0].results["tfjs-wasm"]).toMatchObject({
      substituted: [expect.stringMatching(/transposes/)],
    });
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
    expect(stdout.trim().split("\n")).toEqual(["DCGAN 32×32 step, batch 16", "DCGAN 32×32 step, batch 64"]);
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
    const result = { seconds: 0.5, best: 0.4, spread: 0.1, substituted: [] };
    expect(figure(result, { flops: 2e9 })).toBe("4.00 GFLOP/s ±10%");
    expect(figure(result, { bytes: 1e9 })).toBe("2.00 GB/s ±10%");
    expect(figure(result, undefined)).toBe("0.500 s (best 0.400) ±10%");
    expect(figure({ missing: "no kernel X" }, undefined)).toBe("missing (no kernel X)");
  });
});
