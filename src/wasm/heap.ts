import { check, DeviceError } from "../errors.ts";

const pageBytes = 65536;
const alignment = 64;

/** The first page holds the module's constants and, below them, the integer arguments of one call. */
const heapStart = pageBytes;
const argumentsStart = 1024;
const argumentsEnd = 8192;

/** Rounds up to a cache line, so that every block is aligned for SIMD and no two share a line. */
function blockBytes(bytes: number): number {
  return Math.max(alignment, Math.ceil(bytes / alignment) * alignment);
}

/** Size class: four to each power of two. */
function binOf(bytes: number): number {
  const lines = bytes / alignment;
  const power = 31 - Math.clz32(lines);
  return power < 2 ? lines : power * 4 + ((lines >>> (power - 2)) & 3);
}

interface Block {
  ptr: number;
  bytes: number;
  free: boolean;
  /** Neighbours in memory. */
  before: Block | undefined;
  after: Block | undefined;
  /** Neighbours among the free blocks of its size class. */
  previousFree: Block | undefined;
  nextFree: Block | undefined;
}

function newBlock(ptr: number, bytes: number, before: Block | undefined, after: Block | undefined): Block {
  return { ptr, bytes, free: false, before, after, previousFree: undefined, nextFree: undefined };
}

/** Classes of sizes up to the 4 GiB that addresses reach. */
const binCount = 4 * 27;

/**
 * Allocator over one Wasm memory: best fit within size classes, neighbours merged when freed, the memory
 * grown when nothing fits. Views of the memory are made afresh where it grew: never keep one across an
 * allocation.
 */
export class Heap {
  readonly memory: WebAssembly.Memory;
  /** First free block of each size class. */
  readonly #bins = new Array<Block | undefined>(binCount).fill(undefined);
  readonly #used = new Map<number, Block>();
  #last: Block | undefined;
  #end = heapStart;
  #bytesInUse = 0;
  #argument = argumentsStart;
  #u8!: Uint8Array;
  #i32!: Int32Array;
  #f32!: Float32Array;

  constructor(memory: WebAssembly.Memory) {
    this.memory = memory;
    this.#view();
  }

  /** Bytes in blocks that are allocated now (rounded to 64 each). */
  get bytesInUse(): number {
    return this.#bytesInUse;
  }

  /** Bytes of memory taken from the engine; it never shrinks. */
  get bytesReserved(): number {
    return this.memory.buffer.byteLength;
  }

  /** Number of blocks allocated now. */
  get blocksInUse(): number {
    return this.#used.size;
  }

  /**
   * A block of at least `bytes`, 64-byte aligned, contents undefined.
   * @throws DeviceError `out-of-memory` when the memory cannot grow; the heap is as before then.
   */
  alloc(bytes: number): number {
    check(bytes >= 0, () => `heap: expected a number of bytes of at least 0, got ${bytes}`);
    const need = blockBytes(bytes);
    const block = this.#take(need) ?? this.#grow(need);
    if (block.bytes > need) this.#split(block, need);
    block.free = false;
    this.#used.set(block.ptr, block);
    this.#bytesInUse += block.bytes;
    return block.ptr;
  }

  /** Gives a block back. */
  free(ptr: number): void {
    let block = this.#used.get(ptr);
    if (block === undefined) throw new RangeError(`heap: no block at ${ptr}; was it freed twice?`);
    this.#used.delete(ptr);
    this.#bytesInUse -= block.bytes;
    if (block.after?.free) this.#merge(block, block.after);
    if (block.before?.free) {
      const before = block.before;
      this.#leaveBin(before);
      this.#join(before, block);
      block = before;
    }
    this.#joinBin(block);
  }

  /** Bytes at `ptr` as a view; it dies with the next allocation. */
  u8(ptr: number, length: number): Uint8Array {
    return this.#u8.subarray(ptr, ptr + length);
  }

  /** int32 values at `ptr` as a view; it dies with the next allocation. */
  i32(ptr: number, length: number): Int32Array {
    return this.#i32.subarray(ptr >>> 2, (ptr >>> 2) + length);
  }

  /** float32 values at `ptr` as a view; it dies with the next allocation. */
  f32(ptr: number, length: number): Float32Array {
    return this.#f32.subarray(ptr >>> 2, (ptr >>> 2) + length);
  }

  /**
   * Writes integer arguments of the call being prepared, such as shapes and strides; returns their address, or
   * undefined where they do not fit.
   */
  argumentInts(values: ArrayLike<number>): number | undefined {
    const ptr = this.#argument;
    if (ptr + values.length * 4 > argumentsEnd) return undefined;
    // Element by element: for a handful, making a view to set costs more than the values.
    for (let i = 0; i < values.length; i++) this.#i32[(ptr >>> 2) + i] = values[i];
    this.#argument = ptr + values.length * 4;
    return ptr;
  }

  /** Forgets the integer arguments of the previous call. */
  resetArguments(): void {
    this.#argument = argumentsStart;
  }

  #joinBin(block: Block): void {
    const index = binOf(block.bytes);
    const first = this.#bins[index];
    block.free = true;
    block.nextFree = first;
    if (first) first.previousFree = block;
    this.#bins[index] = block;
  }

  #leaveBin(block: Block): void {
    const { previousFree, nextFree } = block;
    if (previousFree) previousFree.nextFree = nextFree;
    else this.#bins[binOf(block.bytes)] = nextFree;
    if (nextFree) nextFree.previousFree = previousFree;
    block.previousFree = undefined;
    block.nextFree = undefined;
  }

  /** Removes and returns a free block of at least `need` bytes: the tightest of its class, else of the next. */
  #take(need: number): Block | undefined {
    for (let index = binOf(need); index < binCount; index++) {
      let best: Block | undefined;
      for (let block = this.#bins[index]; block !== undefined; block = block.nextFree) {
        if (block.bytes >= need && (best === undefined || block.bytes < best.bytes)) best = block;
        if (block.bytes === need) break;
      }
      if (best !== undefined) {
        this.#leaveBin(best);
        return best;
      }
    }
    return undefined;
  }

  #grow(need: number): Block {
    const tail = this.#last?.free ? this.#last : undefined;
    const reserved = this.memory.buffer.byteLength;
    const wanted = this.#end + need - (tail?.bytes ?? 0);
    if (wanted > reserved) {
      const pages = Math.ceil((wanted - reserved) / pageBytes);
      // An eighth more than there is, so that a growing program does not detach its views at each step.
      const spare = Math.floor(reserved / pageBytes / 8);
      if (!this.#reserve(pages + spare) && !this.#reserve(pages)) {
        throw new DeviceError(
          "out-of-memory",
          `the Wasm heap cannot grow from ${reserved} bytes by ${wanted - reserved}: ${this.#bytesInUse} are in use. Use a smaller batch or resolution, or dispose tensors (tf.tidy).`,
        );
      }
    }
    if (tail) {
      this.#leaveBin(tail);
      this.#end += need - tail.bytes;
      tail.bytes = need;
      return tail;
    }
    const block = newBlock(this.#end, need, this.#last, undefined);
    if (this.#last) this.#last.after = block;
    this.#last = block;
    this.#end += need;
    return block;
  }

  /** Takes pages from the engine; false when it refuses. */
  #reserve(pages: number): boolean {
    try {
      this.memory.grow(pages);
    } catch {
      return false;
    }
    this.#view();
    return true;
  }

  /** Makes the views afresh: those of before the memory grew are empty, or, where it is shared, too short. */
  #view(): void {
    this.#u8 = new Uint8Array(this.memory.buffer);
    this.#i32 = new Int32Array(this.memory.buffer);
    this.#f32 = new Float32Array(this.memory.buffer);
  }

  /** Cuts a taken block to `need` bytes; the rest becomes free. */
  #split(block: Block, need: number): void {
    const rest = newBlock(block.ptr + need, block.bytes - need, block, block.after);
    if (rest.after) rest.after.before = rest;
    else this.#last = rest;
    block.after = rest;
    block.bytes = need;
    this.#joinBin(rest);
  }

  #merge(block: Block, after: Block): void {
    this.#leaveBin(after);
    this.#join(block, after);
  }

  #join(block: Block, after: Block): void {
    block.bytes += after.bytes;
    block.after = after.after;
    if (after.after) after.after.before = block;
    else this.#last = block;
  }
}
