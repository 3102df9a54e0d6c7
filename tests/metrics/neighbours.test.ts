import { beforeAll, describe, expect, it } from "vitest";
import type { Features } from "../../src/metrics/features.ts";
import { dealt, groupOf } from "../../src/metrics/measure.ts";
import { memorization } from "../../src/metrics/memorization.ts";
import { densityCoverage, precisionRecall } from "../../src/metrics/neighbours.ts";
import { useBuild } from "../builds.ts";
import { gaussians, rowsOf, squared } from "./gaussians.ts";

beforeAll(useBuild);

/** All four by their definitions, in float64. */
function bruteForce(samples: Features, real: Features, k: number) {
  const radii = (set: Features) =>
    Array.from(
      { length: set.count },
      (_, i) =>
        Float64Array.from({ length: set.count }, (_, j) =>
          i === j ? Infinity : squared(set, i, set, j),
        ).toSorted()[k - 1],
    );
  const [samplesRadii, realRadii] = [radii(samples), radii(real)];
  const [sampleIn, realIn, ballHit] = [new Set<number>(), new Set<number>(), new Set<number>()];
  let pairs = 0;
  for (let i = 0; i < samples.count; i++) {
    for (let j = 0; j < real.count; j++) {
      const distance = squared(samples, i, real, j);
      if (distance <= samplesRadii[i]) realIn.add(j);
      if (distance > realRadii[j]) continue;
      pairs++;
      sampleIn.add(i);
      ballHit.add(j);
    }
  }
  return {
    precision: sampleIn.size / samples.count,
    recall: realIn.size / real.count,
    density: pairs / (k * samples.count),
    coverage: ballHit.size / real.count,
  };
}

type Name = keyof ReturnType<typeof bruteForce>;

async function computed(samples: Features, real: Features, k: number) {
  return {
    ...(await precisionRecall(samples, real, { k })),
    ...(await densityCoverage(samples, real, { k })),
  };
}

describe("precision, recall, density and coverage", () => {
  it("are those of their definitions, by float64, of 600 samples of 64 numbers", async () => {
    const [a, b] = [gaussians("a", 600, 64), gaussians("b", 600, 64, { scale: 1.05 })];
    const [found, expected] = [await computed(a, b, 5), bruteForce(a, b, 5)];
    for (const name of Object.keys(expected) as Name[]) {
      expect(found[name].metric).toBe(`${name}-numbers`);
      // One pair more or less, where two distances differ by less than float32 tells.
      expect(Math.abs(found[name].value - expected[name])).toBeLessThan(0.0017);
    }
  });

  it("have the intervals that leaving out each tenth of both sets gives", async () => {
    const [a, b] = [gaussians("a", 71, 4), gaussians("b", 58, 4, { mean: 0.3 })];
    const found = await computed(a, b, 3);
    const kept = (set: Features, i: number, group: number) => {
      const left = new Set(
        [...dealt(set.count, `neighbours ${i}`)].filter((_, row) => groupOf(row, set.count) === group),
      );
      return rowsOf(set, (row) => !left.has(row));
    };
    const without = Array.from({ length: 10 }, (_, group) =>
      bruteForce(kept(a, 0, group), kept(b, 1, group), 3),
    );
    for (const name of Object.keys(without[0]) as Name[]) {
      const middle = without.reduce((sum, one) => sum + one[name], 0) / 10;
      const variance = 0.9 * without.reduce((sum, one) => sum + (one[name] - middle) ** 2, 0);
      const { value, interval } = found[name];
      const most = name === "density" ? Infinity : 1;
      expect(interval?.[0]).toBeCloseTo(Math.max(0, value - 2.26216 * Math.sqrt(variance)), 4);
      expect(interval?.[1]).toBeCloseTo(Math.min(most, value + 2.26216 * Math.sqrt(variance)), 4);
    }
  });

  it("tell apart a lost mode and samples that are nowhere real", async () => {
    const real = gaussians("real", 300, 2);
    const right = rowsOf(gaussians("samples", 600, 2), (row) => row < 300);
    const half = { ...right, rows: right.rows.map((value, i) => (i % 2 === 0 ? Math.abs(value) : value)) };
    const lost = await computed(half, real, 5);
    expect(lost.precision.value).toBeGreaterThan(0.9);
    expect(lost.recall.value).toBeLessThan(0.7);
    expect(lost.coverage.value).toBeLessThan(0.7);
    const far = { ...right, rows: right.rows.map((value) => value + 100) };
    const away = await computed(far, real, 5);
    for (const name of ["precision", "recall", "density", "coverage"] as const)
      expect(away[name].value).toBe(0);
  });

  it("say how many samples they need", async () => {
    const [few, enough] = [gaussians("few", 49, 2), gaussians("enough", 50, 2)];
    await expect(densityCoverage(few, enough)).rejects.toThrow(
      /density-numbers: expected at least 50 samples, got 49/,
    );
    await expect(precisionRecall(enough, few, { k: 5 })).rejects.toThrow(/at least 50 real pictures, got 49/);
    await expect(precisionRecall(enough, few, { k: 0 })).rejects.toThrow(
      /expected k to be a whole number above 0/,
    );
  });
});

describe("memorization", () => {
  it("is ½ where samples come from where the pictures come from", async () => {
    const { metric, value, interval } = await memorization(
      ...([gaussians("s", 400, 8), gaussians("t", 300, 8), gaussians("h", 500, 8)] as const),
    );
    expect(metric).toBe("memorization-numbers");
    expect(Math.abs(value - 0.5)).toBeLessThan(0.1);
    expect(interval?.[0]).toBeLessThan(0.5);
    expect(interval?.[1]).toBeGreaterThan(0.5);
  });

  it("is near 1 for copies, and shows which picture is whose copy, at its exact distance", async () => {
    const [train, heldOut] = [gaussians("t", 200, 8, { mean: 50 }), gaussians("h", 100, 8, { mean: 50 })];
    const copies = rowsOf(train, (row) => row % 4 === 1);
    copies.rows[8 * 7] += 0.001;
    const found = await memorization(copies, train, heldOut);
    expect(found.real).toBe(100);
    // Half of the pictures trained on are compared: their copies are nearer, the others' are as near to either.
    expect(found.value).toBeGreaterThan(0.65);
    for (const { sample, train: at } of found.pairs) expect(at).toBe(4 * sample + 1);
    expect(found.pairs.map(({ trainDistance }) => trainDistance).slice(0, 49)).toEqual(Array(49).fill(0));
    expect(found.pairs[49].sample).toBe(7);
    expect(found.pairs[49].trainDistance).toBeCloseTo(0.001, 5);
    const all = await memorization(
      copies,
      rowsOf(train, (row) => row % 2 === 1),
      heldOut,
    );
    expect(all.value).toBe(1);
    expect(all.interval?.[0]).toBeGreaterThan(0.7);
  });

  it("counts a picture that is in both sets as neither", async () => {
    const real = gaussians("r", 60, 4);
    expect((await memorization(gaussians("s", 50, 4), real, real)).value).toBe(0.5);
  });
});
