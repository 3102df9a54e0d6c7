import { randomNormal, type Tensor2D, type Tensor4D } from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { createGan } from "../../src/gan/gan.ts";
import { completeSettings, type GanSettings } from "../../src/gan/settings.ts";
import { disposeNetwork, inferenceMode, type Network } from "../../src/nn/network.ts";
import { dcgan } from "../../src/recipes/dcgan.ts";
import { type R3ganOptions, r3gan } from "../../src/recipes/r3gan.ts";
import { sngan } from "../../src/recipes/sngan.ts";
import { wganGp } from "../../src/recipes/wgan-gp.ts";
import { useBuild } from "../builds.ts";
import { random } from "../ops/check.ts";
import { step } from "./step.ts";

beforeAll(useBuild);

interface Options {
  readonly classes?: number;
  readonly condition?: "projection" | "auxiliary";
  readonly size?: "nano" | "small" | "full";
  readonly widths?: readonly number[];
  readonly latent?: number;
  readonly batch?: number;
  readonly channels?: 1 | 3;
}

const recipes: Readonly<Record<string, (options: Options) => GanSettings>> = {
  dcgan: (options) => dcgan({ ...options, augment: false }),
  r3gan,
  sngan,
  wganGp,
};

/** Widths as few as the recipe has them. */
const thin = (name: string) => (name === "r3gan" ? [16, 16, 16] : [6, 5, 4]);

const classes = 3;

const sizeOf = ({ parameters }: Network): number =>
  Object.values(parameters).reduce((total, { size }) => total + size, 0);

for (const [name, recipe] of Object.entries(recipes)) {
  describe(name, () => {
    it("has about 0.1 million parameters a side in size nano, and more from size to size", () => {
      const sides = (["nano", "small", "full"] as const).map((size) => {
        const { generator, discriminator } = recipe({ size });
        const found = [sizeOf(generator), sizeOf(discriminator)];
        for (const side of [generator, discriminator]) disposeNetwork(side);
        return found;
      });
      for (const side of [0, 1]) {
        const [nano, small, full] = sides.map((found) => found[side]);
        expect(nano).toBeGreaterThan(50_000);
        expect(nano).toBeLessThan(130_000);
        expect(small).toBeGreaterThan(2 * nano);
        expect(full).toBeGreaterThan(3 * small);
      }
    });

    for (const condition of [undefined, "projection", "auxiliary"] as const) {
      it(`makes captured, finite steps ${condition === undefined ? "without classes" : `with classes by ${condition}`}`, async () => {
        const conditional = condition === undefined ? {} : { classes, condition };
        const gan = createGan(recipe({ widths: thin(name), latent: 8, batch: 4, ...conditional }));
        for (let i = 0; i < 4; i++) {
          for (const { loss, gradientNorm } of Object.values(await step(gan))) {
            expect(Number.isFinite(loss)).toBe(true);
            expect(gradientNorm).toBeGreaterThan(0);
          }
        }
        expect(gan.stepStatus).toBe("captured");
        expect(gan.settings.recipe!.options).toEqual(
          JSON.parse(JSON.stringify(gan.settings.recipe!.options)),
        );
        gan.dispose();
      });
    }

    it("draws and judges by the class", async () => {
      const gan = createGan(recipe({ widths: thin(name), latent: 8, batch: 3, classes }));
      for (let i = 0; i < 3; i++) await step(gan);
      const z = randomNormal([2, 8]) as Tensor2D;
      const [one, other] = [gan.generate(z, [0, 0]), gan.generate(z, [1, 2])];
      expect(await one.data()).not.toEqual(await other.data());
      const [right, wrong] = [gan.critique(one, [0, 0]), gan.critique(one, [1, 2])];
      expect(right.shape).toEqual([2]);
      expect(await right.data()).not.toEqual(await wrong.data());
      gan.dispose();
    });
  });
}

describe("r3gan starts", () => {
  it("with blocks that pass on what they get: the network is its skip path", async () => {
    const gan = createGan(r3gan({ widths: [16, 16, 16], blocks: [1, 1, 1], latent: 6 }));
    const bare = createGan(r3gan({ widths: [16, 16, 16], blocks: [0, 0, 0], latent: 6 }));
    const z = randomNormal([3, 6]) as Tensor2D;
    const [with_, without] = [await gan.generate(z).data(), await bare.generate(z).data()];
    expect(with_).toEqual(without);
    gan.dispose();
    bare.dispose();
  });

  it("with activations of one size from end to end", async () => {
    const gan = createGan(r3gan({ size: "small" }));
    const x = randomNormal([32, 32, 32, 3]) as Tensor4D;
    const logits = await gan.critique(x).data();
    const z = randomNormal([32, 64]) as Tensor2D;
    const pixels = await gan.settings.generator.apply(z, inferenceMode()).data();
    const deviation = (values: ArrayLike<number>) =>
      Math.sqrt(Array.from(values).reduce((sum, v) => sum + v * v, 0) / values.length);
    // Low-pass filters take from white noise, and nothing else does.
    expect(deviation(pixels)).toBeGreaterThan(1 / 3);
    expect(deviation(pixels)).toBeLessThan(3);
    expect(deviation(logits)).toBeGreaterThan(1e-3);
    expect(deviation(logits)).toBeLessThan(3);
    gan.dispose();
  });

  it("with a γ for its resolution and batch", () => {
    const settings = r3gan({ resolution: 64, batch: 16 });
    expect(settings.regularizers!.map(({ name, weight }) => [name, weight(0)])).toEqual([
      ["r1", (0.2 * 64 ** 2) / 16],
      ["r2", (0.2 * 64 ** 2) / 16],
    ]);
    expect(settings.regularizers![0].weight(1)).toBeCloseTo((0.02 * 64 ** 2) / 16, 10);
  });

  it("with a discriminator that is faster than the generator where the size says so", () => {
    const ratesOf = (options: R3ganOptions) => completeSettings(r3gan(options)).learningRate;
    const learningRate = [4e-3, 1e-3] as const;
    for (const [options, ratio] of [
      [{ size: "nano" }, 2],
      [{ size: "full" }, 1],
      [{ size: "full", discriminatorRate: 3 }, 3],
    ] as const) {
      const { generator, discriminator } = ratesOf({ ...options, learningRate });
      expect([generator(0), generator(1)]).toEqual([4e-3, 1e-3]);
      for (const progress of [0, 0.3, 1])
        expect(discriminator(progress)).toBeCloseTo(ratio * generator(progress), 12);
    }
  });
});

it("sngan bounds the largest singular value of its weights by 1", async () => {
  const gan = createGan(sngan({ widths: [6, 5, 4], latent: 5, batch: 2, learningRate: [0.01, 0.01] }));
  for (let i = 0; i < 12; i++) await step(gan);
  const { parameters, statistics } = gan.settings.discriminator;
  const weight = await parameters["16.down.weight"].data();
  const columns = parameters["16.down.weight"].shape.at(-1)!;
  const rows = weight.length / columns;
  const u = await statistics["16.down.u"].data();
  // ‖Wu‖ for the unit vector u that the power iteration has come to is σ; a random vector's is less.
  const stretched = (vector: ArrayLike<number>) =>
    Math.hypot(
      ...Array.from({ length: rows }, (_, r) =>
        Array.from(vector).reduce((sum, value, c) => sum + value * weight[r * columns + c], 0),
      ),
    );
  expect(Math.hypot(...u)).toBeCloseTo(1, 4);
  const next = random("vector");
  for (let i = 0; i < 20; i++) {
    const vector = Array.from({ length: columns }, () => next() - 0.5);
    expect(stretched(vector) / Math.hypot(...vector)).toBeLessThanOrEqual(stretched(u) * 1.01);
  }
  gan.dispose();
});

it("recipes refuse what cannot be, and say why", () => {
  const wrong = (value: unknown) => value as never;
  expect(() => r3gan({ resolution: wrong(48) })).toThrow(/r3gan: expected resolution 32, 64 or 128, got 48/);
  expect(() => r3gan({ widths: [10, 16, 16] })).toThrow(/multiples of 16/);
  expect(() => r3gan({ condition: "projection" })).toThrow(/expected classes for a condition, got 0/);
  expect(() => sngan({ size: wrong("huge") })).toThrow(/sngan: expected size nano, small, full, got huge/);
  expect(() => wganGp({ channels: wrong(2) })).toThrow(/wganGp: expected channels 1 or 3, got 2/);
  expect(() => wganGp({ condition: wrong("both"), classes: 2 })).toThrow(/"projection" or "auxiliary"/);
  expect(() => r3gan({ gamma: wrong(-1) })).toThrow(/gamma of at least 0 or "adaptive"/);
  expect(() => r3gan({ discriminatorRate: 0 })).toThrow(/expected discriminatorRate above 0, got 0/);
});
