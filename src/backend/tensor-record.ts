import type { DataType } from "@tensorflow/tfjs-core";
import type { Gpu } from "../webgpu/gpu.ts";
import type { Region } from "../webgpu/memory.ts";

/** Where kernels run, and where a tensor's values can be. */
export type DeviceName = "wasm" | "webgpu";

/** Where values lie: an address in the Wasm heap, or a block of the GPU's memory. */
export type Place = number | Region;

/** Where a tensor's values are, and how many tensors share them. */
export interface TensorRecord {
  readonly dtype: DataType;
  readonly length: number;
  refCount: number;
  /**
   * Address in the Wasm heap, and block on the GPU: both where both have the values. Neither: they are zeros that
   * nobody has looked at, or pending. Strings have none.
   */
  ptr?: number;
  region?: Region;
  /** The device of `region`. */
  gpu?: Gpu;
  /** Settles when an op that waits for its inputs has computed them. */
  pending?: Promise<void>;
  /** On the way from the GPU to the heap. */
  arriving?: Promise<void>;
  /** Why they could not be computed. */
  failure?: unknown;
  /** How often it was updated in place. */
  writes: number;
  /** Written by JavaScript within a captured step, and by nothing else. */
  constant?: boolean;
  readonly strings?: Uint8Array[];
}

/** complex64 holds pairs, the real part first. */
export const bytesPer: Partial<Record<DataType, number>> = { float32: 4, int32: 4, bool: 1, complex64: 8 };

/** Values as the heap has them: bool as bytes, complex64 as pairs. */
export type HeapValues = Float32Array | Int32Array | Uint8Array;

/** Bytes of a tensor's values in the heap. */
export const heapBytes = ({ dtype, length }: Pick<TensorRecord, "dtype" | "length">): number =>
  length * (bytesPer[dtype] ?? 0);

/** Bytes of a tensor's values on the GPU. */
export const gpuBytes = (record: Pick<TensorRecord, "dtype" | "length">): number =>
  record.dtype === "bool" ? 4 * record.length : heapBytes(record);

/** Values from the GPU as the heap has them. */
export function valuesFromGpu({ dtype }: Pick<TensorRecord, "dtype">, bytes: ArrayBuffer): HeapValues {
  if (dtype === "float32" || dtype === "complex64") return new Float32Array(bytes);
  const words = new Int32Array(bytes);
  return dtype === "bool" ? Uint8Array.from(words) : words;
}
