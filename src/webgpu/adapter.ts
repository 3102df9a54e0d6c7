import { DeviceError } from "../errors.ts";
import { subgroupMatrix } from "./arithmetic.ts";

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

/** Node's, without and with features that are experiments still. */
const nodeGpus = new Map<boolean, GPU>();

/** WebGPU of the browser, or of the package `webgpu` in Node; undefined where there is neither. */
async function findWebGpu({ halfPrecision = false }: GpuOptions): Promise<GPU | undefined> {
  const { navigator, process } = globalThis as unknown as {
    navigator?: { gpu?: GPU };
    process?: { versions?: { node?: string } };
  };
  if (navigator?.gpu) return navigator.gpu;
  if (process?.versions?.node === undefined) return undefined;
  const known = nodeGpus.get(halfPrecision);
  if (known !== undefined) return known;
  // Hidden from bundlers: an optional package, and for Node only.
  const name = "webgpu";
  try {
    const { create, globals } = await import(/* @vite-ignore */ /* webpackIgnore: true */ name);
    for (const [key, value] of Object.entries(globals))
      if (!(key in globalThis)) Object.assign(globalThis, { [key]: value });
    const gpu = create(halfPrecision ? ["enable-dawn-features=allow_unsafe_apis"] : []) as GPU;
    nodeGpus.set(halfPrecision, gpu);
    return gpu;
  } catch (error) {
    if ((error as { code?: string }).code !== "ERR_MODULE_NOT_FOUND") throw error;
    return undefined;
  }
}

/**
 * The GPU's adapter.
 * @throws DeviceError `no-adapter` where there is none, saying what to do
 */
export async function findAdapter(options: GpuOptions): Promise<GPUAdapter> {
  const gpu = await findWebGpu(options);
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

/** Features that are used where there are any, and those of half precision. */
const wantedFeatures: readonly GPUFeatureName[] = ["timestamp-query"];
const halfFeatures: readonly GPUFeatureName[] = ["shader-f16", "subgroups", subgroupMatrix];

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
  const features = halfPrecision ? [...wantedFeatures, ...halfFeatures] : wantedFeatures;
  return adapter.requestDevice({
    label: "ganvil",
    requiredFeatures: features.filter((feature) => adapter.features.has(feature)),
    requiredLimits: Object.fromEntries(
      wantedLimits.map((limit) => [limit, adapter.limits[limit as keyof GPUSupportedLimits] as number]),
    ),
  });
}
