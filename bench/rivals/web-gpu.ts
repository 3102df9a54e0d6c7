/**
 * In Node: puts WebGPU of the package `webgpu` where browsers have it, for every library alike. Its clock is not
 * rounded to a tenth of a millisecond.
 */
export async function offerWebGpu(): Promise<void> {
  if (globalThis.navigator?.gpu) return;
  // Hidden from bundlers: it is for Node only, and finds its binary beside itself.
  const name = "webgpu";
  const { create, globals } = await import(/* @vite-ignore */ name);
  Object.assign(globalThis, globals);
  const gpu = create(["disable-dawn-features=timestamp_quantization"]);
  Object.defineProperty(globalThis, "navigator", {
    value: Object.assign(Object.create(globalThis.navigator ?? null), { gpu }),
    configurable: true,
  });
}
