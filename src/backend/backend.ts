import {
  type BackendValues,
  type DataId,
  DataStorage,
  type DataType,
  engine,
  findBackend,
  KernelBackend,
  type TensorInfo,
  util,
} from "@tensorflow/tfjs-core";
import { checkType } from "../errors.ts";
import type { Kernels } from "../wasm/generated/kernels.ts";
import { Heap } from "../wasm/heap.ts";
import type { KernelModule } from "../wasm/load.ts";
import type { Planner } from "../wasm/planner.ts";
import { Executor } from "./executor.ts";

/** The name under which TensorFlow.js knows the backend. */
export const backendName = "ganvil";

/** Where a tensor's values are, and how many tensors share them. */
interface TensorRecord {
  readonly dtype: DataType;
  readonly length: number;
  refCount: number;
  /** Address in the Wasm heap; strings have none, nor have zeros that nobody has looked at. */
  ptr: number | undefined;
  readonly strings?: Uint8Array[];
}

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
}

/** complex64 holds pairs, the real part first. */
const bytesPer: Partial<Record<DataType, number>> = { float32: 4, int32: 4, bool: 1, complex64: 8 };

/** TensorFlow.js backend whose tensors live in one Wasm heap. Made by `init()`. */
export class GanvilBackend extends KernelBackend {
  readonly module: KernelModule;
  readonly planner: Planner;
  readonly heap: Heap;
  readonly executor: Executor;
  readonly #data: DataStorage<TensorRecord>;

  constructor(module: KernelModule, planner: Planner) {
    super();
    this.module = module;
    this.planner = planner;
    this.heap = new Heap(module.memory);
    this.executor = new Executor(module.kernels);
    this.#data = new DataStorage(this, engine());
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
      this.#data.set(dataId, {
        dtype,
        length,
        refCount,
        ptr: undefined,
        strings: (values ?? []) as Uint8Array[],
      });
      return;
    }
    const width = bytesPer[dtype];
    if (width === undefined) {
      throw new TypeError(
        `ganvil: expected dtype float32, int32, bool, complex64 or string, got ${dtype}. Compute it on another backend (tf.setBackend).`,
      );
    }
    const { recorder } = this.executor;
    recorder?.made.add(dataId);
    if (dtype === "float32" && values && allZero(values as ArrayLike<number>)) {
      this.#data.set(dataId, { dtype, length, refCount, ptr: undefined });
      return;
    }
    const ptr = this.heap.alloc(length * width);
    this.#data.set(dataId, { dtype, length, refCount, ptr });
    if (values === null || values === undefined) return;
    this.#view(dataId).set(values as ArrayLike<number>);
    recorder?.noteValues(this.heap.u8(ptr, length * width));
    recorder?.keep(this, ptr, length * width);
  }

  /** Moves a tensor's values to other memory. */
  moveOut(dataId: DataId): void {
    const record = this.#data.get(dataId);
    if (record.ptr === undefined) return;
    const bytes = record.length * bytesPer[record.dtype]!;
    const ptr = this.heap.alloc(bytes);
    this.copyBytes(ptr, record.ptr, bytes);
    this.heap.free(record.ptr);
    record.ptr = ptr;
  }

  /** Copies within the heap. */
  copyBytes(to: number, from: number, bytes: number): void {
    this.module.kernels.copy(from, to, bytes);
  }

  /** A new tensor with undefined contents. */
  makeOutput(shape: readonly number[], dtype: DataType): TensorInfo {
    const own = [...shape];
    return { dataId: this.write(null, own, dtype), shape: own, dtype };
  }

  /** A new float32 tensor of zeros: it takes memory when somebody looks at it. */
  makeZeros(shape: readonly number[]): TensorInfo {
    const own = [...shape];
    const dataId = {};
    this.#data.set(dataId, {
      dtype: "float32",
      length: util.sizeFromShape(own),
      refCount: 1,
      ptr: undefined,
    });
    this.executor.recorder?.made.add(dataId);
    return { dataId, shape: own, dtype: "float32" };
  }

  /**
   * True for zeros that nobody has looked at. What came from outside of a captured step may change from one replay to
   * the next: there it is false.
   */
  isZero({ dataId, dtype }: TensorInfo): boolean {
    const { recorder } = this.executor;
    return (
      dtype === "float32" &&
      this.#data.get(dataId).ptr === undefined &&
      (recorder === undefined || recorder.made.has(dataId))
    );
  }

  /** Address of a tensor's first value. */
  ptr({ dataId }: TensorInfo): number {
    const record = this.#data.get(dataId);
    record.ptr ??= this.#placeZeros(dataId, record.length);
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
    return this.heap.within(undefined, () => place(this.module.kernels.fill));
  }

  /** How many tensors share these values; an in-place update needs exactly one. */
  override refCount(dataId: DataId): number {
    return this.#data.has(dataId) ? this.#data.get(dataId).refCount : 0;
  }

  override incRef(dataId: DataId): void {
    this.#data.get(dataId).refCount++;
  }

  override disposeData(dataId: DataId, force = false): boolean {
    if (!this.#data.has(dataId)) return true;
    const record = this.#data.get(dataId);
    record.refCount--;
    if (!force && record.refCount > 0) return false;
    if (record.ptr !== undefined) this.heap.free(record.ptr);
    this.#data.delete(dataId);
    this.executor.recorder?.made.delete(dataId);
    return true;
  }

  override readSync(dataId: DataId): BackendValues {
    this.executor.recorder?.refuse("a tensor's values were read");
    const { strings } = this.#data.get(dataId);
    return strings ?? this.#view(dataId).slice();
  }

  override async read(dataId: DataId): Promise<BackendValues> {
    return this.readSync(dataId);
  }

  override numDataIds(): number {
    return this.#data.numDataIds();
  }

  override memory(): HeapMemory {
    return {
      unreliable: false,
      heapBytesInUse: this.heap.bytesInUse,
      heapBytesReserved: this.heap.bytesReserved,
    };
  }

  override async time(f: () => void): Promise<{ kernelMs: number }> {
    const start = performance.now();
    f();
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
  }

  #view(dataId: DataId): Float32Array | Int32Array | Uint8Array {
    const { dtype, length } = this.#data.get(dataId);
    const ptr = this.ptr({ dataId } as TensorInfo);
    if (dtype === "float32") return this.heap.f32(ptr, length);
    if (dtype === "complex64") return this.heap.f32(ptr, 2 * length);
    if (dtype === "int32") return this.heap.i32(ptr, length);
    return this.heap.u8(ptr, length);
  }
}

/** The backend that `init()` registered; throws when it was not called. */
export function currentBackend(): GanvilBackend {
  const backend = findBackend(backendName);
  checkType(backend !== null, () => "ganvil is not started. Call `await init()` first.");
  return backend as GanvilBackend;
}
