import type { Device, GanvilBackend, Report } from "ganvil";

/** What can be chosen as device. */
export const devices = ["auto", "wasm", "webgpu"] as const satisfies readonly Device[];

/** Where a backend computes, or a step was computed: `the GPU (NVIDIA GeForce RTX 3060)`, `Wasm, 2 threads`. */
export function deviceInWords(
  { gpu, threads }: Pick<GanvilBackend, "gpu" | "threads">,
  device: Report["device"] = gpu === undefined ? "wasm" : "webgpu",
): string {
  if (device === "webgpu") return gpu === undefined ? "the GPU" : `the GPU (${gpu.name})`;
  return `Wasm, ${threads} ${threads === 1 ? "thread" : "threads"}`;
}
