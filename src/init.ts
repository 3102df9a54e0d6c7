import { registerBackend, removeBackend, setBackend } from "@tensorflow/tfjs-core";
import { backendName, GanvilBackend } from "./backend/backend.ts";
import { registerOps } from "./backend/register.ts";
import { checkType } from "./errors.ts";
import { ops } from "./ops/index.ts";
import type { Build } from "./wasm/features.ts";
import { loadKernels } from "./wasm/load.ts";
import { loadPlanner } from "./wasm/planner.ts";

/** Where to compute. `auto` takes the fastest device this version can use; today that is Wasm. */
export type Device = "auto" | "wasm";

export interface InitOptions {
  /** Default `"auto"`. */
  readonly device?: Device;
  /** Kernels to load; default: the fastest that the engine runs. */
  readonly build?: Build;
}

let ready: Promise<GanvilBackend> | undefined;

/**
 * Loads the kernels, registers the backend, its ops and their gradients with TensorFlow.js, and makes it
 * the current backend. Calling it again gives the same backend, unless another build is asked for.
 * @throws DeviceError when the engine lacks WebAssembly SIMD.
 */
export async function init({ device = "auto", build }: InitOptions = {}): Promise<GanvilBackend> {
  checkType(
    device === "auto" || device === "wasm",
    () => `init: expected device "auto" or "wasm", got ${JSON.stringify(device)}`,
  );
  if (ready !== undefined) {
    const backend = await ready;
    if (build === undefined || backend.module.build === build) {
      await setBackend(backendName);
      return backend;
    }
    removeBackend(backendName);
  }
  ready = start(build);
  ready.catch(() => {
    ready = undefined;
  });
  return ready;
}

async function start(build: Build | undefined): Promise<GanvilBackend> {
  const [module, planner] = await Promise.all([loadKernels(build), loadPlanner()]);
  const backend = new GanvilBackend(module, planner);
  registerBackend(backendName, () => backend, 10);
  registerOps(ops);
  await setBackend(backendName);
  return backend;
}
