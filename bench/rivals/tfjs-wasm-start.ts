import { setThreadsCount, setWasmPaths, version_wasm } from "@tensorflow/tfjs-backend-wasm";
import { env } from "@tensorflow/tfjs-core";
import type { Introduction, StartOptions } from "./contestant.ts";
import { useBackend } from "./tfjs.ts";

/** Makes TensorFlow.js's wasm backend the current one; `binaries` is the folder or the files by name. */
export async function startWasm({ threads = 1, binaries }: StartOptions): Promise<Introduction> {
  setWasmPaths(binaries as string);
  setThreadsCount(threads);
  await useBackend("wasm");
  const simd = env().get("WASM_HAS_SIMD_SUPPORT") ? "SIMD" : "no SIMD";
  // In Node it starts none.
  const threaded = threads > 1 && env().get("WASM_HAS_MULTITHREAD_SUPPORT");
  return {
    says: `tfjs-backend-wasm ${version_wasm} (XNNPACK, ${simd}, ${threaded ? `${threads} threads` : "one thread"})`,
  };
}
