import { describe, expect, it } from "vitest";
import { deriveKey, permutation, threefry } from "../../src/random.ts";

describe("threefry", () => {
  it.each([
    // Random123's kat_vectors, threefry2x32 with 20 rounds: counter, key, result.
    [0, 0, 0, 0, 0x6b200159, 0x99ba4efe],
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x1cb996fc, 0xbb002be7],
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xc4923a9c, 0x483df7a0],
  ])("gives the published words for counter %i, %i", (c0, c1, k0, k1, r0, r1) => {
    expect(threefry([k0, k1], c0, c1)).toEqual([r0, r1]);
  });
});

describe("deriveKey", () => {
  it("gives a key of its own to each purpose", () => {
    const purposes = [
      [],
      [0],
      ["0"],
      [1],
      [-1],
      [2 ** 32],
      [""],
      ["", ""],
      ["ab"],
      ["a", "b"],
      ["ba"],
      [0, 0],
      ["z", 1],
      ["z", 2],
    ];
    const keys = [7, 8, 2 ** 40, -7].flatMap((seed) => purposes.map((p) => deriveKey(seed, ...p).join()));
    expect(new Set(keys).size).toBe(keys.length);
  });

  it("gives the same key for the same purpose", () => {
    expect(deriveKey(7, "z", 3)).toEqual(deriveKey(7, "z", 3));
  });

  it("rejects numbers that are not safe integers", () => {
    expect(() => deriveKey(0.5)).toThrow("deriveKey: expected safe integers, got 0.5");
    expect(() => deriveKey(1, "z", 2 ** 53)).toThrow(RangeError);
  });
});

/** χ² of counts against equal ones. */
function chiSquare(counts: number[]): number {
  const expected = counts.reduce((a, b) => a + b, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

describe("permutation", () => {
  it("holds every index once", () => {
    for (const n of [0, 1, 2, 3, 17, 1000]) {
      const sorted = permutation(n, deriveKey(3, n)).sort();
      expect([...sorted]).toEqual(Array.from({ length: n }, (_, i) => i));
    }
  });

  it("gives each order of four equally often", () => {
    const counts = new Map<string, number>();
    for (let i = 0; i < 12000; i++) {
      const order = permutation(4, deriveKey(1, "order", i)).join();
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    // 99.99 % quantile of χ² with 23 degrees of freedom.
    expect(chiSquare([...counts.values()])).toBeLessThan(56);
  });

  it("rejects a length that is not a uint32", () => {
    expect(() => permutation(-1, [0, 0])).toThrow("permutation: expected an integer");
  });
});
