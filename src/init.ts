import { findBackend, registerBackend, removeBackend, setBackend } from "@tensorflow/tfjs-core";
import { backendName, GanvilBackend } from "./backend/backend.ts";
import { linkCustomGradients } from "./backend/custom-gradient.ts";
import { isWhole, type Placement } from "./backend/placement.ts";
import { registerOps } from "./backend/register.ts";
import { measuredSpeeds } from "./calibrate.ts";
import { check, checkType, DeviceError, GanvilError, show } from "./errors.ts";
import { proveArithmetic } from "./ops/half-precision.ts";
import { ops } from "./ops/index.ts";
import type { Build } from "./wasm/features.ts";
import { loadKernels } from "./wasm/load.ts";
import { type Filtering, loadPlanner } from "./wasm/planner.ts";
import { Pool } from "./wasm/pool.ts";
import { coreCount, threadsMissing } from "./wasm/workers.ts";
import { Gpu } from "./webgpu/gpu.ts";
import type { WarmUp } from "./webgpu/pipelines.ts";

/** What can be asked for as `Device`. */
export const devices = ["auto", "wasm", "webgpu"] as const;

/**
 * Where to compute. `auto`: each op where it is fastest, by what was measured on this machine, on Wasm alone where
 * there is no GPU; `webgpu`: on the GPU whatever has a shader.
 */
export type Device = (typeof devices)[number];

export interface InitOptions {
  /** Default `"auto"`, or what was set before. */
  readonly device?: Device;
  /**
   * What the devices can do, for the choice that `auto` makes between them, where it is known better than by its own
   * measurement of a tenth of a second, once for each adapter. Some of it or, read from `backend.placer.speeds` of an
   * earlier run, all, which saves the measurement.
   */
  readonly placement?: Partial<Placement>;
  /**
   * Multiply large products in float16 on the GPU, by its matrix units where it has them, and sum in float32: faster,
   * with errors of about 1e-3. Both are used only where a GPU computes small products of whole numbers exactly;
   * `backend.gpu.arithmetic.reason` says what is in use. Default false, or what was set before.
   */
  readonly halfPrecision?: boolean;
  /** Is told how many of the GPU's shaders are compiled, whenever one is asked for or ready. */
  readonly onWarmUp?: (progress: WarmUp) => void;
  /** Kernels to load; default: the fastest that the engine runs, or those of the backend that there is. */
  readonly build?: Build;
  /** How convolutions trade accuracy for speed from now on, see `Filtering`. Default 4, or what was set before. */
  readonly filtering?: Filtering;
  /**
   * Threads to compute with, the calling one included; results do not depend on it. Default: as many as the
   * machine has cores, at most 8, or as many as there are. In a page that is not cross-origin isolated there is
   * one, and one warning.
   */
  readonly threads?: number;
  /** Address of `ganvil/worker`, for pages whose Content-Security-Policy forbids workers from a Blob. */
  readonly workerUrl?: string | URL;
}

/** Threads by default, at most: more seldom pay for their memory. */
const defaultThreads = 8;

/** Most threads that can be asked for. */
const maximumThreads = 64;

let warned = false;

/** Settles when the latest call of `init` has come to its end: calls run one after another. */
let latest: Promise<unknown> = Promise.resolve();

/**
 * Loads the kernels, registers the backend, its ops and their gradients with TensorFlow.js, and makes it
 * the current backend. Calling it again gives the same backend. Another build takes its place, with an empty
 * heap, once no tensor is left on it: their values would be lost with it. Where that fails, the backend
 * stays as it was. Another number of threads only replaces the workers.
 *
 * A page's main thread may use threads too, but cannot sleep while they work: training belongs in a worker.
 * @throws DeviceError when the engine lacks WebAssembly SIMD, or relaxed SIMD where it is asked for
 * @throws GanvilError `backend-in-use` when another build is asked for while tensors are alive
 * @throws GanvilError `no-workers` when workers cannot be started
 * @throws TypeError for a device, build or filtering that there is not, RangeError for a number of threads that
 * is none
 */
export async function init(options: InitOptions = {}): Promise<GanvilBackend> {
  const { device = "auto", filtering, threads } = options;
  checkType(
    devices.includes(device),
    () => `init: expected device "auto", "wasm" or "webgpu", got ${JSON.stringify(device)}`,
  );
  checkType(
    filtering === undefined || filtering === 0 || filtering === 2 || filtering === 4,
    () => `init: expected filtering 0, 2 or 4, got ${JSON.stringify(filtering)}`,
  );
  check(
    threads === undefined || (Number.isInteger(threads) && threads >= 1 && threads <= maximumThreads),
    () => `init: expected threads from 1 to ${maximumThreads}, got ${show(threads)}`,
  );
  const result = latest.then(() => start(options));
  latest = result.catch(() => undefined);
  return result;
}

async function start(options: InitOptions): Promise<GanvilBackend> {
  const { build, filtering, threads, workerUrl } = options;
  const current = findBackend(backendName) as GanvilBackend | null;
  const wanted = possibleThreads(threads ?? current?.threads ?? Math.min(coreCount(), defaultThreads));
  const backend =
    current !== null && (build === undefined || current.module.build === build)
      ? current
      : new GanvilBackend(...(await Promise.all([loadKernels(build), loadPlanner()])));
  if (backend.threads !== wanted) {
    const pool = wanted > 1 ? await Pool.start(backend.module, wanted, workerUrl) : undefined;
    backend.executor.pool?.close();
    backend.executor.pool = pool;
  }
  if (backend !== current) {
    if (current !== null) remove(current, backend);
    registerBackend(backendName, () => backend, 10);
    // Kernels are told their backend: one that follows another finds them registered.
    if (current === null) registerOps(ops);
    linkCustomGradients();
  }
  if (filtering !== undefined) backend.planner.filtering = filtering;
  await setBackend(backendName);
  const device = options.device ?? (backend === current ? undefined : (current?.placer.mode ?? "auto"));
  await chooseDevice(backend, { ...options, device });
  return backend;
}

/** Takes a GPU into use, or gives it up, as asked; undefined: leaves it. */
async function chooseDevice(
  backend: GanvilBackend,
  { device, placement, halfPrecision, onWarmUp }: InitOptions,
): Promise<void> {
  const { placer } = backend;
  if (device !== undefined) {
    const wanted = { device, anyGpu: placement !== undefined, halfPrecision };
    const { gpu, reason } = await usableGpu(backend, wanted);
    await backend.useGpu(gpu);
    placer.mode = device;
    placer.withoutGpu = reason;
  }
  const { gpu } = backend;
  if (gpu === undefined) return;
  if (onWarmUp !== undefined) gpu.pipelines.onProgress = onWarmUp;
  if (placer.mode !== "auto") return;
  placer.speeds = isWhole(placement)
    ? placement
    : { ...(placer.speeds ?? (await measuredSpeeds(backend, gpu))), ...placement };
}

interface WantedGpu {
  readonly device: Device;
  /** `auto` takes a GPU that is computed on the CPU, too. */
  readonly anyGpu: boolean;
  readonly halfPrecision: boolean | undefined;
}

/**
 * The GPU that there is, or another one; or why there is none.
 * @throws DeviceError where the GPU is asked for and cannot be had
 */
async function usableGpu(
  backend: GanvilBackend,
  { device, anyGpu, halfPrecision }: WantedGpu,
): Promise<{ gpu?: Gpu; reason: string }> {
  if (device === "wasm") return { reason: "the device was set to wasm" };
  const options = { halfPrecision: halfPrecision ?? backend.gpu?.options.halfPrecision };
  const serves = (gpu: Gpu | undefined): gpu is Gpu =>
    gpu !== undefined &&
    gpu.failure === undefined &&
    Boolean(gpu.options.halfPrecision) === Boolean(options.halfPrecision);
  const current = serves(backend.gpu) ? backend.gpu : undefined;
  try {
    const gpu = current ?? (await Gpu.start(options));
    if (gpu !== current) await proveArithmetic(gpu);
    if (device === "webgpu" || anyGpu || !gpu.software) return { gpu, reason: "" };
    if (gpu !== current) gpu.dispose();
    return { reason: `the only GPU, ${gpu.name}, is computed on the CPU` };
  } catch (error) {
    if (device === "webgpu" || !(error instanceof DeviceError)) throw error;
    return { reason: error.message };
  }
}

/** As many threads as wanted where there can be several; else one, and a warning that says why. */
function possibleThreads(wanted: number): number {
  const reason = wanted > 1 ? threadsMissing() : undefined;
  if (reason === undefined) return wanted;
  if (!warned) console.warn(`ganvil computes with one thread: ${reason}.`);
  warned = true;
  return 1;
}

/** Removes the backend to make room for another, which is given up where tensors are alive. */
function remove(backend: GanvilBackend, next: GanvilBackend): void {
  const tensors = backend.numDataIds();
  if (tensors > 0) {
    next.dispose();
    throw new GanvilError(
      "backend-in-use",
      `init: expected no tensors alive when build "${backend.module.build}" gives way to "${next.module.build}", got ${tensors}. Dispose them first, or leave \`build\` out.`,
    );
  }
  removeBackend(backendName);
}
