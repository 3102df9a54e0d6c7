import { add, dispose, fill, matMul, ones, type Tensor, tidy } from "@tensorflow/tfjs-core";
import type { GanvilBackend } from "./backend/backend.ts";
import { compile } from "./backend/compile.ts";
import type { Placement } from "./backend/placement.ts";
import type { DeviceName } from "./backend/tensor-record.ts";
import type { Gpu } from "./webgpu/gpu.ts";

/** Sizes that take a device some milliseconds: large enough that a call's cost does not count. */
const sizes = {
  wasm: { matrix: 256, elements: 1 << 19, repeats: 2 },
  webgpu: { matrix: 1024, elements: 1 << 22, repeats: 8 },
} as const;

const uploadElements = 1 << 20;
const tinyCalls = 256;
const rounds = 4;

/** What was measured, by adapter. */
const known = new Map<string, Placement>();

/**
 * Measures what the devices can do: about a tenth of a second, once for each adapter. The backend must be the current
 * one.
 */
export async function measuredSpeeds(backend: GanvilBackend, gpu: Gpu): Promise<Placement> {
  const key = `${gpu.name}, ${backend.module.build}, ${backend.threads} threads`;
  const speeds = known.get(key) ?? (await measure(backend, gpu));
  known.set(key, speeds);
  return speeds;
}

async function measure(backend: GanvilBackend, gpu: Gpu): Promise<Placement> {
  const { placer } = backend;
  const { mode } = placer;
  const finish = async () => {
    await backend.jobs.settled();
    await gpu.device.queue.onSubmittedWorkDone();
  };
  /** Milliseconds of the fastest of some rounds, after one to get ready: two more until a step is captured. */
  const fastest = async (work: () => void): Promise<number> => {
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round <= rounds; round++) {
      const start = performance.now();
      tidy(work);
      await finish();
      if (round > 0) best = Math.min(best, performance.now() - start);
    }
    return Math.max(best, 1e-3);
  };
  const on = async (device: DeviceName) => {
    placer.mode = device;
    const { matrix, elements, repeats } = sizes[device];
    const a = ones([matrix, matrix]);
    const x = fill([elements], 1.5);
    const again = (call: () => Tensor) => () => {
      for (let i = 0; i < repeats; i++) call().dispose();
    };
    const product = await fastest(again(() => matMul(a, a)));
    const sum = await fastest(again(() => add(x, x)));
    dispose([a, x]);
    return {
      gflops: (repeats * 2 * matrix ** 3) / product / 1e6,
      gBps: (repeats * 12 * elements) / sum / 1e6,
    };
  };
  try {
    const wasm = await on("wasm");
    const webgpu = await on("webgpu");
    const upload = await fastest(() => {
      placer.mode = "wasm";
      const x = fill([uploadElements], 1.5);
      backend.residency.region(x);
    });
    placer.mode = "webgpu";
    const one = fill([1], 1.5);
    const chain = compile((x) => {
      let y = x;
      for (let i = 0; i < tinyCalls; i++) y = add(y, x);
      return [y];
    });
    const calls = await fastest(() => dispose(chain(one)));
    chain.dispose();
    one.dispose();
    return {
      wasmGflops: wasm.gflops,
      gpuGflops: webgpu.gflops,
      wasmGBps: wasm.gBps,
      gpuGBps: webgpu.gBps,
      uploadGBps: (4 * uploadElements) / upload / 1e6,
      dispatchMs: calls / tinyCalls,
    };
  } finally {
    placer.mode = mode;
  }
}
