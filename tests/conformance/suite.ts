// Runs in a process of its own, bundled: TensorFlow.js's suite is written for a bundler.
import "./setup.ts";
import "@tensorflow/tfjs-core/dist/tests.js";
import { init } from "../../src/tfjs/index.ts";
import type { Build } from "../../src/wasm/features.ts";
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

const [build, filter = ""] = process.argv.slice(2);

function send(report: SpecReport | { error: string }): void {
  process.send!(report);
}

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
    else send({ name, result: status, detail: failedExpectations[0]?.message ?? "" });
  },
  suiteDone: ({ fullName: name, failedExpectations }: JasmineSpec) => {
    for (const { message } of failedExpectations) send({ name, result: "failed", detail: message });
  },
});
// A spec about warnings or profiling may print; only what fails is of interest.
for (const level of ["log", "warn", "info", "debug"] as const) console[level] = () => {};
run();

function run(): void {
  init({ build: build as Build })
    .then(() => env.execute())
    .then(() => process.disconnect())
    .catch((error) => send({ error: String(error?.stack ?? error) }));
}
