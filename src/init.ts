import { findBackend, registerBackend, removeBackend, setBackend } from "@tensorflow/tfjs-core";
import { backendName, GanvilBackend } from "./backend/backend.ts";
import { linkCustomGradients } from "./backend/custom-gradient.ts";
import { registerOps } from "./backend/register.ts";
import { checkType, GanvilError } from "./errors.ts";
import { ops } from "./ops/index.ts";
import type { Build } from "./wasm/features.ts";
import { loadKernels } from "./wasm/load.ts";
import { type Filtering, loadPlanner } from "./wasm/planner.ts";

/** Where to compute. `auto` takes the fastest device this version can use; today that is Wasm. */
export type Device = "auto" | "wasm";

export interface InitOptions {
  /** Default `"auto"`. */
  readonly device?: Device;
  /** Kernels to load; default: the fastest that the engine runs, or those of the backend that there is. */
  readonly build?: Build;
  /** How convolutions trade accuracy for speed from now on, see `Filtering`. Default 4, or what was set before. */
  readonly filtering?: Filtering;
}

/** Settles when the latest call of `init` has come to its end: calls run one after another. */
let latest: Promise<unknown> = Promise.resolve();

/**
 * Loads the kernels, registers the backend, its ops and their gradients with TensorFlow.js, and makes it
 * the current backend. Calling it again gives the same backend. Another build takes its place, with an empty
 * heap, once no tensor is left on it: their values would be lost with it. Where that fails, the backend
 * stays as it was.
 * @throws DeviceError when the engine lacks WebAssembly SIMD, or relaxed SIMD where it is asked for
 * @throws GanvilError `backend-in-use` when another build is asked for while tensors are alive
 * @throws TypeError for a device, build or filtering that there is not
 */
export async function init({ device = "auto", build, filtering }: InitOptions = {}): Promise<GanvilBackend> {
  checkType(
    device === "auto" || device === "wasm",
    () => `init: expected device "auto" or "wasm", got ${JSON.stringify(device)}`,
  );
  checkType(
    filtering === undefined || filtering === 0 || filtering === 2 || filtering === 4,
    () => `init: expected filtering 0, 2 or 4, got ${JSON.stringify(filtering)}`,
  );
  const result = latest.then(() => start(build, filtering));
  latest = result.catch(() => undefined);
  return result;
}

async function start(build: Build | undefined, filtering: Filtering | undefined): Promise<GanvilBackend> {
  let backend = findBackend(backendName) as GanvilBackend | null;
  if (backend === null || (build !== undefined && backend.module.build !== build)) {
    const [module, planner] = await Promise.all([loadKernels(build), loadPlanner()]);
    if (backend !== null) remove(backend, module.build);
    const made = new GanvilBackend(module, planner);
    registerBackend(backendName, () => made, 10);
    // Kernels are told their backend: one that follows another finds them registered.
    if (backend === null) registerOps(ops);
    linkCustomGradients();
    backend = made;
  }
  if (filtering !== undefined) backend.planner.filtering = filtering;
  await setBackend(backendName);
  return backend;
}

function remove(backend: GanvilBackend, build: Build): void {
  const tensors = backend.numDataIds();
  if (tensors > 0) {
    throw new GanvilError(
      "backend-in-use",
      `init: expected no tensors alive when build "${backend.module.build}" gives way to "${build}", got ${tensors}. Dispose them first, or leave \`build\` out.`,
    );
  }
  removeBackend(backendName);
}
