import {
  type DataId,
  DataStorage,
  type DataType,
  engine,
  type KernelBackend,
  type TensorInfo,
} from "@tensorflow/tfjs-core";
import { DeviceError } from "../errors.ts";
import type { Kernels } from "../wasm/generated/kernels.ts";
import type { Heap } from "../wasm/heap.ts";
import type { Gpu } from "../webgpu/gpu.ts";
import type { Region } from "../webgpu/memory.ts";
import type { Executor } from "./executor.ts";
import {
  bytesPer,
  type DeviceName,
  gpuBytes,
  type HeapValues,
  heapBytes,
  type Place,
  type TensorRecord,
  valuesFromGpu,
} from "./tensor-record.ts";

/** Where each tensor's values are: in the Wasm heap, on the GPU, in both, or pending. */
export class Residency {
  readonly heap: Heap;
  readonly executor: Executor;
  readonly #kernels: Kernels;
  readonly #records: DataStorage<TensorRecord>;
  /** Those with a block on a GPU. */
  readonly #onGpu = new Set<TensorRecord>();
  #gpu: Gpu | undefined;
  /** Values that went from the GPU to the Wasm heap, since the backend began. */
  transfers = 0;

  constructor(backend: KernelBackend, heap: Heap, executor: Executor, kernels: Kernels) {
    this.heap = heap;
    this.executor = executor;
    this.#kernels = kernels;
    this.#records = new DataStorage(backend, engine());
  }

  /** The GPU that work may be sent to. */
  get gpu(): Gpu | undefined {
    return this.#gpu;
  }

  /**
   * Takes another GPU, or none, into use. What is on the former one alone comes to the heap first; where that GPU has
   * failed it is lost.
   */
  async useGpu(gpu: Gpu | undefined): Promise<void> {
    const former = this.#gpu;
    if (former === gpu) return;
    if (former !== undefined && former.failure === undefined) {
      await Promise.all([...this.#onGpu].map((record) => this.#download(record)));
    }
    this.#gpu = gpu;
    for (const record of this.#onGpu) this.#leaveGpu(record);
    former?.dispose();
  }

  get size(): number {
    return this.#records.numDataIds();
  }

  has(dataId: DataId): boolean {
    return this.#records.has(dataId);
  }

  of(dataId: DataId): TensorRecord {
    return this.#records.get(dataId);
  }

  /** A record for new values, which nothing has yet. */
  add(dataId: DataId, dtype: DataType, length: number, refCount: number): TensorRecord {
    const width = bytesPer[dtype];
    if (width === undefined) {
      throw new TypeError(
        `ganvil: expected dtype float32, int32, bool, complex64 or string, got ${dtype}. Compute it on another backend (tf.setBackend).`,
      );
    }
    const record: TensorRecord = { dtype, length, refCount, writes: 0 };
    this.#records.set(dataId, record);
    this.executor.recorder?.made.add(dataId);
    return record;
  }

  addStrings(dataId: DataId, strings: Uint8Array[], length: number, refCount: number): void {
    this.#records.set(dataId, { dtype: "string", length, refCount, strings, writes: 0 });
  }

  remove(dataId: DataId): void {
    const record = this.of(dataId);
    if (record.ptr !== undefined) this.heap.free(record.ptr);
    record.region?.free();
    this.#onGpu.delete(record);
    this.#records.delete(dataId);
    this.executor.recorder?.made.delete(dataId);
  }

  /** Gives a record memory, contents undefined. */
  allocate(record: TensorRecord, device: DeviceName): void {
    if (device === "wasm") record.ptr = this.heap.alloc(heapBytes(record));
    else this.setRegion(record, this.gpu!.memory.alloc(gpuBytes(record)));
  }

  /** True where the values are on the GPU and nowhere else. */
  isOnGpuOnly({ ptr, region }: TensorRecord): boolean {
    return region !== undefined && ptr === undefined;
  }

  /** True for zeros that nobody has looked at. */
  isUntouched({ ptr, region, pending, failure }: TensorRecord): boolean {
    return ptr === undefined && region === undefined && pending === undefined && failure === undefined;
  }

  /** True where the values can be had on the device now. */
  isReady(record: TensorRecord, device: DeviceName): boolean {
    if (record.pending !== undefined || record.failure !== undefined) return false;
    return device === "webgpu" || !this.isOnGpuOnly(record);
  }

  /**
   * Address of a tensor's first value.
   * @throws DeviceError `pending-read` where the values are not in the heap
   */
  ptr({ dataId }: Pick<TensorInfo, "dataId">): number {
    const record = this.of(dataId);
    if (record.ptr !== undefined) return record.ptr;
    if (!this.isUntouched(record)) {
      if (record.failure !== undefined) throw record.failure;
      throw new DeviceError(
        "pending-read",
        'a tensor\'s values are on the GPU, or wait for values that are: they cannot be had at once. Use `await tensor.data()` in place of dataSync, or init({ device: "wasm" }).',
      );
    }
    record.ptr = this.#placeZeros(dataId, record.length);
    return record.ptr;
  }

  /** Memory for zeros; those from outside of a captured step are no part of it. */
  #placeZeros(dataId: DataId, length: number): number {
    const place = (fill: Kernels["fill"]) => {
      const ptr = this.heap.alloc(4 * length);
      fill(ptr, length, 0);
      return ptr;
    };
    const { kernels, recorder } = this.executor;
    if (recorder === undefined || recorder.made.has(dataId)) return place(kernels.fill);
    return this.heap.within(undefined, () => place(this.#kernels.fill));
  }

  /**
   * The block with a tensor's values, uploaded where the GPU lacks them.
   * @throws DeviceError where the GPU that had them alone is lost
   */
  region({ dataId }: Pick<TensorInfo, "dataId">): Region {
    const record = this.of(dataId);
    if (record.gpu !== undefined && record.gpu !== this.gpu) this.#leaveGpu(record);
    if (record.region !== undefined) return record.region;
    if (record.failure !== undefined) throw record.failure;
    const gpu = this.gpu!;
    const { recorder } = this.executor;
    const made = recorder === undefined || recorder.made.has(dataId);
    const { memory, queue } = gpu;
    if (record.ptr === undefined) {
      const region = made
        ? memory.alloc(gpuBytes(record))
        : memory.within(undefined, () => memory.alloc(gpuBytes(record)));
      if (made && recorder !== undefined) recorder.act("zeros", () => queue.clear(region));
      else queue.clear(region);
      this.setRegion(record, region);
      return region;
    }
    const { ptr } = record;
    const upload = (region: Region) => queue.upload(region, this.#gpuValues(record, ptr));
    // What a captured step makes, and what it updates in the heap, is uploaded at each replay.
    const again = recorder !== undefined && (made ? record.constant !== true : recorder.updated.has(dataId));
    const { arena } = memory;
    const region =
      arena !== undefined && (again || made)
        ? arena.takeDedicated(gpuBytes(record))
        : memory.within(undefined, () => memory.alloc(gpuBytes(record)));
    if (again) recorder.act("upload", () => upload(region));
    else upload(region);
    this.setRegion(record, region);
    return region;
  }

  /** Copies a tensor's values from the heap to a block. */
  uploadTo(region: Region, tensor: Pick<TensorInfo, "dataId">): void {
    this.gpu!.queue.upload(region, this.#gpuValues(this.of(tensor.dataId), this.ptr(tensor)));
  }

  /** A kernel on the device has written to the tensor: elsewhere its values are of the past. */
  wrote({ dataId }: Pick<TensorInfo, "dataId">, device: DeviceName): void {
    const record = this.of(dataId);
    record.constant = false;
    record.writes++;
    if (device === "wasm") {
      record.region?.free();
      this.setRegion(record, undefined);
    } else if (record.ptr !== undefined) {
      this.heap.free(record.ptr);
      record.ptr = undefined;
    }
  }

  /** Everything will be written to the tensor: what it had, or had lost, does not count. */
  forget({ dataId }: Pick<TensorInfo, "dataId">): void {
    const record = this.of(dataId);
    if (record.gpu !== undefined && record.gpu !== this.gpu) this.setRegion(record, undefined);
    record.failure = undefined;
  }

  /** A record's values in the heap, as a view that dies with the next allocation. */
  view({ dtype, length, ptr = 0 }: TensorRecord): HeapValues {
    if (dtype === "float32") return this.heap.f32(ptr, length);
    if (dtype === "complex64") return this.heap.f32(ptr, 2 * length);
    if (dtype === "int32") return this.heap.i32(ptr, length);
    return this.heap.u8(ptr, length);
  }

  /** A copy of a tensor's values from the heap. */
  values(dataId: DataId): HeapValues {
    this.ptr({ dataId });
    return this.view(this.of(dataId)).slice();
  }

  /** Where a tensor's values are, the GPU first. */
  placeOf(dataId: DataId): Place | undefined {
    const { ptr, region } = this.of(dataId);
    return region ?? ptr;
  }

  /** Brings values from the GPU to the heap. */
  download(dataId: DataId): Promise<void> {
    return this.#download(this.of(dataId));
  }

  #download(record: TensorRecord): Promise<void> {
    record.arriving ??= this.#copyDown(record).finally(() => {
      record.arriving = undefined;
    });
    return record.arriving;
  }

  async #copyDown(record: TensorRecord): Promise<void> {
    const { gpu, region } = record;
    if (region === undefined || record.ptr !== undefined) return;
    this.transfers++;
    const { writes } = record;
    const [values] = await gpu!.finish([gpu!.queue.read(region, gpuBytes(record))]);
    // It may have been written to, or moved, meanwhile.
    if (record.region !== region || record.writes !== writes || record.ptr !== undefined) return;
    record.ptr = this.heap.within(undefined, () => this.heap.alloc(heapBytes(record)));
    this.view(record).set(valuesFromGpu(record, values));
  }

  /** Values as the GPU has them: a bool there takes four bytes. */
  #gpuValues(record: TensorRecord, ptr: number): ArrayBufferView {
    const bytes = this.heap.u8(ptr, heapBytes(record));
    return record.dtype === "bool" ? Int32Array.from(bytes) : bytes;
  }

  /** Gives a record its block on the GPU in use, or none. */
  setRegion(record: TensorRecord, region: Region | undefined): void {
    record.region = region;
    record.gpu = region === undefined ? undefined : this.gpu;
    if (region === undefined) this.#onGpu.delete(record);
    else this.#onGpu.add(record);
  }

  /** Its GPU is gone: what was on it alone is lost. */
  #leaveGpu(record: TensorRecord): void {
    const { gpu, ptr, region } = record;
    region?.free();
    this.setRegion(record, undefined);
    if (ptr === undefined) {
      record.failure = new DeviceError(
        "gpu-lost",
        "a tensor was on a GPU that is lost, or given up, and nowhere else. Restore it from a checkpoint.",
        { cause: gpu!.failure },
      );
    }
  }

  /** Notices a lost GPU. */
  checkAlive({ dataId }: Pick<TensorInfo, "dataId">): void {
    const record = this.of(dataId);
    if (record.gpu !== undefined && (record.gpu !== this.gpu || record.gpu.failure)) this.#leaveGpu(record);
  }
}
