import { inject } from "vitest";
import { init } from "../src/init.ts";
import type { Build } from "../src/wasm/features.ts";

declare module "vitest" {
  export interface ProvidedContext {
    build: Build;
    threads: number;
    device: "wasm" | "webgpu";
  }
}

/** Makes the backend current, with the kernels, threads and device that this run of the tests is for. */
export async function useBuild(): Promise<void> {
  await init({ device: inject("device"), build: inject("build"), threads: inject("threads") });
}
