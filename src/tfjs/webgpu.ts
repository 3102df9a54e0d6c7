import { getKernel, getKernelsForBackend } from "@tensorflow/tfjs-core";
import { backendName, type GanvilBackend } from "../backend/backend.ts";
import { replaceKernel } from "../backend/register.ts";
import type { InitOptions } from "../init.ts";
import { ops } from "../ops/index.ts";
import { init as initComplete } from "./index.ts";
import { lend } from "./lender.ts";

export type { Device, InitOptions } from "../init.ts";

/**
 * `init()` of `ganvil/backend` which also borrows from `@tensorflow/tfjs-backend-webgpu`: kernels that ganvil has no
 * shader for (Fourier transforms, dilation, top-k, counts, ...) run on the GPU where their inputs are there, over the
 * same device and memory, rather than wait for values to come to Wasm. Without a GPU the package is not loaded.
 * @throws what `init()` of `ganvil/backend` throws
 */
export async function init(options: InitOptions = {}): Promise<GanvilBackend> {
  const backend = await initComplete(options);
  if (backend.gpu === undefined) return backend;
  // It looks for the globals of WebGPU, which in Node are there only now.
  const { WebGPUBackend } = await import("@tensorflow/tfjs-backend-webgpu");
  const own = new Set(ops.map(({ name }) => name));
  for (const kernel of getKernelsForBackend("webgpu")) {
    const borrowed = getKernel(kernel.kernelName, backendName);
    if (own.has(kernel.kernelName) || borrowed === undefined) continue;
    replaceKernel(kernel.kernelName, lend(WebGPUBackend, kernel, borrowed.kernelFunc));
  }
  return backend;
}
