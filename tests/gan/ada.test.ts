import {
  add,
  fill,
  randomUniform,
  scalar,
  sub,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  tensor,
  tidy,
} from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { type AdaOptions, ada } from "../../src/gan/ada.ts";
import { apa } from "../../src/gan/apa.ts";
import { type Augment, diffAugment } from "../../src/gan/augment.ts";
import type { Gan } from "../../src/gan/gan.ts";
import { relativisticPairing } from "../../src/gan/losses.ts";
import { r1, r2 } from "../../src/gan/regularizers.ts";
import { strengthController } from "../../src/gan/strength.ts";
import { deriveKey } from "../../src/random.ts";
import { useBuild } from "../builds.ts";
import { expectClose } from "../ops/check.ts";
import { derivatives } from "./derivatives.ts";
import { batch, pictures, smoothCritic, still } from "./small-gan.ts";

beforeAll(useBuild);

/** Pictures as a turn of this seed changes them, each with probability p. */
const changed = (augment: Augment, x: Tensor4D, p: number, seed = 1): Tensor4D =>
  augment.apply(x, { key: (purpose) => deriveKey(seed, purpose), control: () => scalar(p) });

const noise = (count: number, size = 8, channels = 3): Tensor4D =>
  randomUniform([count, size, size, channels], -1, 1, "float32", 7);

/** The largest change of each picture. */
async function changes(x: Tensor4D, y: Tensor4D): Promise<number[]> {
  const [before, after] = [await x.data(), await y.data()];
  const size = x.size / x.shape[0];
  return Array.from({ length: x.shape[0] }, (_, n) => {
    let most = 0;
    for (let i = n * size; i < (n + 1) * size; i++) most = Math.max(most, Math.abs(after[i] - before[i]));
    return most;
  });
}

const step = (gan: Gan, name = "real") => gan.step({ image: pictures(name), cursor: 0 });

describe("adaptive augmentation", () => {
  it("changes nothing with probability 0", async () => {
    for (const channels of [1, 3]) {
      const x = noise(16, 8, channels);
      const y = changed(ada({ noise: 0.1, cutout: 0.5 }), x, 0);
      expect(Math.max(...(await changes(x, y)))).toBeLessThan(2e-6);
    }
  });

  it("leaves as many pictures alone as its probabilities say", async () => {
    const [count, p] = [2000, 0.15];
    const x = noise(count);
    const left = (await changes(x, changed(ada(), x, p))).filter((most) => most < 1e-5).length / count;
    // Flips draw a side, quarter turns one of four, blits at 8 pixels move by a whole one along an axis half of the time.
    const blits = (1 - p / 2) * (1 - (3 * p) / 4) * (1 - (3 * p) / 4);
    // Scale, both rotations, stretching, shifts; brightness, contrast, luma flip, hue, saturation.
    const expected = blits * (1 - p) ** 4 * (1 - p) ** 4 * (1 - p / 2);
    expect(Math.abs(left - expected)).toBeLessThan(4 * Math.sqrt((expected * (1 - expected)) / count));
  });

  it("keeps a plain picture plain, and a grey one grey", async () => {
    const plain = changed(ada(), add(fill([32, 8, 8, 3], 0), tensor([0.4, -0.1, 0.2])) as Tensor4D, 1);
    const values = await plain.array();
    for (const picture of values) {
      for (const row of picture) for (const pixel of row) expectClose("plain", pixel, picture[0][0], 1e-4);
    }
    const grey = await changed(ada(), add(noise(32, 8, 1), fill([1, 1, 1, 3], 0)) as Tensor4D, 1).array();
    for (const [r, g, b] of grey.flat(2)) expectClose("grey", [g, b], [r, r], 1e-4);
  });

  it("turns hue and saturation about the luma axis: the channels' mean depends on theirs alone", async () => {
    const meansOf = async (colour: readonly number[]) => {
      const y = changed(ada(), add(fill([32, 8, 8, 3], 0), tensor([...colour])) as Tensor4D, 1);
      return (await y.array()).map(([[[r, g, b]]]) => (r + g + b) / 3);
    };
    expectClose("means", await meansOf([0.9, -0.3, 0.3]), await meansOf([0.3, 0.3, 0.3]), 1e-4);
  });

  it("is affine in the pictures", async () => {
    const [x, y] = [noise(8), sub(noise(8), 0.3) as Tensor4D];
    const zero = fill([8, 8, 8, 3], 0) as Tensor4D;
    const apply = (z: Tensor) => changed(ada(), z as Tensor4D, 1);
    const both = tidy(() => sub(add(apply(x), apply(y)), apply(zero)));
    expectClose("sum", await apply(add(x, y)).data(), await both.data(), 1e-4);
  });

  it("draws the same for the same keys", async () => {
    const x = noise(8);
    const options: AdaOptions = { noise: 0.1, cutout: 0.5 };
    const values = async (seed: number) => [...(await changed(ada(options), x, 1, seed).data())];
    expect(await values(3)).toEqual(await values(3));
    expect(await values(4)).not.toEqual(await values(3));
  });
});

it("cutout blackens a rectangle of its size where that is inside", async () => {
  const ones = fill([200, 16, 16, 3], 1) as Tensor4D;
  const plain = { brightness: 0, saturation: 0, contrast: 0, translation: 0 };
  const areas = (await changed(diffAugment({ ...plain, cutout: 0.5 }), ones, 1).array()).map(
    (picture) => picture.flat().filter(([red]) => red === 0).length,
  );
  expect(Math.max(...areas)).toBe(64);
  expect(Math.min(...areas)).toBeGreaterThanOrEqual(16);
});

describe("penalties through the pipe have the derivative of their differences", () => {
  const pipes = {
    ada: ada({ initial: 1, most: 1, fixed: true, noise: 0.1, cutout: 0.3 }),
    apa: apa({ initial: 0.5, fixed: true }),
  };
  for (const [name, augment] of Object.entries(pipes)) {
    it(name, async () => {
      const gan = still({
        discriminator: smoothCritic(),
        ...{ loss: relativisticPairing, regularizers: [r1(5), r2(5)], augment, capture: false },
      });
      for (const player of ["discriminator", "generator"] as const) {
        const { slope, difference } = await derivatives(gan, player, step);
        expect(Math.abs(slope)).toBeGreaterThan(1e-4);
        expect(Math.abs(slope - difference)).toBeLessThan(0.01 * Math.abs(slope) + 1e-3);
      }
      gan.dispose();
    });
  }
});

it("pseudo augmentation presents as many generated pictures as its probability says", async () => {
  const [count, p] = [2000, 0.3];
  const [real, fake] = [fill([count, 1, 1, 3], 1), fill([count, 1, 1, 3], -1)] as Tensor4D[];
  const turn = { key: (purpose: string) => deriveKey(2, purpose), control: () => scalar(p) };
  const shown = await apa().present!(real, fake, turn).data();
  const replaced = shown.filter((value) => value === -1).length / 3 / count;
  expect(Math.abs(replaced - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / count));
  expect(shown.every((value) => Math.abs(value) === 1)).toBe(true);
});

it("pseudo augmentation presents a picture of the real one's class", async () => {
  const fake = tensor([0.1, 0.2, 0.3, 0.4], [4, 1, 1, 1]) as Tensor4D;
  const turn = { key: (purpose: string) => deriveKey(2, purpose), control: () => scalar(1) };
  const present = async (labels?: Tensor2D) =>
    apa().present!(fill([4, 1, 1, 1], 1) as Tensor4D, fake, { ...turn, labels }).data();
  expectClose("of classes", await present(fill([4, 2], 0) as Tensor2D), [0.1, 0.2, 0.3, 0.4], 1e-6);
  expectClose("of none", await present(), [0.4, 0.3, 0.2, 0.1], 1e-6);
});

describe("the strength", () => {
  it("grows where the discriminator overfits, falls where it does not, within bounds", () => {
    const { next } = strengthController("ada", { target: 0.6, adjustKimg: 1, most: 0.8 });
    expect(next(0.5, { realSign: 0.6 }, 32)).toBeCloseTo(0.5, 12);
    expect(next(0.5, { realSign: 1 }, 32)).toBeCloseTo(0.532, 12);
    expect(next(0.5, { realSign: 0.5 }, 32)).toBeCloseTo(0.484, 12);
    expect(next(0.79, { realSign: 1 }, 32)).toBe(0.8);
    expect(next(0.01, { realSign: -1 }, 32)).toBe(0);
    expect(next(0.3, {}, 32)).toBe(0.3);
  });

  it("refuses what is no probability", () => {
    expect(() => ada({ target: 2 })).toThrow(/ada: expected target from 0 to 1, got 2/);
    expect(() => apa({ adjustKimg: 0 })).toThrow(/apa: expected adjustKimg above 0, got 0/);
    expect(() => ada({ cutout: -1 })).toThrow(/cutout from 0 to 1, got -1/);
  });

  it("follows a discriminator that learns four pictures by heart, in captured steps", async () => {
    const gan = still({
      augment: ada({ adjustKimg: 0.2 }),
      learningRate: { generator: 0, discriminator: 0.02 },
    });
    for (let i = 0; i < 60; i++) await step(gan, "same");
    expect(gan.stepStatus).toBe("captured");
    expect(gan.controls.ada).toBeGreaterThan(0.04);
    expect(gan.imagesSeen).toBe(60 * batch);
    gan.dispose();
  });

  it("goes on exactly from a state", async () => {
    const made = () =>
      still({ augment: apa({ initial: 0.2 }, ada({ initial: 0.3, adjustKimg: 0.2 })), learningRate: 0.01 });
    const [whole, resumed] = [made(), made()];
    for (let i = 0; i < 4; i++) await step(whole, `${i}`);
    resumed.restore(await whole.state());
    for (const gan of [whole, resumed]) for (let i = 4; i < 8; i++) await step(gan, `${i}`);
    expect(whole.controls.ada).not.toBe(0.3);
    expect(whole.controls.apa).not.toBe(0.2);
    expect(await resumed.state()).toEqual(await whole.state());
    for (const gan of [whole, resumed]) gan.dispose();
  });
});
