import { ones, type Tensor, type Tensor2D, tensor, zeros } from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { createGan } from "../../src/gan/gan.ts";
import type { Critique } from "../../src/gan/regularizers.ts";
import type { GanSettings } from "../../src/gan/settings.ts";
import { glu } from "../../src/nn/gated.ts";
import { inferenceMode, type Network, Parameters } from "../../src/nn/network.ts";
import { skipExcitation } from "../../src/nn/skip-excitation.ts";
import { randomNormal } from "../../src/ops/random.ts";
import { deriveKey } from "../../src/random.ts";
import { type FastganOptions, fastgan } from "../../src/recipes/fastgan.ts";
import { quarter, reconstruction } from "../../src/recipes/fastgan-discriminator.ts";
import { useBuild } from "../builds.ts";
import { derivatives } from "../gan/derivatives.ts";
import { expectClose } from "../ops/check.ts";
import { step } from "./step.ts";

beforeAll(useBuild);

const parameterCount = ({ parameters }: Network): number =>
  Object.values(parameters).reduce((total, { size }) => total + size, 0);

/** The thinnest FastGAN of 32×32 pictures. */
const tiny = (options: FastganOptions = {}): GanSettings =>
  fastgan({ widths: [4, 4, 4, 4], criticWidths: [6, 4, 4], latent: 5, batch: 2, kimg: 1, ...options });

const noise = (name: string, shape: readonly number[]): Tensor =>
  randomNormal([...shape], { key: deriveKey(3, name) });

it("nano has a tenth of a million parameters a side at 32² and little more at 256²", () => {
  for (const resolution of [32, 256] as const) {
    const { generator, discriminator } = fastgan({ resolution });
    for (const network of [generator, discriminator]) {
      expect(parameterCount(network)).toBeGreaterThan(70_000);
      expect(parameterCount(network)).toBeLessThan(130_000);
    }
  }
});

it("a gated linear unit is half of its channels times a sigmoid of the others", async () => {
  const y = await glu(tensor([[2, -3, 0, 1]])).data<"float32">();
  expectClose("glu", y, [2 * 0.5, -3 / (1 + Math.exp(-1))], 1e-6);
});

it("skip-layer excitation scales each channel by σ(W₂·swish(W₁·low)) of its picture", async () => {
  const to = new Parameters((name) => deriveKey(1, name));
  const excite = skipExcitation(to, "sle", { inputs: 1, outputs: 2 });
  to.parameters["sle.1.weight"].assign(ones([16, 2]));
  to.parameters["sle.2.weight"].assign(
    tensor([
      [1, 0],
      [0, -2],
    ]),
  );
  // Averaged to 4×4 each of the 16 is 0.25 for the first picture, 0 for the second.
  const low = tensor([...Array(64).fill(0.25), ...Array(64).fill(0)], [2, 8, 8, 1]);
  const y = await excite(low, ones([2, 16, 16, 2]), inferenceMode()).data<"float32">();
  const swish = 4 / (1 + Math.exp(-4));
  const gates = [1 / (1 + Math.exp(-swish)), 1 / (1 + Math.exp(2 * swish)), 0.5, 0.5];
  expectClose("first", y.slice(0, 2), gates.slice(0, 2), 1e-6);
  expectClose("second", y.slice(512, 514), gates.slice(2), 1e-6);
  expect(() => excite(zeros([1, 6, 6, 1]), ones([1, 16, 16, 2]), inferenceMode())).toThrow(
    "expected a height that 4 divides, got [1,6,6,1]",
  );
});

it("each picture has the quarter of its number", async () => {
  const x = tensor([1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4], [4, 2, 2, 1]);
  expect([...(await quarter(x, tensor([3, 0, 2, 1], [4, 1, 1, 1])).data<"float32">())]).toEqual([4, 1, 3, 2]);
});

it("reconstruction is the mean distance of what is decoded from the picture and from a quarter of it", async () => {
  const real = tensor(new Float32Array(2 * 64 * 64).fill(0.5), [2, 64, 64, 1]);
  const drawn = (size: number, value: number) => (x: Tensor) =>
    tensor(new Float32Array(x.shape[0] * size * size).fill(value), [x.shape[0], size, size, 1]);
  const regularizer = reconstruction(3, {
    features: () => ({ early: zeros([2, 16, 16, 4]), late: zeros([2, 8, 8, 4]) }),
    decoders: { whole: drawn(32, 0.3), part: drawn(32, -0.5) },
  });
  const critique = { real, augment: (x: Tensor) => x, key: (purpose: string) => () => deriveKey(1, purpose) };
  const [value] = await regularizer.term(critique as unknown as Critique).data<"float32">();
  expect(value).toBeCloseTo(0.2 + 1, 5);
  expect(regularizer.weight(0)).toBe(3);
});

describe("steps are finite and captured", () => {
  const cases: Readonly<Record<string, FastganOptions>> = {
    "without classes": {},
    "with a projection": { classes: 2 },
    "with an auxiliary classifier, of grey pictures": { classes: 2, condition: "auxiliary", channels: 1 },
    "at 64², with two resolutions excited": {
      ...{ resolution: 64, widths: [4, 4, 4, 4, 4], criticWidths: [6, 4, 4, 4] },
    },
  };
  for (const [name, options] of Object.entries(cases)) {
    it(name, async () => {
      const gan = createGan(tiny(options));
      for (let i = 0; i < 3; i++) {
        const { discriminator, generator } = await step(gan, `${i}`);
        for (const { loss } of [discriminator, generator]) expect(Math.abs(loss)).toBeLessThan(100);
        expect(discriminator.signals.reconstruction).toBeGreaterThan(0);
      }
      expect(gan.stepStatus).toBe("captured");
      gan.dispose();
    });
  }
});

it("the gradient with the reconstruction is that of differences of the loss", async () => {
  const gan = createGan({ ...tiny({ classes: 2 }), learningRate: 0, beta1: 0, capture: false });
  for (const player of ["discriminator", "generator"] as const) {
    const { slope, difference } = await derivatives(gan, player, step, { h: 1e-4, along: "uphill" });
    expect(slope).toBeGreaterThan(0.1);
    expect(Math.abs(slope - difference)).toBeLessThan(0.03 * slope);
  }
  gan.dispose();
});

it("the reconstruction falls where the discriminator learns to draw what it sees", async () => {
  const gan = createGan({ ...tiny({ learningRate: 5e-3 }), augment: undefined });
  const shape = [2, 32, 32, 3] as const;
  const data = Uint8Array.from({ length: 2 * 32 * 32 * 3 }, (_, i) => (i < 32 * 32 * 3 ? 30 : 220));
  const at: number[] = [];
  for (let i = 0; i < 30; i++) {
    const { discriminator } = await gan.step({ image: { data, shape }, cursor: 0 });
    at.push(discriminator.signals.reconstruction);
  }
  expect(at.at(-1)).toBeLessThan(0.6 * at[0]);
  gan.dispose();
});

it("pictures are within [-1, 1] and depend on the class, and a checkpoint's recipe makes the same networks again", async () => {
  const settings = tiny({ classes: 3 });
  const gan = createGan(settings);
  const z = noise("z", [1, 5]) as Tensor2D;
  const [first, second] = await Promise.all(
    [0, 1].map((label) => gan.generate(z, [label]).data<"float32">()),
  );
  expect(first.every((value) => Math.abs(value) <= 1)).toBe(true);
  expect(first).not.toEqual(second);
  const again = fastgan(JSON.parse(JSON.stringify(settings.recipe!.options)));
  for (const side of ["generator", "discriminator"] as const) {
    const shapes = ({ parameters }: Network) =>
      Object.entries(parameters).map(([key, { shape }]) => [key, shape]);
    expect(shapes(again[side])).toEqual(shapes(settings[side]));
  }
  gan.dispose();
});

it("refuses what cannot be, and says why", () => {
  const refusals: readonly (readonly [FastganOptions, string])[] = [
    [{ resolution: 16 as never }, "expected resolution 32, 64, 128 or 256, got 16"],
    [{ size: "huge" as never }, "expected size nano, small, full, got huge"],
    [{ widths: [4, 4] }, "expected 4 widths from 1 to 4096 for resolution 32, got [4,4]"],
    [{ criticWidths: [4] }, "expected 3 criticWidths from 1 to 4096 for resolution 32, got [4]"],
    [{ channels: 2 as never }, "expected channels 1 or 3, got 2"],
    [{ latent: 0 }, "expected latent to be a whole number from 1 to 4096, got 0"],
    [{ condition: "auxiliary" }, "expected classes for a condition, got 0"],
    [{ reconstruction: 0 }, "expected reconstruction above 0, got 0"],
  ];
  for (const [options, message] of refusals) expect(() => fastgan(options)).toThrow(message);
});
