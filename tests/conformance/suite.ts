// Runs in a process of its own, bundled: TensorFlow.js's suite is written for a bundler.
import "./setup.ts";
import "@tensorflow/tfjs-core/dist/tests.js";
import { init as initOnWasm } from "../../src/tfjs/index.ts";
import { init as initOnGpu } from "../../src/tfjs/webgpu.ts";
import type { Build } from "../../src/wasm/features.ts";
import { notOnGpu } from "./not-on-gpu.ts";
import type { SpecReport } from "./report.ts";

/** What is used of jasmine-core 3.99, which brings no types. */
interface JasmineSpec {
  readonly fullName: string;
  readonly status: "passed" | "failed" | "pending" | "excluded";
  readonly pendingReason: string;
  readonly failedExpectations: readonly { readonly message: string }[];
}
interface JasmineEnv {
  configure(options: object): void;
  clearReporters(): void;
  addReporter(reporter: object): void;
  execute(): Promise<unknown>;
}
declare const jasmine: { getEnv(): JasmineEnv; DEFAULT_TIMEOUT_INTERVAL: number };

const [build, filter, device] = process.argv.slice(2);

function send(report: SpecReport | { error: string }): void {
  process.send!(report);
}

// A GPU that is computed on the CPU takes seconds to compile a shader.
jasmine.DEFAULT_TIMEOUT_INTERVAL = 60_000;
const env = jasmine.getEnv();
env.configure({
  random: false,
  failFast: false,
  specFilter: (spec: { getFullName(): string }) => spec.getFullName().includes(filter),
});
env.clearReporters();
env.addReporter({
  specDone: ({ fullName: name, status, pendingReason, failedExpectations }: JasmineSpec) => {
    if (!name.includes(filter)) return;
    if (status === "pending" || status === "excluded")
      send({ name, result: "skipped", detail: `the suite leaves it out (${pendingReason})` });
    else if (device === "webgpu" && notOnGpu(name) !== undefined)
      send({ name, result: "skipped", detail: notOnGpu(name)! });
    else send({ name, result: status, detail: failedExpectations[0]?.message ?? "" });
  },
  suiteDone: ({ fullName: name, failedExpectations }: JasmineSpec) => {
    for (const { message } of failedExpectations) send({ name, result: "failed", detail: message });
  },
});
// A spec about warnings or profiling may print; only what fails is of interest.
for (const level of ["log", "warn", "info", "debug"] as const) console[level] = () => {};
run();

async function start(): Promise<void> {
  if (device === "wasm") {
    await initOnWasm({ device, build: build as Build });
    return;
  }
  const backend = await initOnGpu({ device: "webgpu", build: build as Build, threads: 1 });
  // Specs of the engine dispose of backends and go on with them: a device does not come back.
  backend.dispose = () => {};
}

function run(): void {
  start()
    .then(() => env.execute())
    .then(() => process.disconnect())
    .catch((error) => send({ error: String(error?.stack ?? error) }));
}
