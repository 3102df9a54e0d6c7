import { DeviceError } from "../errors.ts";

/** What may be asked for beyond the usual. */
export interface GpuOptions {
  /** Multiply in float16 where the device can, and sum in float32. Default false. */
  readonly halfPrecision?: boolean;
}

/** An adapter's name, as shown and as a key of what was measured on it. */
export function adapterName(adapter: GPUAdapter): string {
  // Not among the parameters, whose pattern declarations repeat: types of WebGPU may be older than it.
  const { info } = adapter;
  return [info.vendor, info.architecture, info.description || info.device].filter((part) => part).join(" ");
}

/** True for GPUs that are computed on the CPU. */
export function isSoftware(adapter: GPUAdapter): boolean {
  const { info } = adapter;
  return (
    info.isFallbackAdapter === true ||
    /swiftshader|llvmpipe|lavapipe|basic render/i.test(`${info.architecture} ${info.description}`)
  );
}

let nodeGpu: GPU | undefined;

/** WebGPU of the browser, or of the package `webgpu` in Node; undefined where there is neither. */
async function findWebGpu(): Promise<GPU | undefined> {
  const { navigator, process } = globalThis as unknown as {
    navigator?: { gpu?: GPU };
    process?: { versions?: { node?: string } };
  };
  if (navigator?.gpu) return navigator.gpu;
  if (process?.versions?.node === undefined) return undefined;
  if (nodeGpu !== undefined) return nodeGpu;
  // Hidden from bundlers: an optional package, and for Node only.
  const name = "webgpu";
  try {
    const { create, globals } = await import(/* @vite-ignore */ /* webpackIgnore: true */ name);
    for (const [key, value] of Object.entries(globals))
      if (!(key in globalThis)) Object.assign(globalThis, { [key]: value });
    nodeGpu = create([]) as GPU;
  } catch (error) {
    if ((error as { code?: string }).code !== "ERR_MODULE_NOT_FOUND") throw error;
  }
  return nodeGpu;
}

/**
 * The GPU's adapter.
 * @throws DeviceError `no-adapter` where there is none, saying what to do
 */
export async function findAdapter(): Promise<GPUAdapter> {
  const gpu = await findWebGpu();
  if (gpu === undefined) {
    throw new DeviceError(
      "no-adapter",
      'webgpu: expected a browser with WebGPU (Chrome 113, Safari 26, Firefox 141 or newer; only on https or localhost), or in Node the package "webgpu" (npm install webgpu@0.6.2), found neither. Compute with init({ device: "wasm" }).',
    );
  }
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (adapter === null) {
    throw new DeviceError(
      "no-adapter",
      'webgpu: expected an adapter, found none: no GPU, or a driver that is too old or blocked (in Linux, libvulkan1 and a Vulkan driver are needed). Compute with init({ device: "wasm" }).',
    );
  }
  return adapter;
}

const wantedFeatures: readonly GPUFeatureName[] = ["subgroups", "timestamp-query"];

const wantedLimits = [
  ...["maxBufferSize", "maxStorageBufferBindingSize", "maxStorageBuffersPerShaderStage"],
  ...["maxComputeWorkgroupStorageSize", "maxComputeInvocationsPerWorkgroup", "maxComputeWorkgroupSizeX"],
  "maxComputeWorkgroupSizeY",
] as const;

/** A device with all that the adapter can do and kernels use. */
export async function requestDevice(
  adapter: GPUAdapter,
  { halfPrecision = false }: GpuOptions,
): Promise<GPUDevice> {
  const features = halfPrecision ? [...wantedFeatures, "shader-f16" as const] : wantedFeatures;
  return adapter.requestDevice({
    label: "ganvil",
    requiredFeatures: features.filter((feature) => adapter.features.has(feature)),
    requiredLimits: Object.fromEntries(
      wantedLimits.map((limit) => [limit, adapter.limits[limit as keyof GPUSupportedLimits] as number]),
    ),
  });
}
