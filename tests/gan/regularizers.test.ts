import { mul, type Tensor4D } from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { type Augment, diffAugment } from "../../src/gan/augment.ts";
import type { Gan } from "../../src/gan/gan.ts";
import {
  type AdversarialLoss,
  hinge,
  leastSquares,
  nonSaturating,
  relativisticPairing,
  wasserstein,
} from "../../src/gan/losses.ts";
import {
  consistency,
  dragan,
  gradientPenalty,
  lecam,
  pathLength,
  type Regularizer,
  r1,
  r2,
} from "../../src/gan/regularizers.ts";
import type { GanSettings } from "../../src/gan/settings.ts";
import { useBuild } from "../builds.ts";
import { derivatives } from "./derivatives.ts";
import { linearCritic, pictures, still, styleGenerator } from "./small-gan.ts";

beforeAll(useBuild);

const step = (gan: Gan, name = "real") => gan.step({ image: pictures(name), cursor: 0 });

/** Squared norm of a linear critic's weights: of its slope, wherever. */
async function squaredWeights(gan: Gan): Promise<number> {
  const { data } = (await gan.state()).tensors["discriminator/w"];
  return (data as Float32Array).reduce((sum, w) => sum + w * w, 0);
}

describe("penalties of a linear critic follow from its weights", () => {
  const signal = async (regularizer: Regularizer, settings: Partial<GanSettings> = {}) => {
    const gan = still({ discriminator: linearCritic(), regularizers: [regularizer], ...settings });
    const { signals } = (await step(gan)).discriminator;
    const norm = await squaredWeights(gan);
    gan.dispose();
    return { value: signals[regularizer.name], norm };
  };

  for (const regularizer of [r1(3), r2(3)]) {
    it(`${regularizer.name} is half its squared norm`, async () => {
      const { value, norm } = await signal(regularizer);
      expect(value).toBeCloseTo(norm / 2, 5);
    });
  }

  for (const regularizer of [gradientPenalty(), dragan()]) {
    it(`${regularizer.name} is its norm's squared distance from 1`, async () => {
      const { value, norm } = await signal(regularizer);
      expect(value).toBeCloseTo((Math.sqrt(norm) - 1) ** 2, 5);
    });
  }

  it("is taken with respect to the picture before augmentation", async () => {
    const doubled: Augment = { name: "double", apply: (x) => mul(x, 2) as Tensor4D };
    for (const regularizer of [r1(3), r2(3)]) {
      const { value, norm } = await signal(regularizer, { augment: doubled });
      expect(value).toBeCloseTo((4 * norm) / 2, 5);
    }
    const { value, norm } = await signal(gradientPenalty(), { augment: doubled });
    expect(value).toBeCloseTo((2 * Math.sqrt(norm) - 1) ** 2, 5);
  });

  it("consistency of w·x under doubling is (w·x)² in the mean", async () => {
    const doubled: Augment = { name: "double", apply: (x) => mul(x, 2) as Tensor4D };
    const gan = still({ discriminator: linearCritic(), regularizers: [consistency()], augment: doubled });
    const { signals } = (await step(gan)).discriminator;
    const { data: w } = (await gan.state()).tensors["discriminator/w"];
    const { data: bytes, shape } = pictures("real");
    let mean = 0;
    for (let n = 0; n < shape[0]; n++) {
      const logit = (w as Float32Array).reduce(
        (sum, value, i) => sum + value * (bytes[n * w.length + i] / 127.5 - 1),
        0,
      );
      mean += logit ** 2 / shape[0];
    }
    expect(signals.consistency).toBeCloseTo(mean, 4);
    gan.dispose();
  });
});

const losses: readonly AdversarialLoss[] = [
  nonSaturating,
  leastSquares,
  hinge,
  wasserstein,
  relativisticPairing,
];

const regularizations: Readonly<Record<string, () => readonly Regularizer[]>> = {
  none: () => [],
  R1: () => [r1(5)],
  R2: () => [r2(5)],
  "R1 + R2": () => [r1(5), r2(5)],
  "gradient penalty": () => [gradientPenalty()],
  DRAGAN: () => [dragan()],
  consistency: () => [consistency()],
  LeCam: () => [lecam()],
  "path length": () => [pathLength()],
};

describe("the gradient of each loss with each regulariser is that of its differences", () => {
  for (const loss of losses) {
    for (const [name, regularizers] of Object.entries(regularizations)) {
      it(`${loss.name}, ${name}`, async () => {
        const gan = still({
          generator: styleGenerator(),
          ...{ loss, regularizers: regularizers(), capture: false },
          augment: diffAugment({ saturation: 0.2 }),
        });
        for (const player of ["discriminator", "generator"] as const) {
          const { slope, difference } = await derivatives(gan, player, step);
          expect(Math.abs(slope)).toBeGreaterThan(1e-4);
          expect(Math.abs(slope - difference)).toBeLessThan(0.01 * Math.abs(slope) + 1e-3);
        }
        gan.dispose();
      });
    }
  }
});
