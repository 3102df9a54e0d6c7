import { randomNormal, type Tensor2D } from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { createGan } from "../../src/gan/gan.ts";
import { pathLength } from "../../src/gan/regularizers.ts";
import type { GanSettings } from "../../src/gan/settings.ts";
import { inferenceMode, type Network } from "../../src/nn/network.ts";
import { dcgan } from "../../src/recipes/dcgan.ts";
import { type Stylegan2Options, stylegan2 } from "../../src/recipes/stylegan2.ts";
import { useBuild } from "../builds.ts";
import { derivatives } from "../gan/derivatives.ts";
import { step } from "./step.ts";

beforeAll(useBuild);

const parameterCount = ({ parameters }: Network): number =>
  Object.values(parameters).reduce((total, { size }) => total + size, 0);

/** A StyleGAN2 of 8×8 pictures. */
const tiny = (options: Stylegan2Options = {}): GanSettings =>
  stylegan2({ resolution: 8, widths: [6, 4], latent: 5, batch: 4, kimg: 1, ...options });

describe("sizes", () => {
  it("nano has a tenth of a million parameters a side at 32² and little more at 128²", () => {
    for (const resolution of [32, 128]) {
      const { generator, discriminator } = stylegan2({ resolution });
      for (const network of [generator, discriminator]) {
        expect(parameterCount(network)).toBeGreaterThan(70_000);
        expect(parameterCount(network)).toBeLessThan(130_000);
      }
    }
  });

  it("small has about half a million, of a wider mapping too", () => {
    const { generator, latent } = stylegan2({ size: "small" });
    expect(latent).toBe(128);
    expect(parameterCount(generator)).toBeGreaterThan(400_000);
    expect(parameterCount(generator)).toBeLessThan(800_000);
  });
});

it("the weight of R1 follows resolution and batch, and a checkpoint's recipe makes the same networks again", () => {
  const settings = stylegan2({ resolution: 64, batch: 16, classes: 3, pathLength: 2 });
  const [r1, length] = settings.regularizers!;
  expect([r1.weight(0), r1.every, length.weight(0), length.every]).toEqual([(2e-4 * 64 ** 2) / 16, 16, 2, 4]);
  const { name, options } = settings.recipe!;
  expect(name).toBe("stylegan2");
  const again = stylegan2(JSON.parse(JSON.stringify(options)));
  for (const side of ["generator", "discriminator"] as const) {
    const shapes = ({ parameters }: Network) =>
      Object.entries(parameters).map(([key, { shape }]) => [key, shape]);
    expect(shapes(again[side])).toEqual(shapes(settings[side]));
  }
  expect(again.recipe).toEqual(settings.recipe);
});

describe("steps are finite and captured", () => {
  const cases: Readonly<Record<string, Stylegan2Options>> = {
    "without classes": {},
    "with a projection": { classes: 3 },
    "with an auxiliary classifier": { classes: 3, condition: "auxiliary" },
    "with path length": { pathLength: 2 },
    "without mixing, of grey pictures": { mixing: 0, channels: 1 },
  };
  for (const [name, options] of Object.entries(cases)) {
    it(name, async () => {
      const gan = createGan(tiny(options));
      for (let i = 0; i < 4; i++) {
        const reports = await step(gan, `${i}`);
        for (const { loss } of Object.values(reports)) expect(loss).toBeLessThan(100);
      }
      expect(gan.stepStatus).toBe("captured");
      gan.dispose();
    });
  }
});

it("captured steps are those that are not, to the bit", async () => {
  const states = await Promise.all(
    [true, false].map(async (capture) => {
      const gan = createGan({ ...tiny({ pathLength: 2, classes: 2 }), capture });
      for (let i = 0; i < 6; i++) await step(gan, `${i}`);
      const { tensors } = await gan.state();
      gan.dispose();
      return Object.values(tensors).map(({ data }) => [...(data as Float32Array)]);
    }),
  );
  expect(states[0]).toEqual(states[1]);
});

it("the gradient with R1, path length and classes is that of differences of the loss", async () => {
  const settings = tiny({ gamma: 2, pathLength: 2, classes: 2 });
  const gan = createGan({
    ...{ ...settings, learningRate: 0, beta1: 0, capture: false },
    regularizers: settings.regularizers!.map((regularizer) => ({ ...regularizer, every: 1 })),
  });
  // Where leaky ReLU bends, a penalty on slopes jumps: a direction along which it does says nothing.
  for (const player of ["discriminator", "generator"] as const) {
    const agreeing: boolean[] = [];
    for (const along of ["uphill", "a", "b"]) {
      const { slope, difference } = await derivatives(gan, player, step, { h: 1e-4, along });
      agreeing.push(Math.abs(slope - difference) < 0.02 * Math.abs(slope) + 5e-3);
    }
    expect(agreeing.filter(Boolean).length, player).toBeGreaterThanOrEqual(2);
  }
  gan.dispose();
});

it("pictures and logits depend on the class", async () => {
  const gan = createGan(tiny({ classes: 3 }));
  for (let i = 0; i < 2; i++) await step(gan);
  const z = randomNormal([1, 5], 0, 1, "float32", 1) as Tensor2D;
  const pictures = await Promise.all([0, 1].map((label) => gan.generate(z, [label]).data<"float32">()));
  expect(Math.max(...pictures[0].map((value, i) => Math.abs(value - pictures[1][i])))).toBeGreaterThan(1e-3);
  const x = gan.generate(z, [0]);
  const [first, second] = await Promise.all(
    [0, 1].map((label) => gan.critique(x, [label]).data<"float32">()),
  );
  expect(Math.abs(first[0] - second[0])).toBeGreaterThan(1e-5);
  gan.dispose();
});

it("pictures are within [-1, 1], those in training need not be, and any number of them is judged", () => {
  const gan = createGan(tiny());
  const { generator, discriminator } = gan.settings;
  const loud = randomNormal([50, 5], 0, 1, "float32", 1);
  const training = { ...inferenceMode(), training: true };
  const extreme = (x: ReturnType<Network["apply"]>) => Math.max(...x.dataSync().map(Math.abs));
  expect(extreme(generator.apply(loud, inferenceMode()))).toBeLessThanOrEqual(1);
  expect(extreme(generator.apply(loud, training))).toBeGreaterThan(1);
  for (const count of [1, 2, 3, 5]) {
    const x = randomNormal([count, 8, 8, 3]);
    expect(discriminator.apply(x, inferenceMode()).shape).toEqual([count, 1]);
  }
});

it("refuses what cannot be, and says why", () => {
  const refusals: readonly (readonly [Stylegan2Options, string])[] = [
    [{ resolution: 48 }, "expected resolution to be a power of two from 8 to 256, got 48"],
    [{ size: "huge" as never }, "expected size nano, small, full, got huge"],
    [{ widths: [4, 4] }, "expected 4 widths from 1 to 4096 for resolution 32, from 4×4 up, got [4,4]"],
    [{ channels: 2 as never }, "expected channels 1 or 3, got 2"],
    [{ latent: 0 }, "expected latent to be a whole number from 1 to 4096, got 0"],
    [{ mixing: 2 }, "expected mixing from 0 to 1, got 2"],
    [{ condition: "auxiliary" }, "expected classes for a condition, got 0"],
    [{ gamma: -1 }, "expected gamma of at least 0, got -1"],
  ];
  for (const [options, message] of refusals) expect(() => stylegan2(options)).toThrow(message);
  expect(() => createGan({ ...dcgan(), regularizers: [pathLength()] })).toThrow(
    "expected a generator with a mapping network (z → w → picture), got one without. Use the stylegan2 recipe",
  );
});
