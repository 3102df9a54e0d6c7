import { engine, type Tensor, type TensorInfo, util } from "@tensorflow/tfjs-core";
import type { GanvilBackend } from "./backend.ts";
import { heapBytes, type Place } from "./residency.ts";

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
    else backend.gpu!.queue.copy(record.region!, made.region!, 4 * record.length);
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
    else backend.gpu!.queue.copy(record.region, place, 4 * record.length);
  }
}

/** A new tensor with the values at a place. */
export function copyOut(backend: GanvilBackend, place: Place, { shape, dtype }: TensorInfo): Tensor {
  const output = backend.makeOutput(shape, dtype, typeof place === "number" ? "wasm" : "webgpu");
  const record = backend.residency.of(output.dataId);
  if (typeof place === "number") backend.copyBytes(record.ptr!, place, heapBytes(record));
  else backend.gpu!.queue.copy(place, record.region!, 4 * util.sizeFromShape(shape));
  return engine().makeTensorFromTensorInfo(output);
}
