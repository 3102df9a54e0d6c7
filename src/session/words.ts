import type { GanvilBackend } from "../backend/backend.ts";
import type { Finding } from "../gan/finding.ts";
import type { Report } from "../gan/train.ts";

/** A finding as people read it. */
export const findingInWords = ({ severity, message, remedy, rollback }: Finding): string =>
  [`${severity}:`, message, remedy, rollback ?? ""].join(" ").trimEnd();

/** Where a backend computes, or a step was computed: `the GPU (NVIDIA GeForce RTX 3060)`, `Wasm, 2 threads`. */
export function deviceInWords(
  { gpu, threads }: Pick<GanvilBackend, "gpu" | "threads">,
  device: Report["device"] = gpu === undefined ? "wasm" : "webgpu",
): string {
  if (device === "webgpu") return gpu === undefined ? "the GPU" : `the GPU (${gpu.name})`;
  return `Wasm, ${threads} ${threads === 1 ? "thread" : "threads"}`;
}

/** "2m 05s". */
export function durationInWords(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole}s` : `${Math.floor(whole / 60)}m ${String(whole % 60).padStart(2, "0")}s`;
}
