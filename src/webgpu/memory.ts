import { DeviceError } from "../errors.ts";

/** Storage bindings begin at multiples of so many bytes; every block is of whole ones, so that vec4 fits its end. */
export const regionAlignment = 256;

/** Free bytes that are kept for later, at least. */
const keptBytes = 64 * 2 ** 20;

/** Where blocks of GPU memory come from and go back to. */
export interface GpuSource {
  take(bytes: number): Region;
  giveBack(region: Region): void;
}

/** A buffer, and the batch of commands that it was last used in: see GpuQueue. */
export class DeviceBuffer {
  readonly gpu: GPUBuffer;
  usedIn = -1;

  constructor(gpu: GPUBuffer) {
    this.gpu = gpu;
  }
}

/** A block of GPU memory: part of a buffer. */
export class Region {
  readonly buffer: DeviceBuffer;
  readonly offset: number;
  /** A multiple of 256, at least what was asked for. */
  readonly bytes: number;
  readonly source: GpuSource;

  constructor(source: GpuSource, buffer: DeviceBuffer, offset: number, bytes: number) {
    this.source = source;
    this.buffer = buffer;
    this.offset = offset;
    this.bytes = bytes;
  }

  free(): void {
    this.source.giveBack(this);
  }
}

/** Bytes of the block that serves a request: steps of at most an eighth, so that freed blocks fit again. */
export function regionBytes(bytes: number): number {
  const least = Math.max(bytes, 1);
  const step = 2 ** Math.max(0, Math.floor(Math.log2(least)) - 3);
  const rounded = Math.ceil(least / step) * step;
  return Math.ceil(rounded / regionAlignment) * regionAlignment;
}

/** Blocks that were freed, by size. */
class FreeRegions {
  readonly #bySize = new Map<number, Region[]>();
  bytes = 0;

  put(region: Region): void {
    const list = this.#bySize.get(region.bytes);
    if (list === undefined) this.#bySize.set(region.bytes, [region]);
    else list.push(region);
    this.bytes += region.bytes;
  }

  take(bytes: number): Region | undefined {
    const region = this.#bySize.get(bytes)?.pop();
    if (region !== undefined) this.bytes -= region.bytes;
    return region;
  }

  /** The smallest of at least so many bytes and at most `most`. */
  takeFitting(bytes: number, most: number): Region | undefined {
    let best = Number.POSITIVE_INFINITY;
    for (const [size, list] of this.#bySize) {
      if (size >= bytes && size <= most && size < best && list.length > 0) best = size;
    }
    return this.take(best);
  }

  /** Empties it. */
  drain(): Region[] {
    const all = [...this.#bySize.values()].flat();
    this.#bySize.clear();
    this.bytes = 0;
    return all;
  }
}

/**
 * The GPU's memory: a buffer a block, kept for reuse when freed. Commands run in order, so a block may be handed out
 * again while earlier commands on it have yet to run.
 */
export class GpuMemory implements GpuSource {
  readonly #device: GPUDevice;
  readonly #free = new FreeRegions();
  /** Freed and not to be kept: destroyed when no command that is yet to be submitted can name them. */
  #doomed: DeviceBuffer[] = [];
  #arena: GpuArena | undefined;
  #bytesInUse = 0;
  #blocksInUse = 0;
  #peakBytes = 0;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** Most bytes that one block, or one binding, may have. */
  get largestBytes(): number {
    const { maxBufferSize, maxStorageBufferBindingSize } = this.#device.limits;
    return Math.min(maxBufferSize, maxStorageBufferBindingSize);
  }

  get bytesInUse(): number {
    return this.#bytesInUse;
  }

  get blocksInUse(): number {
    return this.#blocksInUse;
  }

  /** Bytes taken from the device, free blocks included. */
  get bytesReserved(): number {
    return this.#bytesInUse + this.#free.bytes;
  }

  /** A block for values, contents undefined; from the arena while a step is captured. */
  alloc(bytes: number): Region {
    return this.#arena === undefined ? this.take(bytes) : this.#arena.take(bytes);
  }

  /** Runs `f` with every block taken from the arena, or from none. */
  within<T>(arena: GpuArena | undefined, f: () => T): T {
    const outer = this.#arena;
    this.#arena = arena;
    try {
      return f();
    } finally {
      this.#arena = outer;
    }
  }

  /** The arena that blocks come from now. */
  get arena(): GpuArena | undefined {
    return this.#arena;
  }

  /** @throws DeviceError `over-limit` for more than the device can bind at once */
  take(bytes: number): Region {
    const size = regionBytes(bytes);
    if (size > this.largestBytes) {
      throw new DeviceError(
        "over-limit",
        `webgpu: a tensor of ${bytes} bytes is larger than the ${this.largestBytes} that this adapter binds at once. Use a smaller batch or resolution, or init({ device: "wasm" }).`,
      );
    }
    const region = this.#free.take(size) ?? this.#create(size);
    this.#bytesInUse += size;
    this.#blocksInUse++;
    this.#peakBytes = Math.max(this.#peakBytes, this.#bytesInUse);
    return region;
  }

  giveBack(region: Region): void {
    this.#bytesInUse -= region.bytes;
    this.#blocksInUse--;
    if (this.#free.bytes + region.bytes > Math.max(keptBytes, this.#peakBytes / 2)) {
      this.discard(region.buffer);
    } else {
      this.#free.put(region);
    }
  }

  /** Destroys a buffer when no command that is yet to be submitted can name it. */
  discard(buffer: DeviceBuffer): void {
    this.#doomed.push(buffer);
  }

  /** Every command so far has been submitted: what is not kept goes back to the device. */
  settle(): void {
    if (this.#doomed.length === 0) return;
    for (const { gpu } of this.#doomed) gpu.destroy();
    this.#doomed = [];
  }

  /** Gives all free memory back to the device, once every command is submitted. */
  release(): void {
    this.settle();
    for (const { buffer } of this.#free.drain()) buffer.gpu.destroy();
    this.#peakBytes = this.#bytesInUse;
  }

  #create(bytes: number): Region {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    return new Region(this, new DeviceBuffer(this.#device.createBuffer({ size: bytes, usage })), 0, bytes);
  }
}

/** Blocks end to end in one buffer, which goes back when the last of them is freed. */
export class FlatRegions implements GpuSource {
  readonly #whole: Region;
  #alive: number;
  readonly regions: readonly Region[];

  /** @param sizes bytes of each block */
  constructor(memory: GpuMemory, sizes: readonly number[]) {
    const padded = sizes.map((bytes) => Math.ceil(Math.max(bytes, 1) / regionAlignment) * regionAlignment);
    this.#whole = memory.take(padded.reduce((a, b) => a + b, 0));
    this.#alive = sizes.length;
    let offset = 0;
    this.regions = padded.map((bytes) => {
      const region = new Region(this, this.#whole.buffer, offset, bytes);
      offset += bytes;
      return region;
    });
  }

  /** The buffer as one block. */
  get whole(): Region {
    return this.#whole;
  }

  /** Blocks that are not freed. */
  get alive(): number {
    return this.#alive;
  }

  take(): Region {
    throw new RangeError("webgpu: a flat buffer is laid out once");
  }

  giveBack(): void {
    if (--this.#alive === 0) this.#whole.free();
  }
}

/**
 * Memory of a captured step: what is allocated in it keeps its place from one replay to the next, and nothing else
 * comes there. Freed blocks serve again within the step, also smaller requests, down to half their size.
 */
export class GpuArena implements GpuSource {
  readonly #memory: GpuMemory;
  readonly #free = new FreeRegions();
  readonly #chunks: Region[] = [];

  constructor(memory: GpuMemory) {
    this.#memory = memory;
  }

  get bytes(): number {
    return this.#chunks.reduce((total, { bytes }) => total + bytes, 0);
  }

  take(bytes: number): Region {
    const size = regionBytes(bytes);
    return this.#free.takeFitting(size, 2 * size) ?? this.#grow(size);
  }

  /** A block that nothing else of the step ever shares: for what is uploaded before a replay's commands run. */
  takeDedicated(bytes: number): Region {
    const region = this.#grow(regionBytes(bytes));
    return new Region({ take: () => region, giveBack: () => {} }, region.buffer, region.offset, region.bytes);
  }

  giveBack(region: Region): void {
    this.#free.put(region);
  }

  #grow(bytes: number): Region {
    const chunk = this.#memory.take(bytes);
    this.#chunks.push(chunk);
    return new Region(this, chunk.buffer, chunk.offset, chunk.bytes);
  }

  dispose(): void {
    this.#free.drain();
    for (const chunk of this.#chunks.splice(0)) chunk.free();
  }
}
