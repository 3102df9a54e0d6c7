import { alignment, Block, FreeList } from "./free-list.ts";

/**
 * Memory of a captured step: what is allocated in it keeps its place from one replay to the next, and nothing
 * else comes there. Freed blocks serve again within the step.
 */
export class Arena extends FreeList {
  readonly #source: FreeList;
  readonly #chunkBytes: number;
  readonly #chunks: Block[] = [];

  /** @param chunkBytes how much memory to take from `source` at a time, at least */
  constructor(source: FreeList, chunkBytes: number) {
    super();
    this.#source = source;
    this.#chunkBytes = Math.ceil(chunkBytes / alignment) * alignment;
  }

  /** Bytes taken from the source. */
  get bytes(): number {
    return this.#chunks.reduce((total, { bytes }) => total + bytes, 0);
  }

  protected grow(need: number): Block {
    // Gaps between blocks ask for little more: small pieces, so that hardly any of it lies idle.
    const wanted = this.#chunks.length === 0 ? this.#chunkBytes : this.#chunkBytes / 64;
    const chunk = this.#source.take(Math.max(need, Math.ceil(wanted / alignment) * alignment));
    this.#chunks.push(chunk);
    return new Block(this, chunk.ptr, chunk.bytes);
  }

  /** Gives all memory back to the source. */
  dispose(): void {
    for (const chunk of this.#chunks.splice(0)) this.#source.giveBack(chunk);
  }
}
