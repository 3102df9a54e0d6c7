import { inject } from "vitest";
import { init } from "../src/init.ts";
import type { Build } from "../src/wasm/features.ts";

declare module "vitest" {
  export interface ProvidedContext {
    build: Build;
    threads: number;
  }
}

/** Makes the backend current, with the kernels and threads that this run of the tests is for. */
export async function useBuild(): Promise<void> {
  await init({ device: "wasm", build: inject("build"), threads: inject("threads") });
}
