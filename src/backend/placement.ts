import type { DeviceName } from "./tensor-record.ts";

/** What the devices can do, as measured: what the choice between them goes by. */
export interface Placement {
  /** Multiplications and additions of a large matrix product. */
  readonly wasmGflops: number;
  readonly gpuGflops: number;
  /** Of elementwise work, reads and writes counted. */
  readonly wasmGBps: number;
  readonly gpuGBps: number;
  /** From the heap to the GPU. */
  readonly uploadGBps: number;
  /** A shader call of a captured step, JavaScript and GPU together. */
  readonly dispatchMs: number;
}

const speeds = ["wasmGflops", "gpuGflops", "wasmGBps", "gpuGBps", "uploadGBps", "dispatchMs"] as const;

/** True where nothing is left to be measured. */
export function isWhole(placement: Partial<Placement> | undefined): placement is Placement {
  return placement !== undefined && speeds.every((name) => placement[name] !== undefined);
}

/** What a choice depends on. */
export interface Work {
  readonly flops: number;
  /** Bytes of inputs and outputs. */
  readonly bytes: number;
  /** Bytes of inputs that the GPU lacks. */
  readonly uploadBytes: number;
  /** Values are on the GPU and nowhere else. */
  readonly onGpuOnly: boolean;
}

export interface Choice {
  readonly device: DeviceName;
  readonly reason: string;
}

/** Calls that are chosen for one at a time, before what their results are used for is known: so much must be won. */
const hysteresis = 2;

const ms = (value: number): string => `${value.toPrecision(2)} ms`;

/** Chooses the device for a call that both can do. */
export function choose(
  { wasmGflops, gpuGflops, wasmGBps, gpuGBps, uploadGBps, dispatchMs }: Placement,
  { flops, bytes, uploadBytes, onGpuOnly }: Work,
): Choice {
  if (onGpuOnly) return { device: "webgpu", reason: "its inputs are on the GPU" };
  const wasmMs = Math.max(flops / wasmGflops, bytes / wasmGBps) / 1e6;
  const gpuMs =
    dispatchMs + Math.max(flops / gpuGflops, bytes / gpuGBps) / 1e6 + uploadBytes / uploadGBps / 1e6;
  const reason = `about ${ms(wasmMs)} on Wasm, ${ms(gpuMs)} on the GPU, upload of ${Math.round(uploadBytes / 1024)} KB included`;
  return { device: wasmMs > hysteresis * gpuMs ? "webgpu" : "wasm", reason };
}
