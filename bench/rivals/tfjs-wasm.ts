import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { setWasmPaths, version_wasm } from "@tensorflow/tfjs-backend-wasm";
import { env } from "@tensorflow/tfjs-core";
import { serve } from "./serve.ts";
import { substituted, substituteMissing } from "./substitutes.ts";
import { tfjs, useBackend } from "./tfjs.ts";

serve({
  ...tfjs,
  name: "tfjs-wasm",
  backend: "wasm",
  substituted,
  start: async () => {
    const require = createRequire(join(process.cwd(), "package.json"));
    const binary = require.resolve("@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm");
    setWasmPaths(`${dirname(binary)}/`);
    await useBackend("wasm");
    substituteMissing();
    const simd = env().get("WASM_HAS_SIMD_SUPPORT") ? "SIMD" : "no SIMD";
    const threads = env().get("WASM_HAS_MULTITHREAD_SUPPORT") ? "threads" : "one thread";
    return `tfjs-backend-wasm ${version_wasm} (XNNPACK, ${simd}, ${threads})`;
  },
});
