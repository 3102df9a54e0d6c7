import { checkType, DeviceError } from "../errors.ts";

/**
 * Builds of the kernels, from one source.
 * - `simd`: 128-bit SIMD (Chrome 91, Firefox 113, Safari 16.4, Node 16).
 * - `relaxed`: the same with fused multiply-add (Chrome 114, Node 22).
 */
export type Build = "simd" | "relaxed";

// Smallest modules that use one instruction each: i8x16.popcnt, and i8x16.relaxed_swizzle.
const probes: Record<Build, readonly number[]> = {
  simd: [1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11],
  relaxed: [
    ...[1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0],
    ...[65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 11],
  ],
};

/** True if this engine compiles the build's instructions. */
export function supports(build: Build): boolean {
  if (typeof WebAssembly !== "object") return false;
  return WebAssembly.validate(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, ...probes[build]]));
}

/**
 * The build to load: the one asked for, or the fastest that this engine runs.
 * @throws DeviceError `no-simd` or `no-relaxed-simd` when the engine lacks the instructions, TypeError for
 * a build that there is not.
 */
export function chooseBuild(wanted?: Build): Build {
  checkType(
    wanted === undefined || Object.hasOwn(probes, wanted),
    () => `init: expected build "simd" or "relaxed", got ${JSON.stringify(wanted)}`,
  );
  if (!supports("simd") || typeof DecompressionStream !== "function") {
    throw new DeviceError(
      "no-simd",
      "ganvil needs WebAssembly SIMD and DecompressionStream, which this engine lacks. Use Chrome or Edge 91, Firefox 113, Safari 16.4, Node 20, or newer.",
    );
  }
  if (wanted === "relaxed" && !supports("relaxed")) {
    throw new DeviceError(
      "no-relaxed-simd",
      'build "relaxed" needs WebAssembly relaxed SIMD (Chrome 114, Node 22, or newer). Leave `build` out to choose automatically.',
    );
  }
  return wanted ?? (supports("relaxed") ? "relaxed" : "simd");
}
