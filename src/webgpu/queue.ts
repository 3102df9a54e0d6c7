import type { DeviceBuffer, GpuMemory, Region } from "./memory.ts";
import type { Pipeline } from "./pipelines.ts";

/** A shader call with all that it needs. */
export interface Dispatch {
  readonly pipeline: Pipeline;
  readonly group: GPUBindGroup;
  readonly buffers: readonly DeviceBuffer[];
  readonly workgroups: readonly [number, number, number];
}

/** What has gone to and come from the GPU. */
export interface Traffic {
  dispatches: number;
  submits: number;
  uploads: number;
  uploadedBytes: number;
  reads: number;
  readBytes: number;
}

/** Dispatches that are submitted together at most, so that the GPU works while more are encoded. */
const batchLength = 256;

/** A view of memory that may be shared with threads: `writeBuffer` takes it or not, by platform. */
const isShared = ({ buffer }: ArrayBufferView): boolean =>
  typeof SharedArrayBuffer !== "undefined" && buffer instanceof SharedArrayBuffer;

/** The same bytes in memory that is nobody else's. */
function ownBytes(data: ArrayBufferView): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return new Uint8Array(bytes);
}

/**
 * Commands for the GPU, in order. They are encoded at once where their shaders are compiled; else they wait, and
 * everything after them too, until `flush`.
 */
export class GpuQueue {
  readonly #device: GPUDevice;
  readonly #memory: GpuMemory;
  readonly traffic: Traffic = {
    ...{ dispatches: 0, submits: 0 },
    ...{ uploads: 0, uploadedBytes: 0, reads: 0, readBytes: 0 },
  };
  #encoder: GPUCommandEncoder | undefined;
  #pass: GPUComputePassEncoder | undefined;
  #encoded = 0;
  /** Number of the commands' batch, submitted as one. */
  #batch = 0;
  #waiting: (() => void)[] = [];
  readonly #compiling = new Set<Pipeline>();
  #flushing: Promise<void> | undefined;
  #draining = false;
  /** Called before each submit, when every command of it is encoded. */
  beforeSubmit: (() => void) | undefined;
  /** Called when every command so far has been submitted. */
  afterAll: (() => void) | undefined;
  readonly #staging = new Map<number, GPUBuffer[]>();

  constructor(device: GPUDevice, memory: GpuMemory) {
    this.#device = device;
    this.#memory = memory;
  }

  /** True where commands wait for shaders. */
  get waits(): boolean {
    return this.#waiting.length > 0;
  }

  dispatch(dispatch: Dispatch): void {
    const { pipeline } = dispatch;
    this.traffic.dispatches++;
    if (pipeline.compiled === undefined) this.#compiling.add(pipeline);
    else if (this.#waiting.length === 0) {
      this.#encode(dispatch);
      return;
    }
    this.#waiting.push(() => this.#encode(dispatch));
  }

  /** Copies the first bytes of a block to another. */
  copy(from: Region, to: Region, bytes: number): void {
    const size = Math.ceil(bytes / 4) * 4;
    if (from.buffer !== to.buffer) {
      this.#command(() => this.#copy(from.buffer, from.offset, to.buffer, to.offset, size));
      return;
    }
    // A buffer cannot be copied to itself.
    const between = this.#memory.take(size);
    this.#command(() => {
      this.#copy(from.buffer, from.offset, between.buffer, 0, size);
      this.#copy(between.buffer, 0, to.buffer, to.offset, size);
    });
    between.free();
  }

  /** Sets every byte of a block to 0. */
  clear(region: Region): void {
    this.#command(() => {
      region.buffer.usedIn = this.#batch;
      this.#endPass();
      this.#commands().clearBuffer(region.buffer.gpu, region.offset, region.bytes);
    });
  }

  /** Copies bytes (a multiple of 4) from JavaScript to the beginning of a block. */
  upload(region: Region, data: ArrayBufferView): void {
    this.traffic.uploads++;
    this.traffic.uploadedBytes += data.byteLength;
    if (this.#waiting.length > 0) {
      const kept = ownBytes(data);
      this.#waiting.push(() => this.#upload(region, kept));
    } else {
      this.#upload(region, isShared(data) ? ownBytes(data) : (data as ArrayBufferView<ArrayBuffer>));
    }
  }

  #upload({ buffer, offset }: Region, data: ArrayBufferView<ArrayBuffer>): void {
    // It is done before whatever is submitted later, so what comes first must be submitted now.
    if (buffer.usedIn === this.#batch) this.#submit();
    this.#device.queue.writeBuffer(buffer.gpu, offset, data.buffer, data.byteOffset, data.byteLength);
  }

  /** Does something with the device's own queue once everything so far has been submitted to it. */
  interleave(act: () => void): void {
    this.#command(() => {
      this.#submit();
      act();
    });
  }

  /**
   * The first bytes of a block as they are after every command so far.
   * @returns a function that gives them once `flush` has settled and the GPU is done
   */
  read(region: Region, bytes: number): () => Promise<ArrayBuffer> {
    const size = Math.max(4, Math.ceil(bytes / 4) * 4);
    const staging = this.#takeStaging(size);
    this.traffic.reads++;
    this.traffic.readBytes += bytes;
    this.#command(() => {
      region.buffer.usedIn = this.#batch;
      this.#endPass();
      this.#commands().copyBufferToBuffer(region.buffer.gpu, region.offset, staging, 0, size);
    });
    return async () => {
      await staging.mapAsync(GPUMapMode.READ, 0, size);
      const values = staging.getMappedRange(0, size).slice(0, bytes);
      staging.unmap();
      this.#giveStaging(staging);
      return values;
    };
  }

  /** Submits every command so far, when their shaders are compiled. */
  flush(): Promise<void> {
    if (this.#waiting.length === 0) {
      this.#submit();
      return Promise.resolve();
    }
    this.#flushing ??= this.#flushWaiting().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  async #flushWaiting(): Promise<void> {
    // Compiled ones need no waiting; the others compile side by side.
    while (this.#waiting.length > 0) {
      await Promise.all([...this.#compiling].map(({ ready }) => ready));
      for (const pipeline of this.#compiling) if (pipeline.compiled) this.#compiling.delete(pipeline);
      if (this.#compiling.size > 0) continue;
      const commands = this.#waiting;
      this.#waiting = [];
      this.#draining = true;
      try {
        for (const command of commands) command();
      } finally {
        this.#draining = false;
      }
    }
    this.#submit();
  }

  /** Frees what it keeps for reading. */
  release(): void {
    for (const list of this.#staging.values()) for (const buffer of list) buffer.destroy();
    this.#staging.clear();
  }

  #command(command: () => void): void {
    if (this.#waiting.length > 0) this.#waiting.push(command);
    else command();
  }

  #encode({ pipeline, group, buffers, workgroups }: Dispatch): void {
    for (const buffer of buffers) buffer.usedIn = this.#batch;
    this.#pass ??= this.#commands().beginComputePass();
    this.#pass.setPipeline(pipeline.compiled!);
    this.#pass.setBindGroup(0, group);
    this.#pass.dispatchWorkgroups(workgroups[0], workgroups[1], workgroups[2]);
    if (++this.#encoded >= batchLength) this.#submit();
  }

  #copy(from: DeviceBuffer, fromOffset: number, to: DeviceBuffer, toOffset: number, bytes: number): void {
    from.usedIn = this.#batch;
    to.usedIn = this.#batch;
    this.#endPass();
    this.#commands().copyBufferToBuffer(from.gpu, fromOffset, to.gpu, toOffset, bytes);
  }

  #commands(): GPUCommandEncoder {
    this.#encoder ??= this.#device.createCommandEncoder();
    return this.#encoder;
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = undefined;
  }

  #submit(): void {
    if (this.#encoder !== undefined) {
      this.beforeSubmit?.();
      this.#endPass();
      this.#device.queue.submit([this.#encoder.finish()]);
      this.#encoder = undefined;
      this.#encoded = 0;
      this.#batch++;
      this.traffic.submits++;
    }
    if (this.#waiting.length > 0 || this.#draining) return;
    this.#memory.settle();
    this.afterAll?.();
  }

  #takeStaging(size: number): GPUBuffer {
    const bytes = 2 ** Math.ceil(Math.log2(Math.max(256, size)));
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    return this.#staging.get(bytes)?.pop() ?? this.#device.createBuffer({ size: bytes, usage });
  }

  #giveStaging(buffer: GPUBuffer): void {
    const list = this.#staging.get(buffer.size) ?? [];
    if (list.length >= 16 || buffer.size > 2 ** 24) buffer.destroy();
    else this.#staging.set(buffer.size, [...list, buffer]);
  }
}
