import { type DataId, engine, type Tensor, type TensorInfo } from "@tensorflow/tfjs-core";
import { FlatRegions, type Region } from "../webgpu/memory.ts";
import type { GanvilBackend } from "./backend.ts";
import { gpuBytes, heapBytes, type Place } from "./tensor-record.ts";

/** A tensor of the same values in memory of its own, on the device that they are on. */
export function copyOf(backend: GanvilBackend, tensor: Tensor): Tensor {
  const { residency, jobs } = backend;
  const { shape, dtype, dataId } = tensor;
  residency.checkAlive(tensor);
  const record = residency.of(dataId);
  const copy = backend.makePending(shape, dtype);
  const made = residency.of(copy.dataId);
  const run = () => {
    if (residency.isUntouched(record)) return;
    const device = record.region === undefined ? "wasm" : "webgpu";
    residency.allocate(made, device);
    if (device === "wasm") backend.copyBytes(made.ptr!, backend.ptr(tensor), heapBytes(record));
    else backend.gpu!.queue.copy(record.region!, made.region!, gpuBytes(record));
  };
  if (record.failure !== undefined) throw record.failure;
  if (record.pending === undefined) {
    // Other dtypes than float32 have no zeros that are not there.
    if (residency.isUntouched(record) && dtype !== "float32") residency.allocate(made, "wasm");
    else run();
  } else {
    const source: TensorInfo = { dataId, shape, dtype };
    const held = [source, copy];
    for (const info of held) backend.incRef(info.dataId);
    const release = () => {
      for (const info of held) backend.release(info.dataId);
    };
    jobs.defer([source], [copy], "webgpu", run, release);
  }
  return engine().makeTensorFromTensorInfo(copy);
}

/** Copies a tensor's values to a place of its size. */
export function copyInto(backend: GanvilBackend, place: Place, tensor: Tensor): void {
  const { residency } = backend;
  const record = residency.of(tensor.dataId);
  if (typeof place === "number") {
    backend.copyBytes(place, backend.ptr(tensor), heapBytes(record));
  } else {
    // Where the GPU lacks them they are uploaded straight to the place.
    if (record.region === undefined) residency.uploadTo(place, tensor);
    else backend.gpu!.queue.copy(record.region, place, gpuBytes(record));
  }
}

/** A new tensor with the values at a place. */
export function copyOut(backend: GanvilBackend, place: Place, { shape, dtype }: TensorInfo): Tensor {
  const output = backend.makeOutput(shape, dtype, typeof place === "number" ? "wasm" : "webgpu");
  const record = backend.residency.of(output.dataId);
  if (typeof place === "number") backend.copyBytes(record.ptr!, place, heapBytes(record));
  else backend.gpu!.queue.copy(place, record.region!, gpuBytes(record));
  return engine().makeTensorFromTensorInfo(output);
}

/** Moves a tensor's values out of a captured step's memory. */
export function moveOut({ residency, heap, module }: GanvilBackend, dataId: DataId): void {
  const record = residency.of(dataId);
  if (record.ptr !== undefined) {
    const bytes = heapBytes(record);
    const ptr = heap.alloc(bytes);
    module.kernels.copy(record.ptr, ptr, bytes);
    heap.free(record.ptr);
    record.ptr = ptr;
  }
  if (record.region !== undefined) {
    const { memory, queue } = record.gpu!;
    const region = memory.alloc(gpuBytes(record));
    queue.copy(record.region, region, gpuBytes(record));
    record.region.free();
    record.region = region;
  }
}

/**
 * Lays tensors' values end to end in one buffer, where they are not in one yet and one may be so large. A buffer that
 * was filled in this way is left as a whole or not at all, so that sets which overlap do not take turns.
 */
export function layTogether(
  { residency, executor }: GanvilBackend,
  tensors: readonly Pick<TensorInfo, "dataId">[],
): void {
  const { memory, queue } = residency.gpu!;
  const { recorder } = executor;
  const regions = new Map(tensors.map((tensor) => [residency.of(tensor.dataId), residency.region(tensor)]));
  const all = [...regions.values()];
  if (all.every(({ buffer }) => buffer === all[0].buffer)) return;
  const bytes = [...regions.keys()].map(gpuBytes);
  // What a block takes beyond its values is less than 256 bytes.
  if (bytes.reduce((a, b) => a + b + 256, 0) > memory.largestBytes) return;
  const isLeft = ({ source }: Region) =>
    !(source instanceof FlatRegions) ||
    all.filter((region) => region.source === source).length === source.alive;
  if (!all.every(isLeft) || tensors.some(({ dataId }) => recorder?.made.has(dataId))) return;
  // What was recorded so far reads them where they were.
  if (recorder?.memory !== undefined) recorder.postponed = true;
  const flat = new FlatRegions(memory, bytes);
  for (const [i, [record, region]] of [...regions].entries()) {
    queue.copy(region, flat.regions[i], gpuBytes(record));
    region.free();
    record.region = flat.regions[i];
  }
}
