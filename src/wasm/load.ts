import { type Build, chooseBuild } from "./features.ts";
import type { Kernels } from "./generated/kernels.ts";
import { threadsMissing } from "./workers.ts";

/** One instance of the kernels over the memory that they share with the heap. */
export interface KernelModule {
  readonly build: Build;
  readonly kernels: Kernels;
  /** Shared where the engine allows it, so that workers can join at any time. */
  readonly memory: WebAssembly.Memory;
  /** What workers make their own instance of. */
  readonly module: WebAssembly.Module;
}

/** A build, packed (see `unpack`), compiled for a shared memory. */
interface Binary {
  readonly default: string;
  /** Where the byte stands that says so. */
  readonly memoryFlags: number;
}

// One chunk a build, so that a page downloads only the one it runs.
const binaries: Record<Build, () => Promise<Binary>> = {
  simd: () => import("./generated/kernels-simd.ts"),
  relaxed: () => import("./generated/kernels-relaxed.ts"),
};

/** A binary from its zlib stream in base64, in every runtime. */
export async function unpack(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const packed = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** 4 GiB, the most that 32-bit pointers reach. */
const maximumPages = 65536;

/** Limits of a memory that are a minimum and a maximum, not shared. */
const unsharedLimits = 1;

/** A memory of one page; where a shared one of 4 GiB is too much to set aside (phones), it may grow to less. */
function newMemory(shared: boolean): WebAssembly.Memory {
  for (let maximum = maximumPages; ; maximum /= 2) {
    try {
      return new WebAssembly.Memory({ initial: 1, maximum, shared });
    } catch (error) {
      if (!(shared && error instanceof RangeError) || maximum <= 4096) throw error;
    }
  }
}

/**
 * Instantiates the kernels.
 * @param wanted build to load; default: the fastest that the engine runs.
 * @throws DeviceError when the engine cannot run it.
 */
export async function loadKernels(wanted?: Build): Promise<KernelModule> {
  const build = chooseBuild(wanted);
  const { default: packed, memoryFlags } = await binaries[build]();
  const bytes = await unpack(packed);
  const shared = threadsMissing() === undefined;
  // The same code serves both kinds of memory; a module has to declare which it imports.
  if (!shared) bytes[memoryFlags] = unsharedLimits;
  const memory = newMemory(shared);
  const { module, instance } = await WebAssembly.instantiate(bytes, { env: { memory } });
  return { build, kernels: instance.exports as unknown as Kernels, memory, module };
}
