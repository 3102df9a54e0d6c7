// Bundled, the benchmark library finds neither its own dependencies nor what a browser offers.
import "./global.ts";
import Plain from "benchmark/benchmark.js";
import lodash from "lodash";
import platform from "platform";

const Benchmark = Plain.runInContext({
  ...{ _: lodash, platform, navigator, performance, Function, Date },
  setTimeout: setTimeout.bind(globalThis),
  clearTimeout: clearTimeout.bind(globalThis),
});

// The functions that it compiles refer to it by name.
Object.assign(globalThis, { Benchmark });

export default Benchmark;
