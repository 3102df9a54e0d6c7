import { fork } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { SingleBar } from "cli-progress";
import { build as bundle } from "esbuild";
import type { Build } from "../../src/wasm/features.ts";
import { softwareGpu } from "../browser/chromium.ts";
import { correct, corrections } from "./corrections.ts";
import type { SpecReport } from "./report.ts";

const [filter = "", device = "wasm"] = process.argv.slice(2);
const builds: readonly Build[] = device === "wasm" ? ["simd", "relaxed"] : ["simd"];
if (device !== "wasm") Object.assign(process.env, await softwareGpu());
// Node 20 has relaxed SIMD behind a flag, later versions without.
const execArgv = process.versions.node.startsWith("20.") ? ["--experimental-wasm-relaxed-simd"] : [];

// Where the bundle finds the package "webgpu", which is loaded when it runs.
const folder = await mkdtemp(join(new URL("../../node_modules", import.meta.url).pathname, ".conformance-"));
const results: SpecReport[] = [];
try {
  const outfile = join(folder, "suite.cjs");
  await bundle({
    entryPoints: [new URL("suite.ts", import.meta.url).pathname],
    outfile,
    bundle: true,
    platform: "node",
    format: "cjs",
    // tfjs-core marks registrations that its tests need as free of side effects.
    ignoreAnnotations: true,
    mainFields: ["module", "main"],
    // Else esbuild makes the whole bundle strict, and jasmine assigns to variables that it does not declare.
    tsconfigRaw: { compilerOptions: { strict: false } },
    plugins: [correct],
    logLevel: "error",
  });
  const reasons = new Map<string, string>();
  for (const build of builds) {
    const reports = await runSuite(outfile, build);
    for (const { name, detail } of reports.filter(({ result }) => result === "failed")) {
      console.log(`FAILED ${name}\n  ${detail.trim().split("\n").slice(0, 3).join("\n  ")}`);
    }
    for (const { name, detail } of reports.filter(({ result }) => result === "skipped"))
      reasons.set(name, detail);
    console.log(`${build}: ${tally(reports)}`);
    results.push(...reports);
  }
  for (const { spec, reason } of corrections) console.log(`corrected ${spec}: ${reason}`);
  for (const [name, reason] of reasons) console.log(`skipped ${name}: ${reason}`);
  console.log(tally(results));
} finally {
  await rm(folder, { recursive: true, force: true });
}
if (results.some(({ result }) => result === "failed") || results.length === 0) process.exitCode = 1;

function tally(reports: readonly SpecReport[]): string {
  const count = (wanted: SpecReport["result"]) => reports.filter(({ result }) => result === wanted).length;
  return `${count("passed")} passed, ${count("failed")} failed, ${count("skipped")} skipped`;
}

/** Runs the suite on one build of the kernels; a process that ends early counts as a failure. */
function runSuite(file: string, build: Build): Promise<SpecReport[]> {
  const reports: SpecReport[] = [];
  const bar = new SingleBar({
    format: `${build} [{bar}] {value} specs, {failed} failed, {duration_formatted}`,
    noTTYOutput: false,
    hideCursor: true,
  });
  // About as many as there are, for the bar's length.
  bar.start(4232, 0, { failed: 0 });
  return new Promise((resolve, reject) => {
    const child = fork(file, [build, filter, device], {
      execArgv,
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    let stderr = "";
    let failed = 0;
    child.stderr!.on("data", (text) => {
      stderr = (stderr + text).slice(-2000);
    });
    child.on("message", (report: SpecReport | { error: string }) => {
      if ("error" in report) return reject(new Error(report.error));
      if (report.result === "failed") failed++;
      reports.push(report);
      bar.update(reports.length, { failed });
    });
    child.on("error", reject);
    child.on("close", (code) => {
      bar.stop();
      if (code !== 0) reports.push({ name: `the suite in build ${build}`, result: "failed", detail: stderr });
      resolve(reports);
    });
  });
}
