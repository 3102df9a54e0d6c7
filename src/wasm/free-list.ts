export const alignment = 64;

/** Rounds up to a cache line, so that every block is aligned for SIMD and no two share a line. */
export function blockBytes(bytes: number): number {
  return Math.max(alignment, Math.ceil(bytes / alignment) * alignment);
}

/** Size class: four to each power of two. */
function binOf(bytes: number): number {
  const lines = bytes / alignment;
  const power = 31 - Math.clz32(lines);
  return power < 2 ? lines : power * 4 + ((lines >>> (power - 2)) & 3);
}

/** Classes of sizes up to the 4 GiB that addresses reach. */
const binCount = 4 * 27;

/** A stretch of memory, free or taken. */
export class Block {
  ptr: number;
  bytes: number;
  readonly owner: FreeList;
  free = false;
  /** Neighbours in memory. */
  before: Block | undefined;
  after: Block | undefined;
  /** Neighbours among the free blocks of its size class. */
  previousFree: Block | undefined;
  nextFree: Block | undefined;

  constructor(owner: FreeList, ptr: number, bytes: number, before?: Block) {
    this.owner = owner;
    this.ptr = ptr;
    this.bytes = bytes;
    this.before = before;
  }
}

/** Free blocks by size class: best fit within a class, neighbours merged when freed. */
export abstract class FreeList {
  /** First free block of each size class. */
  readonly #bins = new Array<Block | undefined>(binCount).fill(undefined);

  /** A taken block of at least `need` bytes from where there is more memory. */
  protected abstract grow(need: number): Block;

  /** Takes a block of exactly `need` bytes, a multiple of 64. */
  take(need: number): Block {
    const block = this.#tightest(need) ?? this.grow(need);
    if (block.bytes > need) this.#split(block, need);
    block.free = false;
    return block;
  }

  /** Takes a block back, whole with its free neighbours; gives the block that it became. */
  giveBack(given: Block): Block {
    let block = given;
    if (block.after?.free) {
      this.leaveBin(block.after);
      this.#join(block, block.after);
    }
    if (block.before?.free) {
      const { before } = block;
      this.leaveBin(before);
      this.#join(before, block);
      block = before;
    }
    this.#joinBin(block);
    return block;
  }

  /** Takes a free block out of its size class. */
  protected leaveBin(block: Block): void {
    const { previousFree, nextFree } = block;
    if (previousFree) previousFree.nextFree = nextFree;
    else this.#bins[binOf(block.bytes)] = nextFree;
    if (nextFree) nextFree.previousFree = previousFree;
    block.previousFree = undefined;
    block.nextFree = undefined;
  }

  #joinBin(block: Block): void {
    const index = binOf(block.bytes);
    const first = this.#bins[index];
    block.free = true;
    block.nextFree = first;
    if (first) first.previousFree = block;
    this.#bins[index] = block;
  }

  /** Removes and returns a free block of at least `need` bytes: the tightest of its class, else of the next. */
  #tightest(need: number): Block | undefined {
    for (let index = binOf(need); index < binCount; index++) {
      let best: Block | undefined;
      for (let block = this.#bins[index]; block !== undefined; block = block.nextFree) {
        if (block.bytes >= need && (best === undefined || block.bytes < best.bytes)) best = block;
        if (block.bytes === need) break;
      }
      if (best !== undefined) {
        this.leaveBin(best);
        return best;
      }
    }
    return undefined;
  }

  /** Cuts a taken block to `need` bytes; the rest becomes free. */
  #split(block: Block, need: number): void {
    const rest = new Block(this, block.ptr + need, block.bytes - need, block);
    rest.after = block.after;
    if (rest.after) rest.after.before = rest;
    block.after = rest;
    block.bytes = need;
    this.#joinBin(rest);
  }

  #join(block: Block, after: Block): void {
    block.bytes += after.bytes;
    block.after = after.after;
    if (after.after) after.after.before = block;
  }
}
