import { div, memory, mul, norm, reshape, square, type Tensor2D, type Tensor4D } from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import type { ImageBytes } from "../../src/gan/batch.ts";
import type { FeatureFunction } from "../../src/metrics/features.ts";
import { modeCoverage, samplesForModes, stackedClasses } from "../../src/metrics/modes.ts";
import { perceptualPathLength } from "../../src/metrics/path-length.ts";
import { slicedWasserstein } from "../../src/metrics/sliced-wasserstein.ts";
import { twoSampleTest } from "../../src/metrics/two-sample-test.ts";
import { useBuild } from "../builds.ts";
import { random } from "../ops/check.ts";
import { gaussians } from "./gaussians.ts";

beforeAll(useBuild);

describe("twoSampleTest", () => {
  it("tells nothing of sets of one distribution, and the same at each call", async () => {
    const [a, b] = [gaussians("a", 300, 5), gaussians("b", 310, 5)];
    const before = memory().numTensors;
    const found = await twoSampleTest(a, b);
    expect(memory().numTensors).toBe(before);
    expect(found.metric).toBe("C2ST-numbers");
    expect(found.interval?.[0]).toBeLessThan(0.5);
    expect(found.interval?.[1]).toBeGreaterThan(0.5);
    expect(found.chance).toBeGreaterThan(0.01);
    expect(await twoSampleTest(a, b)).toEqual(found);
  });

  it("comes near to the best that can be, by a shift", async () => {
    // The best classifier of N(0, I) and N(m, I) is right with Φ(|m|/2): 0.841 for |m| = 2.
    const [a, b] = [gaussians("a", 2000, 4), gaussians("b", 2000, 4, { mean: 1 })];
    const { value, interval, chance } = await twoSampleTest(a, b, { hidden: 0 });
    expect(interval?.[0]).toBeLessThan(0.8413);
    expect(value).toBeGreaterThan(0.81);
    expect(value).toBeLessThan(0.87);
    expect(chance).toBeLessThan(1e-6);
  });

  it("sees a difference of shape by its hidden layer alone", async () => {
    const [a, b] = [gaussians("a", 800, 2), gaussians("b", 800, 2, { scale: 3 })];
    expect((await twoSampleTest(a, b)).value).toBeGreaterThan(0.75);
    expect((await twoSampleTest(a, b, { hidden: 0 })).value).toBeLessThan(0.6);
    await expect(twoSampleTest(gaussians("a", 99, 2), b)).rejects.toThrow(/at least 100 samples, got 99/);
  });
});

describe("modeCoverage", () => {
  const labels = (count: number, of: (i: number) => number) =>
    Int32Array.from({ length: count }, (_, i) => of(i));

  it("counts classes, and the divergence of their frequencies from even ones", () => {
    const { modes, kl } = modeCoverage(
      labels(1000, (i) => i % 5),
      { classes: 10, classifier: "c" },
    );
    expect(modes).toMatchObject({ metric: "modes-c", value: 5, samples: 1000 });
    expect(kl.metric).toBe("KL-c");
    expect(kl.value).toBeCloseTo(Math.LN2, 12);
    expect(kl.floor).toBe(9 / 2000);
  });

  it("or from those of real pictures", () => {
    const [p, q] = [
      [0.5, 0.25, 0.25],
      [0.25, 0.25, 0.5],
    ];
    const of = (parts: number[]) =>
      labels(1000, (i) => (i < 1000 * parts[0] ? 0 : i < 1000 * (parts[0] + parts[1]) ? 1 : 2));
    const { kl } = modeCoverage(of(p), { classes: 3, classifier: "c", real: of(q) });
    const expected = p.reduce((sum, part, i) => sum + part * Math.log(part / q[i]), 0);
    expect(kl.value).toBeCloseTo(expected, 12);
    expect(kl.interval?.[0]).toBeLessThan(expected);
    expect(kl.interval?.[1]).toBeGreaterThan(expected);
    const never = modeCoverage(of(p), { classes: 3, classifier: "c", real: labels(1000, (i) => i % 2) });
    expect(never.kl.value).toBe(Number.POSITIVE_INFINITY);
  });

  it("of even draws is about its floor", () => {
    const next = random("modes");
    const { modes, kl } = modeCoverage(
      labels(10_000, () => Math.floor(1000 * next())),
      { classes: 1000, classifier: "c" },
    );
    expect(modes.value).toBe(1000);
    expect(Math.abs(kl.value - kl.floor)).toBeLessThan(0.1 * kl.floor);
  });

  it("needs so many samples that no class is missing by chance, and says so", () => {
    expect([samplesForModes(10), samplesForModes(1000)]).toEqual([53, 9904]);
    expect(() =>
      modeCoverage(
        labels(9903, (i) => i % 1000),
        { classes: 1000, classifier: "c" },
      ),
    ).toThrow(/modes-c: expected at least 9904 samples, got 9903\. With fewer, one of 1000/);
    expect(() =>
      modeCoverage(
        labels(100, () => 10),
        { classes: 10, classifier: "c" },
      ),
    ).toThrow(/from 0 to 9, got 10/);
  });

  it("of stacked pictures has a class for each combination of their channels'", async () => {
    const pictures: ImageBytes = {
      data: Uint8Array.of(1, 2, 3, 1, 2, 3, 9, 0, 4, 9, 0, 4),
      shape: [2, 1, 2, 3],
    };
    const classify = async ({ data, shape }: ImageBytes) => {
      expect(shape).toEqual([2, 1, 2, 1]);
      return [data[0], data[2]];
    };
    expect(await stackedClasses(classify, pictures)).toEqual(Int32Array.of(123, 904));
  });
});

describe("perceptualPathLength", () => {
  const picture = (z: Tensor2D): Tensor4D => reshape(z, [-1, 1, 2, 2]) as Tensor4D;
  const flat: FeatureFunction = { name: "flat", size: 4, apply: (x) => reshape(x, [-1, 4]) as Tensor2D };
  const options = { latent: 4, features: flat, samples: 400, batch: 64 };

  it("of a generator that gives the direction of z is the squared angle between two of them", async () => {
    // Angles of random directions in four dimensions have density (2/π)sin²θ, so E θ² = π²/4 + π²/12 − 1/2.
    const direction = (z: Tensor2D) => picture(div(z, norm(z, 2, 1, true)) as Tensor2D);
    const before = memory().numTensors;
    const { metric, value, interval, samples } = await perceptualPathLength(direction, options);
    expect(memory().numTensors).toBe(before);
    expect([metric, samples]).toEqual(["PPL-flat", 400]);
    const expected = Math.PI ** 2 / 3 - 0.5;
    expect(interval?.[0]).toBeLessThan(expected);
    expect(interval?.[1]).toBeGreaterThan(expected);
    expect(Math.abs(value - expected)).toBeLessThan(0.3);
  });

  it("is nothing for a generator that always draws the same, and four times as much for one twice as fast", async () => {
    const same = await perceptualPathLength((z) => picture(mul(z, 0)), options);
    expect(same.value).toBe(0);
    const once = await perceptualPathLength((z) => picture(square(z)), options);
    const twice = await perceptualPathLength((z) => picture(mul(square(z), 2)), options);
    expect(twice.value / once.value).toBeCloseTo(4, 1);
    await expect(perceptualPathLength(picture, { ...options, samples: 99 })).rejects.toThrow(
      /at least 100 samples, got 99/,
    );
  });
});

describe("slicedWasserstein", () => {
  /** Smooth (coarse waves) or rough (noise) pictures. */
  function pictures(seed: string, count: number, rough: number): ImageBytes {
    const next = random(seed);
    const data = new Uint8Array(count * 32 * 32);
    for (let i = 0; i < count; i++) {
      const [a, b, c] = [next(), next(), next()];
      for (let at = 0; at < 1024; at++) {
        const wave = Math.sin(6 * ((a * (at % 32)) / 32 + (b * Math.floor(at / 32)) / 32 + c));
        data[1024 * i + at] = 127.5 + 90 * wave + rough * 60 * (next() - 0.5);
      }
    }
    return { data, shape: [count, 32, 32, 1] };
  }
  const quick = { patches: 8, directions: 16 };

  it("is small between draws of one kind, and tells at which level others differ", async () => {
    const [a, b, rough] = [pictures("a", 60, 1), pictures("b", 60, 1), pictures("c", 60, 0)];
    const before = memory().numTensors;
    const same = await slicedWasserstein(a, b, quick);
    expect(memory().numTensors).toBe(before);
    expect(same.metric).toBe("SWD");
    expect(same.levels.map(({ resolution }) => resolution)).toEqual([32, 16]);
    const other = await slicedWasserstein(rough, a, quick);
    const [fine, coarse] = other.levels;
    expect(fine.value).toBeGreaterThan(2 * same.levels[0].value);
    expect(fine.value).toBeGreaterThan(coarse.value);
    expect(other.interval?.[0]).toBeGreaterThan(same.value);
    expect(await slicedWasserstein(a, b, quick)).toEqual(same);
  });

  it("says what it lacks", async () => {
    await expect(slicedWasserstein(pictures("a", 19, 1), pictures("b", 40, 1))).rejects.toThrow(
      /SWD: expected at least 20 pictures of both kinds, got 19/,
    );
    const small: ImageBytes = { data: new Uint8Array(20 * 36), shape: [20, 6, 6, 1] };
    await expect(slicedWasserstein(small, small)).rejects.toThrow(/at least 7×7/);
  });
});
