import { describe, expect, it } from "vitest";
import { Arena } from "../../src/wasm/arena.ts";
import { Heap } from "../../src/wasm/heap.ts";

const heapOf = (): Heap => new Heap(new WebAssembly.Memory({ initial: 1, maximum: 65536 }));

describe("arena", () => {
  it("gives what is allocated within it from its own memory, and takes it back there", () => {
    const heap = heapOf();
    const outside = heap.alloc(1000);
    const arena = new Arena(heap, 4096);
    const first = heap.within(arena, () => heap.alloc(1000));
    heap.free(first);
    // The freed block serves again within the arena, and only there.
    const other = heap.alloc(1000);
    expect(other).not.toBe(first);
    expect(heap.within(arena, () => heap.alloc(1000))).toBe(first);
    expect(arena.bytes).toBe(4096);
    heap.free(outside);
    heap.free(other);
  });

  it("frees within it what was allocated outside, and outside what was allocated within", () => {
    const heap = heapOf();
    const arena = new Arena(heap, 4096);
    const outside = heap.alloc(640);
    const inside = heap.within(arena, () => heap.alloc(640));
    heap.within(arena, () => heap.free(outside));
    heap.free(inside);
    expect(heap.alloc(640)).toBe(outside);
    expect(heap.within(arena, () => heap.alloc(640))).toBe(inside);
  });

  it("takes more memory where its first does not do, and gives all of it back", () => {
    const heap = heapOf();
    const before = heap.bytesInUse;
    const arena = new Arena(heap, 1024);
    const ptrs = heap.within(arena, () => [512, 4096, 70_000, 64].map((bytes) => heap.alloc(bytes)));
    expect(new Set(ptrs).size).toBe(4);
    expect(heap.bytesInUse - before).toBe(arena.bytes);
    expect(heap.peakBytes).toBe(heap.bytesInUse);
    for (const ptr of ptrs) heap.free(ptr);
    arena.dispose();
    expect(heap.bytesInUse).toBe(before);
    expect(arena.bytes).toBe(0);
  });

  it("goes back to the heap, or to the arena around it, where its function ends or throws", () => {
    const heap = heapOf();
    const [outer, inner] = [new Arena(heap, 4096), new Arena(heap, 4096)];
    heap.within(outer, () => {
      expect(() =>
        heap.within(inner, () => {
          throw new Error("inner");
        }),
      ).toThrow("inner");
      const ptr = heap.alloc(64);
      heap.free(ptr);
      expect(heap.within(outer, () => heap.alloc(64))).toBe(ptr);
    });
  });
});
