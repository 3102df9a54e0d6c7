import {
  type BackendValues,
  type DataId,
  type DataType,
  engine,
  findBackend,
  KernelBackend,
  type TensorInfo,
  util,
} from "@tensorflow/tfjs-core";
import { checkType, DeviceError } from "../errors.ts";
import { Heap } from "../wasm/heap.ts";
import type { KernelModule } from "../wasm/load.ts";
import type { Planner } from "../wasm/planner.ts";
import { Gpu } from "../webgpu/gpu.ts";
import { Executor } from "./executor.ts";
import { Jobs } from "./jobs.ts";
import { type Explanation, Placer } from "./placer.ts";
import { Residency } from "./residency.ts";
import { type DeviceName, heapBytes } from "./tensor-record.ts";

/** The name under which TensorFlow.js knows the backend. */
export const backendName = "ganvil";

/**
 * Most elements that are searched for being all zero: TensorFlow.js uploads such in place of gradients by results
 * that nothing depends on.
 */
const searchedElements = 4096;

function allZero(values: ArrayLike<number>): boolean {
  if (values.length > searchedElements) return false;
  for (let i = 0; i < values.length; i++) if (!Object.is(values[i], 0)) return false;
  return true;
}

/** What `tf.memory()` adds for this backend. */
export interface HeapMemory {
  unreliable: boolean;
  /** Bytes of live tensors and of nothing else, each rounded up to 64. */
  heapBytesInUse: number;
  /** Bytes taken from the engine, free blocks included. */
  heapBytesReserved: number;
  /** Bytes of live tensors on the GPU, each rounded up to 256; 0 without one. */
  gpuBytesInUse: number;
  /** Bytes taken from the GPU, free blocks included. */
  gpuBytesReserved: number;
}

/** TensorFlow.js backend whose tensors live in one Wasm heap, or on the GPU. Made by `init()`. */
export class GanvilBackend extends KernelBackend {
  readonly module: KernelModule;
  readonly planner: Planner;
  readonly heap: Heap;
  readonly executor: Executor;
  readonly residency: Residency;
  /** Ops that wait for their inputs, and what is to be done on the host. */
  readonly jobs: Jobs;
  /** Chooses devices. */
  readonly placer: Placer;
  /** A GPU has been replaced already. */
  #replaced = false;

  constructor(module: KernelModule, planner: Planner) {
    super();
    this.module = module;
    this.planner = planner;
    this.heap = new Heap(module.memory);
    this.executor = new Executor(module.kernels);
    this.residency = new Residency(this, this.heap, this.executor, module.kernels);
    this.jobs = new Jobs(this.residency, (dataId) => this.release(dataId));
    this.placer = new Placer(this.residency);
  }

  /** Checks on the host come after the kernels that follow them, as they do where a GPU may compute. */
  get checksLate(): boolean {
    return this.gpu !== undefined && this.placer.mode !== "wasm";
  }

  /** The GPU that work may be sent to, if any. */
  get gpu(): Gpu | undefined {
    return this.residency.gpu;
  }

  /**
   * Where an op (by TensorFlow.js's kernel name: "Conv2D") ran last, why there, and how often on each device; undefined
   * where it has not run. Without a name: all that have.
   */
  explain(op: string): Explanation | undefined;
  explain(): Explanation[];
  explain(op?: string): Explanation | Explanation[] | undefined {
    return op === undefined ? this.placer.explanations() : this.placer.explain(op);
  }

  /** Takes a GPU into use, or gives it up; the tensors stay. */
  async useGpu(gpu: Gpu | undefined): Promise<void> {
    this.#replaced = false;
    await this.residency.useGpu(gpu);
  }

  /**
   * Puts another GPU in the place of one that failed: once, and from the second time on Wasm alone. What was on the
   * former alone is lost, and says so when it is read.
   * @returns the device that serves from now on, in words
   */
  async replaceGpu(): Promise<string> {
    await this.jobs.abandon();
    let next: Gpu | undefined;
    if (!this.#replaced) {
      try {
        next = await Gpu.start(this.gpu?.options);
        if (next.name === this.gpu?.name) next.arithmetic = this.gpu.arithmetic;
      } catch (error) {
        if (!(error instanceof DeviceError)) throw error;
      }
    }
    this.#replaced = true;
    await this.residency.useGpu(next);
    if (next === undefined) {
      this.placer.mode = "wasm";
      this.placer.withoutGpu = "the GPU was lost";
    }
    return next === undefined ? "Wasm" : `the GPU (${next.name})`;
  }

  override write(values: BackendValues | null, shape: number[], dtype: DataType): DataId {
    const dataId = {};
    this.move(dataId, values, shape, dtype, 1);
    return dataId;
  }

  override move(
    dataId: DataId,
    values: BackendValues | null,
    shape: number[],
    dtype: DataType,
    refCount: number,
  ): void {
    const length = util.sizeFromShape(shape);
    if (dtype === "string") {
      this.residency.addStrings(dataId, (values ?? []) as Uint8Array[], length, refCount);
      return;
    }
    const record = this.residency.add(dataId, dtype, length, refCount);
    if (dtype === "float32" && values && allZero(values as ArrayLike<number>)) return;
    this.residency.allocate(record, "wasm");
    if (values === null || values === undefined) return;
    this.residency.view(record).set(values as ArrayLike<number>);
    const { recorder } = this.executor;
    record.constant = true;
    recorder?.noteValues(this.heap.u8(record.ptr!, heapBytes(record)));
    recorder?.keep(this, record.ptr!, heapBytes(record));
  }

  /** Copies within the heap. */
  copyBytes(to: number, from: number, bytes: number): void {
    this.module.kernels.copy(from, to, bytes);
  }

  /** A new tensor with undefined contents. */
  makeOutput(shape: readonly number[], dtype: DataType, device: DeviceName = "wasm"): TensorInfo {
    const info = this.makePending(shape, dtype);
    this.residency.allocate(this.residency.of(info.dataId), device);
    return info;
  }

  /** A new tensor without memory: zeros, if float32, until somebody gives it some. */
  makePending(shape: readonly number[], dtype: DataType): TensorInfo {
    const own = [...shape];
    const dataId = {};
    this.residency.add(dataId, dtype, util.sizeFromShape(own), 1);
    return { dataId, shape: own, dtype };
  }

  /** A new float32 tensor of zeros: it takes memory when somebody looks at it. */
  makeZeros(shape: readonly number[]): TensorInfo {
    return this.makePending(shape, "float32");
  }

  /**
   * True for zeros that nobody has looked at. What came from outside of a captured step may change from one replay to
   * the next: there it is false.
   */
  isZero({ dataId, dtype }: TensorInfo): boolean {
    const { recorder } = this.executor;
    return (
      dtype === "float32" &&
      this.residency.isUntouched(this.residency.of(dataId)) &&
      (recorder === undefined || recorder.made.has(dataId))
    );
  }

  /** Address of a tensor's first value. */
  ptr(tensor: Pick<TensorInfo, "dataId">): number {
    return this.residency.ptr(tensor);
  }

  /** How many tensors share these values; an in-place update needs exactly one. */
  override refCount(dataId: DataId): number {
    return this.residency.has(dataId) ? this.residency.of(dataId).refCount : 0;
  }

  override incRef(dataId: DataId): void {
    this.residency.of(dataId).refCount++;
  }

  override disposeData(dataId: DataId, force = false): boolean {
    if (!this.residency.has(dataId)) return true;
    const record = this.residency.of(dataId);
    record.refCount--;
    if (!force && record.refCount > 0) return false;
    this.residency.remove(dataId);
    return true;
  }

  /** Gives up what an op that waited held: the last to hold it, TensorFlow.js having let go of it before. */
  release(dataId: DataId): void {
    if (this.disposeData(dataId)) engine().removeDataId(dataId, this);
  }

  override readSync(dataId: DataId): BackendValues {
    this.executor.recorder?.refuse("a tensor's values were read");
    const record = this.residency.of(dataId);
    this.residency.checkAlive({ dataId });
    if (record.strings !== undefined) return record.strings;
    return this.residency.values(dataId);
  }

  override async read(dataId: DataId): Promise<BackendValues> {
    if (this.residency.isReady(this.residency.of(dataId), "wasm")) return this.readSync(dataId);
    this.executor.recorder?.refuse("a tensor's values were read");
    return this.jobs.values(dataId);
  }

  override numDataIds(): number {
    return this.residency.size;
  }

  override memory(): HeapMemory {
    return {
      unreliable: false,
      heapBytesInUse: this.heap.bytesInUse,
      heapBytesReserved: this.heap.bytesReserved,
      gpuBytesInUse: this.gpu?.memory.bytesInUse ?? 0,
      gpuBytesReserved: this.gpu?.memory.bytesReserved ?? 0,
    };
  }

  override async time(f: () => void): Promise<{ kernelMs: number }> {
    const start = performance.now();
    f();
    if (this.gpu !== undefined) {
      await this.jobs.settled();
      await this.gpu.device.queue.onSubmittedWorkDone();
    }
    return { kernelMs: performance.now() - start };
  }

  override timerAvailable(): boolean {
    return true;
  }

  override floatPrecision(): 32 {
    return 32;
  }

  override epsilon(): number {
    return 1e-7;
  }

  /** Threads that compute, the calling one included. */
  get threads(): number {
    return this.executor.pool?.threads ?? 1;
  }

  override dispose(): void {
    this.executor.pool?.close();
    this.executor.pool = undefined;
    this.gpu?.dispose();
    // TensorFlow.js may bring a disposed backend back (engine().reset()).
    this.placer.mode = "wasm";
    this.placer.withoutGpu = "the backend was disposed: call init() again for the GPU";
  }
}

/** The backend that `init()` registered; throws when it was not called. */
export function currentBackend(): GanvilBackend {
  const backend = findBackend(backendName);
  checkType(backend !== null, () => "ganvil is not started. Call `await init()` first.");
  return backend as GanvilBackend;
}
