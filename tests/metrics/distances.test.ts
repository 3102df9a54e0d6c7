import { memory } from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import type { Features } from "../../src/metrics/features.ts";
import { floor } from "../../src/metrics/floor.ts";
import { frechetDistance } from "../../src/metrics/frechet-distance.ts";
import { kernelDistance } from "../../src/metrics/kernel-distance.ts";
import { dealt, groupOf } from "../../src/metrics/measure.ts";
import { Moments } from "../../src/metrics/moments.ts";
import { useBuild } from "../builds.ts";
import { gaussians, rowsOf } from "./gaussians.ts";

beforeAll(useBuild);

/** Mean of (x·y/d + 1)³ over all pairs, of a set with itself but for each row with itself, in float64. */
function meanKernel(a: Features, b: Features): number {
  let [sum, pairs] = [0, 0];
  for (let i = 0; i < a.count; i++) {
    for (let j = 0; j < b.count; j++) {
      if (a === b && i === j) continue;
      let dot = 0;
      for (let k = 0; k < a.size; k++) dot += a.rows[i * a.size + k] * b.rows[j * b.size + k];
      sum += (dot / a.size + 1) ** 3;
      pairs++;
    }
  }
  return sum / pairs;
}

const squaredMmd = (a: Features, b: Features) => meanKernel(a, a) + meanKernel(b, b) - 2 * meanKernel(a, b);

describe("kernelDistance", () => {
  it("is the unbiased MMD² of all pairs, by float64", async () => {
    const [a, b] = [gaussians("a", 250, 33), gaussians("b", 170, 33, { mean: 0.2 })];
    const before = memory().numTensors;
    const found = await kernelDistance(a, b);
    expect(memory().numTensors).toBe(before);
    expect(found).toMatchObject({ metric: "KID-numbers", samples: 250, real: 170 });
    expect(found.value).toBeCloseTo(squaredMmd(a, b), 6);
  });

  it("has the interval that leaving out each tenth of both sets gives", async () => {
    const [a, b] = [gaussians("a", 63, 8), gaussians("b", 47, 8, { mean: 0.3 })];
    const { value, interval } = await kernelDistance(a, b);
    const kept = (set: Features, i: number, group: number) => {
      const order = dealt(set.count, `kernel distance ${i}`);
      const left = new Set([...order].filter((_, row) => groupOf(row, set.count) === group));
      return rowsOf(set, (row) => !left.has(row));
    };
    const without = Array.from({ length: 10 }, (_, group) =>
      squaredMmd(kept(a, 0, group), kept(b, 1, group)),
    );
    const middle = without.reduce((sum, one) => sum + one) / 10;
    const variance = 0.9 * without.reduce((sum, one) => sum + (one - middle) ** 2, 0);
    expect(interval?.[1]).toBeCloseTo(value + 2.26216 * Math.sqrt(variance), 5);
    expect(interval?.[0]).toBeCloseTo(value - 2.26216 * Math.sqrt(variance), 5);
  });

  it("of subsets is near that of all, and tells sets apart that differ", async () => {
    const [a, b, c] = [
      gaussians("a", 450, 16),
      gaussians("b", 450, 16, { mean: 0.4 }),
      gaussians("c", 450, 16),
    ];
    const [whole, parts] = [await kernelDistance(a, b), await kernelDistance(a, b, { subset: 150 })];
    expect(parts.samples).toBe(450);
    expect(Math.abs(parts.value - whole.value)).toBeLessThan(0.1 * whole.value);
    expect(whole.interval?.[0]).toBeGreaterThan(0.1);
    const same = await kernelDistance(a, c);
    expect(same.interval?.[0]).toBeLessThan(0);
    expect(same.interval?.[1]).toBeGreaterThan(0);
    const half = await floor(a, kernelDistance);
    expect(half.samples + half.real!).toBe(450);
    expect(Math.abs(half.value)).toBeLessThan(0.1);
  });

  it("says what it lacks", async () => {
    const a = gaussians("a", 19, 3);
    await expect(kernelDistance(a, gaussians("b", 40, 3))).rejects.toThrow(
      /KID-numbers: expected at least 20 samples, got 19/,
    );
    await expect(
      kernelDistance(gaussians("b", 40, 3), { ...gaussians("b", 40, 3), name: "others" }),
    ).rejects.toThrow(/by one function, got numbers .* and others/);
  });
});

describe("frechetDistance", () => {
  it("of one number is (m − n)² + (s − t)²", () => {
    const [a, b] = [gaussians("a", 500, 1), gaussians("b", 400, 1, { mean: 2, scale: 3 })];
    const of = ({ rows, count }: Features) => {
      const mean = rows.reduce((sum, value) => sum + value, 0) / count;
      return [mean, Math.sqrt(rows.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1))];
    };
    const [[m, s], [n, t]] = [of(a), of(b)];
    const found = frechetDistance(a, b);
    expect(found.value).toBeCloseTo((m - n) ** 2 + (s - t) ** 2, 8);
    expect(found.interval?.[0]).toBeLessThan(8);
    expect(found.interval?.[1]).toBeGreaterThan(8);
  });

  it("of independent numbers is the sum over them, in the limit of many samples", () => {
    const [a, b] = [gaussians("a", 20_000, 6), gaussians("b", 20_000, 6, { mean: 0.5, scale: 2 })];
    const { metric, value } = frechetDistance(a, b, { interval: false });
    expect(metric).toBe("FD-numbers");
    expect(value).toBeCloseTo(6 * (0.25 + 1), 0);
    expect(Math.abs(value - 7.5)).toBeLessThan(0.15);
    expect(frechetDistance(a, a).value).toBeLessThan(1e-7);
  });

  it("is the same of a stream of batches, however they are cut", () => {
    const [a, b] = [gaussians("a", 301, 12, { mean: 1000 }), gaussians("b", 200, 12, { mean: 1000 })];
    const stream = new Moments(a);
    for (let start = 0; start < a.count; start += 47) {
      stream.add(rowsOf(a, (row) => row >= start && row < start + 47));
    }
    expect(stream.count).toBe(301);
    expect(frechetDistance(stream, Moments.of(b))).toEqual(frechetDistance(a, b));
  });

  it("is computed of as many samples as a covariance needs, or says how many those are", () => {
    expect(() => frechetDistance(gaussians("a", 64, 64), gaussians("b", 100, 64))).toThrow(
      /FD-numbers: expected at least 65 samples, got 64\. .*kernelDistance/,
    );
    expect(frechetDistance(gaussians("a", 65, 64), gaussians("b", 65, 64)).value).toBeGreaterThan(0);
  });
});
