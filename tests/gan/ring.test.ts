import { beforeAll, describe, expect, inject, it } from "vitest";
import {
  type Coverage,
  coverage,
  drawPoints,
  grid,
  type Mixture,
  type MixtureTraining,
  mixtureDataset,
  mixtureGan,
  penalties,
  ring,
} from "../../bench/proofs/gaussians.ts";
import { createGan, nonSaturating, relativisticPairing, train } from "../../src/index.ts";
import { threefry } from "../../src/random.ts";
import { useBuild } from "../builds.ts";

/** Points that the mixture itself draws, or that a generator trained on them draws. */
const samples = 10_000;

async function trained(mixture: Mixture, training: Omit<MixtureTraining, "seed">): Promise<Coverage> {
  const gan = createGan(mixtureGan(mixture, { seed: 0, ...training }));
  for await (const _ of train(gan, mixtureDataset(mixture, 0)));
  const points = await drawPoints(gan, samples);
  gan.dispose();
  return coverage(mixture, points);
}

/** Points drawn from the mixture by its dataset. */
async function own(mixture: Mixture): Promise<Float32Array> {
  for await (const { image } of mixtureDataset(mixture, 1).batches({ count: samples, cursor: 0 })) {
    if ("dispose" in image) return image.data<"float32">().finally(() => image.dispose());
  }
  throw new Error("the mixture gave no points");
}

// Minutes of training are spent once: kernels are held to each other elsewhere.
const once = inject("build") === "simd";
if (!once) console.log(`ring: training on mixtures is left to the build "simd"`);

describe("coverage of a mixture of Gaussians", () => {
  beforeAll(useBuild);

  it.each([ring, grid])(
    "of the $name's own points is complete, with 0.989 of them within 3σ",
    async (mixture) => {
      const { modes, within } = coverage(mixture, await own(mixture));
      expect(modes).toBe(mixture.centres.length);
      // 1 − exp(−9/2), by its standard error.
      expect(Math.abs(within - 0.98889)).toBeLessThan(4 * Math.sqrt((0.98889 * 0.01111) / samples));
    },
  );

  it("counts no mode for points that are few or far", () => {
    const atCentre = (n: number) => Array.from({ length: n }, () => ring.centres[0]).flat();
    const far = Array.from({ length: 60 }, (_, i) =>
      threefry([0, 0], i, 0)[0] % 2 === 0 ? [0, 0] : [9, 9],
    ).flat();
    expect(coverage(ring, Float32Array.from([...atCentre(1), ...far]))).toEqual({ modes: 0, within: 1 / 61 });
    expect(coverage(ring, Float32Array.from([...atCentre(60), ...far]))).toEqual({ modes: 1, within: 0.5 });
  });
});

describe.runIf(once)("a GAN trained on a mixture of Gaussians", () => {
  beforeAll(useBuild);
  const minutes = 240_000;

  it("finds 8 of the ring's 8 modes by relativistic pairing with R1 and R2", {
    timeout: minutes,
  }, async () => {
    const { modes, within } = await trained(ring, {
      loss: relativisticPairing,
      regularizers: penalties(ring),
    });
    expect(modes).toBe(8);
    expect(within).toBeGreaterThanOrEqual(0.8);
  });

  it("finds 25 of the grid's 25 modes by relativistic pairing with R1 and R2", {
    timeout: minutes,
  }, async () => {
    const { modes, within } = await trained(grid, {
      loss: relativisticPairing,
      regularizers: penalties(grid),
    });
    expect(modes).toBe(25);
    expect(within).toBeGreaterThanOrEqual(0.65);
  });

  it.each([ring, grid])(
    "collapses on the $name by the plain loss alone",
    { timeout: minutes },
    async (mixture) => {
      const { modes } = await trained(mixture, { loss: nonSaturating, regularizers: [], steps: 1500 });
      expect(modes).toBeLessThanOrEqual(1);
    },
  );
});
