import { check, DeviceError } from "../errors.ts";
import type { Arena } from "./arena.ts";
import { Block, blockBytes, FreeList } from "./free-list.ts";

const pageBytes = 65536;

/** The first page holds the module's constants and, below them, the integer arguments of one call. */
const heapStart = pageBytes;
const argumentsStart = 1024;
const argumentsEnd = 8192;

/**
 * Allocator over one Wasm memory, which is grown when nothing fits. Views of the memory are made afresh where
 * it grew: never keep one across an allocation.
 */
export class Heap extends FreeList {
  readonly memory: WebAssembly.Memory;
  readonly #used = new Map<number, Block>();
  /** Where blocks come from while a step is captured. */
  #arena: Arena | undefined;
  /** The block before the end of what was handed out, or one that was and has been cut since. */
  #last: Block | undefined;
  #end = heapStart;
  #bytesInUse = 0;
  #peakBytes = 0;
  #argument = argumentsStart;
  #u8!: Uint8Array;
  #i32!: Int32Array;
  #f32!: Float32Array;

  constructor(memory: WebAssembly.Memory) {
    super();
    this.memory = memory;
    this.#view();
  }

  /** Bytes in blocks that are allocated now (rounded to 64 each), and in arenas. */
  get bytesInUse(): number {
    return this.#bytesInUse;
  }

  /** The most that `bytesInUse` has been since `resetPeak`. */
  get peakBytes(): number {
    return this.#peakBytes;
  }

  /** Measures `peakBytes` from here on. */
  resetPeak(): void {
    this.#peakBytes = this.#bytesInUse;
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
    const block = this.#arena === undefined ? this.take(need) : this.#arena.take(need);
    this.#used.set(block.ptr, block);
    return block.ptr;
  }

  /** Gives a block back to where it came from. */
  free(ptr: number): void {
    const block = this.#used.get(ptr);
    if (block === undefined) throw new RangeError(`heap: no block at ${ptr}; was it freed twice?`);
    this.#used.delete(ptr);
    block.owner.giveBack(block);
  }

  override take(need: number): Block {
    const block = super.take(need);
    this.#bytesInUse += block.bytes;
    if (this.#bytesInUse > this.#peakBytes) this.#peakBytes = this.#bytesInUse;
    return block;
  }

  override giveBack(given: Block): Block {
    this.#bytesInUse -= given.bytes;
    const block = super.giveBack(given);
    if (block.after === undefined) this.#last = block;
    return block;
  }

  /** Runs `f` with every block that it allocates taken from the arena, or from none. */
  within<T>(arena: Arena | undefined, f: () => T): T {
    const outer = this.#arena;
    this.#arena = arena;
    try {
      return f();
    } finally {
      this.#arena = outer;
    }
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

  protected grow(need: number): Block {
    while (this.#last?.after) this.#last = this.#last.after;
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
      this.leaveBin(tail);
      this.#end += need - tail.bytes;
      tail.bytes = need;
      return tail;
    }
    const block = new Block(this, this.#end, need, this.#last);
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
}
