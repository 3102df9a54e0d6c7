import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DeviceError } from "../../src/errors.ts";
import { Heap } from "../../src/wasm/heap.ts";

const page = 65536;
const heapOf = (maximum = 65536): Heap => new Heap(new WebAssembly.Memory({ initial: 1, maximum }));
const rounded = (bytes: number): number => Math.max(64, Math.ceil(bytes / 64) * 64);

describe("heap", () => {
  it("gives blocks aligned to 64 bytes, above the module's constants", () => {
    const heap = heapOf();
    for (const bytes of [1, 63, 64, 65, 1000, 70_000]) {
      const ptr = heap.alloc(bytes);
      expect(ptr % 64).toBe(0);
      expect(ptr).toBeGreaterThanOrEqual(page);
    }
  });

  it("gives zero bytes a place of its own", () => {
    const heap = heapOf();
    const [a, b] = [heap.alloc(0), heap.alloc(0)];
    expect(a).not.toBe(b);
    expect(heap.bytesInUse).toBe(128);
    heap.free(a);
    heap.free(b);
    expect(heap.bytesInUse).toBe(0);
  });

  it("refuses sizes that are none", () => {
    const heap = heapOf();
    for (const bytes of [-1, Number.NaN]) {
      expect(() => heap.alloc(bytes)).toThrow(`at least 0, got ${bytes}`);
    }
    expect(heap.blocksInUse).toBe(0);
  });

  it("reuses a freed block, the tightest that fits", () => {
    const heap = heapOf();
    const [large, , small] = [heap.alloc(2048), heap.alloc(64), heap.alloc(1024), heap.alloc(64)];
    heap.free(large);
    heap.free(small);
    expect(heap.alloc(1000)).toBe(small);
    expect(heap.alloc(1000)).toBe(large);
  });

  it.each([
    [0, 1, 2],
    [2, 1, 0],
    [0, 2, 1],
    [1, 2, 0],
  ])("merges neighbours freed in the order %i, %i, %i", (...order) => {
    const heap = heapOf();
    const blocks = [heap.alloc(320), heap.alloc(320), heap.alloc(320)];
    heap.alloc(64);
    for (const i of order) heap.free(blocks[i]);
    expect(heap.alloc(960)).toBe(blocks[0]);
  });

  it("grows the last free block instead of leaving it behind", () => {
    const heap = heapOf();
    const first = heap.alloc(640);
    heap.free(first);
    expect(heap.alloc(4 * page)).toBe(first);
    expect(heap.bytesInUse).toBe(4 * page);
  });

  it("keeps contents when the memory grows, and makes its views afresh", () => {
    const heap = heapOf();
    const ptr = heap.alloc(12);
    heap.f32(ptr, 3).set([1.5, -2, 3]);
    const stale = heap.f32(ptr, 3);
    heap.alloc(100 * page);
    expect(stale.length).toBe(0);
    expect([...heap.f32(ptr, 3)]).toEqual([1.5, -2, 3]);
    expect([...heap.i32(ptr, 1)]).toEqual([0x3fc00000]);
    expect([...heap.u8(ptr, 4)]).toEqual([0, 0, 0xc0, 0x3f]);
  });

  it("says so when a block is freed twice, or was never given", () => {
    const heap = heapOf();
    const ptr = heap.alloc(64);
    heap.free(ptr);
    expect(() => heap.free(ptr)).toThrow(`no block at ${ptr}; was it freed twice?`);
    expect(() => heap.free(4711)).toThrow("no block at 4711");
    expect(heap.bytesInUse).toBe(0);
  });

  it("never overlaps live blocks, counts them exactly, and loses nothing, whatever the order", () => {
    const action = fc.record({
      bytes: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 200_000 })),
      // Which live block to free; above 1: allocate instead.
      free: fc.double({ min: 0, max: 2, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 120 }), (actions) => {
        const heap = heapOf();
        const live: { ptr: number; bytes: number; mark: number }[] = [];
        let expected = 0;
        let extent = page;
        const release = (index: number) => {
          const [{ ptr, bytes, mark }] = live.splice(index, 1);
          // Its own mark at both ends: no other block was written over it.
          if (bytes > 0) {
            expect([heap.u8(ptr, bytes)[0], heap.u8(ptr, bytes)[bytes - 1]]).toEqual([mark, mark]);
          }
          heap.free(ptr);
          expected -= rounded(bytes);
        };
        for (const [i, { bytes, free }] of actions.entries()) {
          if (free < 1 && live.length > 0) release(Math.floor(free * live.length));
          else {
            const ptr = heap.alloc(bytes);
            const mark = i % 251;
            heap.u8(ptr, bytes).fill(mark);
            live.push({ ptr, bytes, mark });
            expected += rounded(bytes);
            extent = Math.max(extent, ptr + rounded(bytes));
          }
          expect(heap.bytesInUse).toBe(expected);
          expect(heap.blocksInUse).toBe(live.length);
        }
        const byAddress = live.toSorted((a, b) => a.ptr - b.ptr);
        for (let i = 1; i < byAddress.length; i++) {
          const before = byAddress[i - 1];
          expect(byAddress[i].ptr).toBeGreaterThanOrEqual(before.ptr + rounded(before.bytes));
        }
        while (live.length > 0) release(live.length - 1);
        expect(heap.bytesInUse).toBe(0);
        const reserved = heap.bytesReserved;
        if (extent > page) expect(heap.alloc(extent - page)).toBe(page);
        expect(heap.bytesReserved).toBe(reserved);
      }),
      { numRuns: 60 },
    );
  });
});

describe("a heap whose memory is at its end", () => {
  it("says how much was missing and what to do, and stays usable", () => {
    const heap = heapOf(4);
    const kept = heap.alloc(page);
    let error: unknown;
    try {
      heap.alloc(3 * page);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(DeviceError);
    expect(error).toMatchObject({ code: "out-of-memory" });
    expect(String(error)).toMatch(/cannot grow from 131072 bytes by 196608: 65536 are in use.*smaller batch/);
    expect(heap.bytesInUse).toBe(page);
    const other = heap.alloc(2 * page);
    heap.free(kept);
    heap.free(other);
    expect(heap.alloc(3 * page)).toBe(page);
  });

  it("takes the bare need where there is no room to spare", () => {
    const heap = heapOf(20);
    heap.alloc(15 * page);
    // An eighth of the 16 pages beyond these 4 would be one too many.
    heap.alloc(4 * page);
    expect(heap.bytesReserved).toBe(20 * page);
  });

  it("refuses what 32 bits cannot address", () => {
    const heap = heapOf();
    for (const bytes of [2 ** 32, 2 ** 38, 1e15, Number.POSITIVE_INFINITY]) {
      expect(() => heap.alloc(bytes)).toThrow(DeviceError);
    }
    expect(heap.alloc(64)).toBe(page);
  });
});
