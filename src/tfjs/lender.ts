import type {
  BackendValues,
  DataId,
  DataType,
  KernelConfig,
  KernelFunc,
  NamedAttrMap,
  TensorInfo,
} from "@tensorflow/tfjs-core";
import type { GanvilBackend } from "../backend/backend.ts";
import type { Gpu } from "../webgpu/gpu.ts";
import { DeviceBuffer, type GpuSource, Region } from "../webgpu/memory.ts";
import type { GpuOperand, Shader } from "../webgpu/shader.ts";
import { type Inputs, infoOf, inputsCopied, listOf, tensorsOf } from "./inputs.ts";

/** A tensor as TensorFlow.js's webgpu backend has it. */
interface LentRecord {
  readonly dtype: DataType;
  readonly shape: number[];
  refCount: number;
  values: BackendValues | null;
  resource?: GPUBuffer;
  /** The buffer is somebody else's. */
  external?: boolean;
  /** A complex tensor has these in place of a buffer. */
  complexTensorInfos?: { readonly real: TensorInfo; readonly imag: TensorInfo };
}

/** What is used of TensorFlow.js's webgpu backend. */
interface Lent {
  queue: Pick<GPUQueue, "submit" | "writeBuffer">;
  readonly tensorMap: {
    has(dataId: DataId): boolean;
    get(dataId: DataId): LentRecord;
    set(dataId: DataId, record: LentRecord): void;
    delete(dataId: DataId): boolean;
  };
  readonly bufferManager: { releaseBuffer(buffer: GPUBuffer, reuse?: boolean): void };
  readSync(dataId: DataId): BackendValues;
  disposeData(dataId: DataId): boolean;
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  submitQueue(): void;
}

/** The backend's class. */
export type LentClass = new (device: GPUDevice, info: GPUAdapterInfo) => object;

/** Thrown out of a kernel that would read values from the GPU. */
const unreadable = Symbol("a lent kernel reads values");

/** Calls `f` with a `navigator.gpu`, which the backend's constructor looks for and Node has not. */
function withNavigatorGpu<T>(f: () => T): T {
  const former = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  if ((globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu) return f();
  Object.defineProperty(globalThis, "navigator", { value: { gpu: true }, configurable: true });
  try {
    return f();
  } finally {
    if (former === undefined) delete (globalThis as { navigator?: unknown }).navigator;
    else Object.defineProperty(globalThis, "navigator", former);
  }
}

const floats = (region: Region, size: number): GpuOperand => ({
  ...{ region, size, shape: [size], dtype: "float32" },
});

const nobody: GpuSource = {
  take: () => {
    throw new RangeError("a lent buffer has one block");
  },
  giveBack: () => {},
};

const wholeOf = (buffer: GPUBuffer): Region => new Region(nobody, new DeviceBuffer(buffer), 0, buffer.size);

/**
 * TensorFlow.js's webgpu backend over our device and buffers. Its kernels find their inputs under their own data ids for
 * the length of one call; results are copied into blocks of ours, so that none of its ids leaves it. All that it does to
 * the device's queue keeps its place between our commands, also where those wait for their shaders.
 */
class Lender {
  readonly #gpu: Gpu;
  readonly #lent: Lent;

  constructor(gpu: Gpu, Class: LentClass) {
    this.#gpu = gpu;
    const { device, queue, adapter } = gpu;
    const lent = withNavigatorGpu(() => new Class(device, adapter.info)) as Lent;
    lent.queue = {
      submit(buffers) {
        queue.interleave(() => device.queue.submit(buffers));
        return undefined;
      },
      writeBuffer(...write: Parameters<GPUQueue["writeBuffer"]>) {
        queue.interleave(() => device.queue.writeBuffer(...write));
        return undefined;
      },
    };
    const { bufferManager, tensorMap } = lent;
    const release = bufferManager.releaseBuffer.bind(bufferManager);
    bufferManager.releaseBuffer = (buffer, reuse = true) => {
      // One that is not to be used again is destroyed at once, and commands that name it may have yet to be submitted.
      if (reuse) release(buffer);
      else queue.interleave(() => release(buffer, false));
    };
    lent.readSync = (dataId) => {
      const { values } = tensorMap.get(dataId);
      if (values === null || values === undefined) throw unreadable;
      return values;
    };
    this.#lent = lent;
  }

  /** The results of a kernel as tensors of the host; undefined where it reads values. */
  run(
    host: GanvilBackend,
    kernelFunc: KernelFunc,
    inputs: Inputs,
    attrs: NamedAttrMap | undefined,
  ): TensorInfo | TensorInfo[] | undefined {
    const lent = this.#lent;
    const taken: Region[] = [];
    const guests: DataId[] = [];
    const tensors = new Map(tensorsOf(inputs).map((tensor) => [tensor.dataId, tensor]));
    for (const tensor of tensors.values()) this.#lend(host, tensor, guests, taken);
    try {
      const results = kernelFunc({ inputs: inputsCopied(inputs), attrs, backend: lent });
      lent.ensureCommandEncoderReady();
      lent.endComputePassEncoder();
      lent.submitQueue();
      const adopted = listOf(results).map((result) => {
        if (!tensors.has(result.dataId)) return this.#adopt(host, result);
        host.incRef(result.dataId);
        return infoOf(result);
      });
      return Array.isArray(results) ? adopted : adopted[0];
    } catch (error) {
      if (error === unreadable) return undefined;
      throw error;
    } finally {
      for (const dataId of guests) lent.tensorMap.delete(dataId);
      for (const region of taken) region.free();
    }
  }

  #lend(host: GanvilBackend, tensor: TensorInfo, guests: DataId[], taken: Region[]): void {
    const put = (dataId: DataId, record: Pick<LentRecord, "dtype" | "resource" | "complexTensorInfos">) => {
      const { shape } = tensor;
      this.#lent.tensorMap.set(dataId, { ...record, shape, refCount: 1, values: null, external: true });
      guests.push(dataId);
    };
    const { dataId, shape, dtype } = tensor;
    const region = host.residency.region(tensor);
    if (dtype !== "complex64") {
      put(dataId, { dtype, resource: this.#bufferOf(region, taken) });
      return;
    }
    const { length } = host.residency.of(dataId);
    const part = (): { info: TensorInfo; operand: GpuOperand } => {
      const own = this.#gpu.memory.take(4 * length);
      taken.push(own);
      const info: TensorInfo = { dataId: {}, shape, dtype: "float32" };
      put(info.dataId, { dtype: "float32", resource: own.buffer.gpu });
      return { info, operand: floats(own, length) };
    };
    const [real, imag] = [part(), part()];
    this.#dispatch({
      ...{ name: "complex to parts", read: { z: floats(region, 2 * length) }, elements: length },
      ...{ write: { real: real.operand, imag: imag.operand } },
      body: () => "real[i] = z[2 * i]; imag[i] = z[2 * i + 1];",
    });
    put(dataId, { dtype, complexTensorInfos: { real: real.info, imag: imag.info } });
  }

  /** A buffer that begins with a block's values: kernels bind whole buffers. */
  #bufferOf(region: Region, taken: Region[]): GPUBuffer {
    if (region.offset === 0 && region.bytes === region.buffer.gpu.size) return region.buffer.gpu;
    const copy = this.#gpu.memory.take(region.bytes);
    this.#gpu.queue.copy(region, copy, region.bytes);
    taken.push(copy);
    return copy.buffer.gpu;
  }

  #adopt(host: GanvilBackend, { dataId, shape, dtype }: TensorInfo): TensorInfo {
    const { resource, values, complexTensorInfos } = this.#lent.tensorMap.get(dataId);
    if (complexTensorInfos === undefined && !resource) {
      this.#lent.disposeData(dataId);
      return { dataId: host.write(values, shape, dtype), shape, dtype };
    }
    const output = host.makeOutput(shape, dtype, "webgpu");
    const { region, length } = host.residency.of(output.dataId);
    if (complexTensorInfos === undefined) {
      this.#gpu.queue.copy(wholeOf(resource!), region!, 4 * length);
    } else if (length > 0) {
      const part = (info: TensorInfo) =>
        floats(wholeOf(this.#lent.tensorMap.get(info.dataId).resource!), length);
      this.#dispatch({
        ...{ name: "parts to complex", write: { z: floats(region!, 2 * length) }, elements: length },
        read: { real: part(complexTensorInfos.real), imag: part(complexTensorInfos.imag) },
        body: () => "z[2 * i] = real[i]; z[2 * i + 1] = imag[i];",
      });
    }
    this.#lent.disposeData(dataId);
    return output;
  }

  #dispatch(shader: Shader): void {
    this.#gpu.queue.dispatch(this.#gpu.dispatchOf(shader));
  }
}

const lenders = new WeakMap<Gpu, Lender>();

function lenderOf(gpu: Gpu, Class: LentClass): Lender {
  let lender = lenders.get(gpu);
  if (lender === undefined) {
    lender = new Lender(gpu, Class);
    lenders.set(gpu, lender);
  }
  return lender;
}

/** The dtypes that a GPU's buffers hold. */
const buffered: readonly DataType[] = ["float32", "int32", "bool", "complex64"];

/** Calls for which TensorFlow.js writes a shader that is none. */
const broken: { readonly [kernel: string]: (inputs: Inputs) => boolean } = {
  Bincount: ({ x }) => x!.shape.length > 1,
};

/**
 * A kernel of TensorFlow.js's webgpu backend for calls with values on the GPU, else another.
 * @param other takes the calls with everything in the heap, or with values that are still to come
 */
export function lend(
  Class: LentClass,
  { kernelName, kernelFunc }: Pick<KernelConfig, "kernelName" | "kernelFunc">,
  other: KernelFunc,
): KernelFunc {
  return (call) => {
    const host = call.backend as GanvilBackend;
    const { gpu, residency } = host;
    const tensors = tensorsOf(call.inputs);
    for (const tensor of tensors) residency.checkAlive(tensor);
    const records = tensors.map(({ dataId }) => residency.of(dataId));
    const fits =
      gpu !== undefined &&
      host.placer.mode !== "wasm" &&
      tensors.every(({ dtype }) => buffered.includes(dtype)) &&
      records.every((record) => residency.isReady(record, "webgpu")) &&
      records.some((record) => residency.isOnGpuOnly(record));
    if (!fits || broken[kernelName]?.(call.inputs)) return other(call);
    host.executor.recorder?.refuse(`${kernelName} is a kernel that TensorFlow.js lends`);
    return lenderOf(gpu, Class).run(host, kernelFunc, call.inputs, call.attrs) ?? other(call);
  };
}
