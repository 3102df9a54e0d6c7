import { type Build, chooseBuild } from "./features.ts";
import type { Kernels } from "./generated/kernels.ts";

/** One instance of the kernels over the memory that they share with the heap. */
export interface KernelModule {
  readonly build: Build;
  readonly kernels: Kernels;
  readonly memory: WebAssembly.Memory;
}

// One chunk a build, so that a page downloads only the one it runs.
const binaries: Record<Build, () => Promise<{ default: string }>> = {
  simd: () => import("./generated/kernels-simd.ts"),
  relaxed: () => import("./generated/kernels-relaxed.ts"),
};

/** Bytes from base64, in every runtime. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** 4 GiB, the most that 32-bit pointers reach. */
const maximumPages = 65536;

/**
 * Instantiates the kernels.
 * @param wanted build to load; default: the fastest that the engine runs.
 * @throws DeviceError when the engine cannot run it.
 */
export async function loadKernels(wanted?: Build): Promise<KernelModule> {
  const build = chooseBuild(wanted);
  const { default: base64 } = await binaries[build]();
  const memory = new WebAssembly.Memory({ initial: 1, maximum: maximumPages });
  const { instance } = await WebAssembly.instantiate(decodeBase64(base64), { env: { memory } });
  return { build, kernels: instance.exports as unknown as Kernels, memory };
}
