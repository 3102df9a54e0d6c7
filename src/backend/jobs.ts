import type { BackendValues, DataId, TensorInfo } from "@tensorflow/tfjs-core";
import type { Residency } from "./residency.ts";
import { type DeviceName, gpuBytes, type TensorRecord, valuesFromGpu } from "./tensor-record.ts";

/** What is to be done on the host once the GPU has computed some values. */
interface HostAct {
  readonly values: readonly (() => Promise<ArrayBuffer>)[];
  readonly act: (values: readonly ArrayBuffer[]) => void;
}

/** What cannot be done at once: ops that wait for values on their way from the GPU, and acts on the host. */
export class Jobs {
  readonly #residency: Residency;
  readonly #running = new Set<Promise<void>>();
  #acts: HostAct[] = [];
  #failure: { readonly error: unknown } | undefined;

  readonly #release: (dataId: DataId) => void;

  /** @param release gives up values that were held by their reference count */
  constructor(residency: Residency, release: (dataId: DataId) => void) {
    this.#residency = residency;
    this.#release = release;
  }

  /** True where something is still to come. */
  get any(): boolean {
    return this.#running.size > 0 || this.#acts.length > 0;
  }

  /**
   * Runs an op when its inputs are where it needs them. Until then its outputs, and inputs that it updates, are
   * pending.
   * @param run computes the outputs, which have no memory yet
   * @param release is called at the end, whatever came of it
   */
  defer(
    inputs: readonly TensorInfo[],
    written: readonly TensorInfo[],
    device: DeviceName,
    run: () => void,
    release: () => void,
  ): void {
    const arrivals = inputs.map(({ dataId }) => this.#arrive(this.#residency.of(dataId), dataId, device));
    const records = written.map(({ dataId }) => this.#residency.of(dataId));
    const job = Promise.all(arrivals)
      .then(() => {
        for (const record of records) if (record.pending === job) record.pending = undefined;
        run();
      })
      .catch((error) => {
        for (const record of records) record.failure ??= error;
        this.#failure ??= { error };
      })
      .finally(() => {
        for (const record of records) if (record.pending === job) record.pending = undefined;
        this.#running.delete(job);
        release();
      });
    for (const record of records) record.pending = job;
    this.#running.add(job);
  }

  async #arrive(record: TensorRecord, dataId: DataId, device: DeviceName): Promise<void> {
    while (record.pending !== undefined) await record.pending;
    if (record.failure !== undefined) throw record.failure;
    if (device === "webgpu") return;
    // Again where they were moved on the way.
    while (this.#residency.isOnGpuOnly(record)) await this.#residency.download(dataId);
  }

  /** A tensor's values, once they are computed. */
  async values(dataId: DataId): Promise<BackendValues> {
    const record = this.#residency.of(dataId);
    // They are what was asked for, though the tensor is disposed meanwhile.
    record.refCount++;
    try {
      while (record.pending !== undefined) await record.pending;
      this.#residency.checkAlive({ dataId });
      if (record.failure !== undefined) throw record.failure;
      return this.#residency.isOnGpuOnly(record) ? await fromGpu(record) : this.#residency.values(dataId);
    } finally {
      this.#release(dataId);
    }
  }

  /** Does something on the host, in order, with values that the GPU computes. */
  act(act: HostAct["act"], values: HostAct["values"]): void {
    this.#acts.push({ values, act });
  }

  /** The same with tensors that wait for values themselves. */
  actLater(tensors: readonly TensorInfo[], act: (...values: number[][]) => void): void {
    const records = tensors.map(({ dataId }) => this.#residency.of(dataId));
    for (const record of records) record.refCount++;
    const values: number[][] = [];
    const reading = tensors.map(async ({ dataId }, i) => {
      values[i] = [...((await this.values(dataId)) as Float32Array)];
    });
    const job = Promise.all(reading)
      .then(() => {})
      .catch((error) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#running.delete(job);
        for (const { dataId } of tensors) this.#release(dataId);
      });
    this.#running.add(job);
    this.act(() => act(...values), []);
  }

  /**
   * Everything that was asked for so far is computed, or on the GPU's list, and everything on the host is done, in order.
   * @throws what an act throws (those after it are not done), or DeviceError where the GPU failed
   */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    const acts = this.#acts;
    this.#acts = [];
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure.error;
    const { gpu } = this.#residency;
    if (gpu === undefined) return;
    const buffers = await gpu.finish(acts.flatMap(({ values }) => values));
    let next = 0;
    for (const { values, act } of acts) {
      act(buffers.slice(next, next + values.length));
      next += values.length;
    }
  }

  /** Waits until nothing runs, and forgets what was to be done and what failed. */
  async abandon(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    this.#acts = [];
    this.#failure = undefined;
  }
}

async function fromGpu(record: TensorRecord): Promise<BackendValues> {
  const { gpu, region } = record;
  const [bytes] = await gpu!.finish([gpu!.queue.read(region!, gpuBytes(record))]);
  return valuesFromGpu(record, bytes);
}
