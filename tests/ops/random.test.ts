import { beforeAll, describe, expect, it } from "vitest";
import { randomNormal, randomUniform } from "../../src/ops/random.ts";
import { deriveKey, type Key, threefry, words } from "../../src/random.ts";
import { useBuild } from "../builds.ts";

beforeAll(useBuild);

const key = deriveKey(42, "test");

async function values(x: { data(): Promise<unknown>; dispose(): void }): Promise<Float32Array> {
  const data = (await x.data()) as Float32Array;
  x.dispose();
  return data;
}

const wordAt = (from: Key, n: number): number => threefry(from, ...words(Math.floor(n / 2)))[n % 2];

function normalAt(n: number): number {
  const [w0, w1] = threefry(key, ...words(Math.floor(n / 2)));
  const u = Math.fround(Math.fround(w0) + 0.5) / 2 ** 32;
  const angle = (2 * Math.PI * w1) / 2 ** 32;
  return Math.sqrt(-2 * Math.log(u)) * (n % 2 === 0 ? Math.cos(angle) : Math.sin(angle));
}

const checksum = (data: Float32Array): number =>
  new Uint32Array(data.buffer).reduce((sum, word) => (Math.imul(sum, 31) + word) >>> 0, 0);

/** Largest distance between a sample's distribution and `cdf` (Kolmogorov and Smirnov), times √n. */
function kolmogorov(sample: Float32Array, cdf: (x: number) => number): number {
  const n = sample.length;
  const distance = [...sample.toSorted()].reduce((most, x, i) => {
    const at = cdf(x);
    return Math.max(most, (i + 1) / n - at, at - i / n);
  }, 0);
  return distance * Math.sqrt(n);
}

/** Standard normal distribution: series near zero, continued fraction in the tails. */
function normalCdf(x: number): number {
  const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
  if (Math.abs(x) < 4) {
    let term = x;
    let sum = x;
    for (let k = 1; k < 100; k++) {
      term *= (x * x) / (2 * k + 1);
      sum += term;
    }
    return 0.5 + density * sum;
  }
  let fraction = 0;
  for (let k = 50; k > 0; k--) fraction = k / (Math.abs(x) + fraction);
  const tail = density / (Math.abs(x) + fraction);
  return x < 0 ? tail : 1 - tail;
}

describe("randomUniform", () => {
  it.each([0, 1, 7, 2 ** 33 - 5, 2 ** 40 + 3])(
    "is Threefry's words from offset %d on, bit for bit",
    async (offset) => {
      for (const n of [0, 1, 2, 7, 8, 9, 17]) {
        const data = await values(randomUniform([n], { key, low: -1, high: 1, offset }));
        expect([...data]).toEqual(
          Array.from({ length: n }, (_, i) => (wordAt(key, offset + i) >>> 8) / 2 ** 23 - 1),
        );
      }
    },
  );

  it("has the mean, variance and distribution of a uniform variable", async () => {
    const data = await values(randomUniform([100_000], { key }));
    const mean = data.reduce((a, b) => a + b, 0) / data.length;
    const variance = data.reduce((a, b) => a + (b - mean) ** 2, 0) / data.length;
    // Five standard errors.
    expect(Math.abs(mean - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / 1e5));
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(5 * Math.sqrt(1 / 180 / 1e5));
    // The 99.99 % quantile is 2.23.
    expect(kolmogorov(data, (x) => x)).toBeLessThan(2.23);
  });

  it("rejects a key or an offset of another kind", () => {
    expect(() => randomUniform([2], { key: [0.5, 1] })).toThrow("expected a key of two uint32");
    expect(() => randomUniform([2], { key, offset: -1 })).toThrow("expected offset");
  });
});

describe("randomNormal", () => {
  it("equals the transform in float64 to 1e-6", async () => {
    const data = await values(randomNormal([4099], { key }));
    for (const [i, z] of data.entries()) {
      const expected = normalAt(i);
      expect(Math.abs(z - expected) / (1 + Math.abs(expected)), `element ${i}`).toBeLessThan(1e-6);
    }
  });

  it("gives the same bits in every build", async () => {
    expect(checksum(await values(randomNormal([4099], { key, mean: 0.1, std: 1.3 })))).toBe(4105319265);
  });

  it("goes on at an offset where a longer draw would", async () => {
    const all = await values(randomNormal([40], { key, mean: 3, std: 2 }));
    for (const offset of [1, 2, 5, 8, 23]) {
      const part = await values(randomNormal([17], { key, mean: 3, std: 2, offset }));
      expect([...part]).toEqual([...all.subarray(offset, offset + 17)]);
    }
  });

  it("has the mean, variance and distribution of a normal variable", async () => {
    const data = await values(randomNormal([100_000], { key }));
    const mean = data.reduce((a, b) => a + b, 0) / data.length;
    const variance = data.reduce((a, b) => a + (b - mean) ** 2, 0) / data.length;
    expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(1e5));
    expect(Math.abs(variance - 1)).toBeLessThan(5 * Math.sqrt(2 / 1e5));
    expect(kolmogorov(data, normalCdf)).toBeLessThan(2.23);
  });

  it("has no correlation between the two elements of a counter", async () => {
    const data = await values(randomNormal([100_000], { key }));
    let product = 0;
    let squares = 0;
    for (let i = 0; i < data.length; i += 2) {
      product += data[i] * data[i + 1];
      squares += (data[i] ** 2 - 1) * (data[i + 1] ** 2 - 1);
    }
    const pairs = data.length / 2;
    expect(Math.abs(product / pairs)).toBeLessThan(5 / Math.sqrt(pairs));
    expect(Math.abs(squares / pairs)).toBeLessThan((5 * 2) / Math.sqrt(pairs));
  });
});
