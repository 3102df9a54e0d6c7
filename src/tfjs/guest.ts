import {
  type BackendValues,
  backend_util,
  buffer,
  type DataId,
  type DataType,
  type DataTypeMap,
  type NumericDataType,
  type Rank,
  type TensorBuffer,
  type TensorInfo,
  util,
} from "@tensorflow/tfjs-core";
import type { GanvilBackend } from "../backend/backend.ts";

/** A tensor as a kernel of TensorFlow.js's cpu backend finds it. */
interface GuestRecord {
  readonly dtype: DataType;
  refCount: number;
  values?: BackendValues;
  /** The parts of a complex64 tensor, which has no values of its own. */
  complexTensorInfos?: { readonly real: TensorInfo; readonly imag: TensorInfo };
}

/** The dtype of the numbers that make up a tensor. */
const standIn = (dtype: DataType) => (dtype === "complex64" ? "float32" : dtype) as NumericDataType;

/** The tensors of one call: those that its kernel made, and copies of its inputs that it asked for. */
class GuestData {
  readonly #host: GanvilBackend;
  readonly #inputs: readonly TensorInfo[];
  readonly #rehearsal: boolean;
  readonly #own = new Map<DataId, GuestRecord>();
  readonly #lent = new Map<DataId, GuestRecord>();

  constructor(host: GanvilBackend, inputs: readonly TensorInfo[], rehearsal: boolean) {
    this.#host = host;
    this.#inputs = inputs;
    this.#rehearsal = rehearsal;
  }

  get(dataId: DataId): GuestRecord {
    const known = this.#own.get(dataId) ?? this.#lent.get(dataId);
    if (known !== undefined) return known;
    const record = this.#lend(dataId);
    this.#lent.set(dataId, record);
    return record;
  }

  set(dataId: DataId, record: GuestRecord): void {
    this.#own.set(dataId, record);
  }

  owns(dataId: DataId): boolean {
    return this.#own.has(dataId);
  }

  delete(dataId: DataId): boolean {
    return this.#own.delete(dataId);
  }

  /** A copy: a view of the heap would die when the heap grows, and kernels may write into what they read. */
  #lend(dataId: DataId): GuestRecord {
    const input = this.#inputs.find((tensor) => tensor.dataId === dataId);
    if (input === undefined)
      throw new Error("ganvil: a borrowed kernel reads a tensor that is none of its inputs");
    const { shape, dtype } = input;
    const { residency } = this.#host;
    const values =
      this.#rehearsal && !residency.isReady(residency.of(dataId), "wasm")
        ? util.makeZerosTypedArray(
            residency.of(dataId).length * (dtype === "complex64" ? 2 : 1),
            standIn(dtype),
          )
        : this.#host.readSync(dataId);
    if (dtype !== "complex64") return { dtype, refCount: 1, values };
    const { real, imag } = backend_util.splitRealAndImagArrays(values as Float32Array);
    const part = (numbers: Float32Array): TensorInfo => {
      const info = { dataId: {}, shape, dtype: "float32" as const };
      this.set(info.dataId, { dtype: "float32", refCount: 1, values: numbers });
      return info;
    };
    return { dtype, refCount: 1, complexTensorInfos: { real: part(real), imag: part(imag) } };
  }
}

/**
 * What kernels of TensorFlow.js's cpu backend take for their backend, for the length of one call: it reads
 * the host's tensors and keeps what kernels make in JavaScript arrays, until `handOver` copies the results
 * into the host's heap. No data id of its own leaves it, and it is garbage afterwards.
 */
export class Guest {
  readonly data: GuestData;
  /** The side of the blocks in which cpu's matMul goes over its operands. */
  readonly blockSize = 48;
  readonly #host: GanvilBackend;

  /** @param rehearsal zeros stand in for values that are not there yet, for the shapes of the results */
  constructor(host: GanvilBackend, inputs: readonly TensorInfo[], rehearsal = false) {
    this.#host = host;
    this.data = new GuestData(host, inputs, rehearsal);
  }

  write(values: BackendValues | undefined, _shape: number[], dtype: DataType): DataId {
    const dataId = {};
    this.data.set(dataId, { dtype, refCount: 1, values });
    return dataId;
  }

  makeTensorInfo(shape: number[], dtype: DataType, values?: BackendValues | string[]): TensorInfo {
    const encoded =
      dtype === "string" && typeof values?.[0] === "string"
        ? (values as string[]).map((text) => util.encodeString(text))
        : (values as BackendValues | undefined);
    return { dataId: this.write(encoded, shape, dtype), shape, dtype };
  }

  makeOutput(values: BackendValues, shape: number[], dtype: DataType): TensorInfo {
    return this.makeTensorInfo(shape, dtype, values);
  }

  readSync(dataId: DataId): BackendValues {
    const { values, dtype, complexTensorInfos: parts } = this.data.get(dataId);
    if (parts !== undefined) {
      return backend_util.mergeRealAndImagArrays(
        this.readSync(parts.real.dataId) as Float32Array,
        this.readSync(parts.imag.dataId) as Float32Array,
      );
    }
    return util.convertBackendValuesAndArrayBuffer(values as BackendValues, dtype);
  }

  bufferSync({ dataId, shape, dtype }: TensorInfo): TensorBuffer<Rank, DataType> {
    const values = this.readSync(dataId);
    const shown =
      dtype === "string" ? (values as Uint8Array[]).map((bytes) => util.decodeString(bytes)) : values;
    return buffer(shape, dtype, shown as DataTypeMap[DataType]);
  }

  incRef(dataId: DataId): void {
    this.data.get(dataId).refCount++;
  }

  decRef(dataId: DataId): void {
    this.data.get(dataId).refCount--;
  }

  disposeData(dataId: DataId): boolean {
    if (!this.data.owns(dataId)) return false;
    const record = this.data.get(dataId);
    record.refCount--;
    return record.refCount <= 0 && this.data.delete(dataId);
  }

  disposeIntermediateTensorInfo({ dataId }: TensorInfo): void {
    this.disposeData(dataId);
  }

  /** A result as a tensor of the host: copied into its heap, or, where a kernel gave back an input, that. */
  handOver({ dataId, shape, dtype }: TensorInfo): TensorInfo {
    if (!this.data.owns(dataId)) {
      this.#host.incRef(dataId);
      return { dataId, shape, dtype };
    }
    const { values, complexTensorInfos } = this.data.get(dataId);
    const all = values ?? (complexTensorInfos === undefined ? null : this.readSync(dataId));
    return { dataId: this.#host.write(all, shape, dtype), shape, dtype };
  }
  /** Copies a result into a tensor of the host that has no memory yet. */
  settle(output: TensorInfo, { dataId }: TensorInfo): void {
    const { residency } = this.#host;
    const record = residency.of(output.dataId);
    const values = this.readSync(dataId) as ArrayLike<number>;
    residency.allocate(record, "wasm");
    residency.view(record).set(values);
  }
}
