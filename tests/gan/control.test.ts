import { matMul, ones, reshape, slice, type Tensor2D, tensor, tidy } from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { diffAugment } from "../../src/gan/augment.ts";
import { type Controller, gammaController } from "../../src/gan/controller.ts";
import type { Gan } from "../../src/gan/gan.ts";
import { wasserstein } from "../../src/gan/losses.ts";
import { consistency, lecam, pathLength, r1, r2 } from "../../src/gan/regularizers.ts";
import type { GanSettings } from "../../src/gan/settings.ts";
import { best } from "../../src/gan/top-k.ts";
import { dense } from "../../src/nn/layers.ts";
import { network } from "../../src/nn/network.ts";
import { cosine, linear } from "../../src/optim/schedule.ts";
import { useBuild } from "../builds.ts";
import { batch, linearCritic, pictures, size, smoothCritic, still } from "./small-gan.ts";

beforeAll(useBuild);

const step = (gan: Gan, name = "real", count = batch) =>
  gan.step({ image: pictures(name, count), cursor: 0 });

const bytesOf = async (gan: Gan) => {
  const { tensors, metadata } = await gan.state();
  return { metadata, data: Object.values(tensors).map(({ data }) => [...data]) };
};

/** A GAN that learns. */
const moving = (settings: Partial<GanSettings>) => still({ learningRate: 1e-3, ...settings });

describe("lazy regularisation", () => {
  it("counts a term in every so many steps, so many times as much", async () => {
    const gan = still({ discriminator: linearCritic(), regularizers: [r1(3, { every: 4 })] });
    for (let i = 0; i < 9; i++) {
      const { signals, loss } = (await step(gan)).discriminator;
      expect("r1" in signals).toBe(i % 4 === 0);
      if (i % 4 === 0) expect(loss - signals.adversarial).toBeCloseTo(4 * 3 * signals.r1, 5);
    }
    gan.dispose();
  });

  it("captures each kind of step by itself, to the same bits", async () => {
    const run = async (capture: boolean) => {
      const regularizers = [r1(3, { every: 2 }), r2(cosine(2, 0.1), { every: 3 }), lecam()];
      const gan = moving({ regularizers, capture, augment: diffAugment(), kimg: 0.1, clipNorm: 0.5 });
      const statuses: string[] = [];
      for (let i = 0; i < 24; i++) {
        await step(gan, `${i}`);
        statuses.push(gan.stepStatus);
      }
      const result = await bytesOf(gan);
      gan.dispose();
      return { statuses, result };
    };
    const captured = await run(true);
    expect(captured.statuses.slice(-6)).toEqual(Array(6).fill("captured"));
    expect(captured.result).toEqual((await run(false)).result);
  });
});

describe("batches", () => {
  /** Generates the same picture whatever the latent. */
  const constantGenerator = () =>
    network(5, "generator", (to) => {
      const draw = dense(to, "picture", { inputs: 1, outputs: size * size * 3, std: 0.5 });
      return (z, mode) => reshape(draw(ones([z.shape[0], 1]), mode), [-1, size, size, 3]);
    });

  it("gradients accumulated over portions are those of the whole batch", async () => {
    const firstMoments = async (accumulate: number) => {
      const gan = still({ generator: constantGenerator(), accumulate, regularizers: [r1(2), r2(1)] });
      const { discriminator, generator } = await step(gan);
      const { tensors } = await gan.state();
      gan.dispose();
      const moments = Object.entries(tensors).filter(([name]) => name.includes("adam-first"));
      return { losses: [discriminator.loss, generator.loss], moments };
    };
    const [whole, portions] = [await firstMoments(1), await firstMoments(4)];
    for (const [i, loss] of whole.losses.entries()) expect(portions.losses[i]).toBeCloseTo(loss, 5);
    for (const [i, [name, { data }]] of whole.moments.entries()) {
      for (const [j, value] of data.entries()) {
        expect(portions.moments[i][1].data[j], name).toBeCloseTo(value, 5);
      }
    }
  });

  it("each of the discriminator's turns has pictures of its own", async () => {
    const gan = still({ discriminator: linearCritic(), discriminatorSteps: 3, loss: wasserstein });
    expect(gan.imagesPerStep).toBe(3 * batch);
    const { signals } = (await step(gan, "many", 3 * batch)).discriminator;
    const { data, shape } = pictures("many", 3 * batch);
    const last = tidy(() =>
      slice(
        tensor(
          Float32Array.from(data, (byte) => byte / 127.5 - 1),
          [...shape],
        ),
        [2 * batch, 0, 0, 0],
        [batch, -1, -1, -1],
      ),
    );
    const logits = await gan.critique(last as never).data();
    expect(signals.realLogit).toBeCloseTo((logits as Float32Array).reduce((a, b) => a + b) / batch, 4);
    expect(gan.imagesSeen).toBe(3 * batch);
    await expect(step(gan)).rejects.toThrow(/expected pictures \[12,6,6,3\], got \[4,6,6,3\]/);
    gan.dispose();
  });

  it("a clipped gradient has the length allowed", async () => {
    const gan = still({ clipNorm: 0.01 });
    const { gradientNorm } = (await step(gan)).discriminator;
    expect(gradientNorm).toBeGreaterThan(0.02);
    const { tensors } = await gan.state();
    let squares = 0;
    for (const [name, { data }] of Object.entries(tensors)) {
      if (name.startsWith("discriminator.adam-first")) for (const value of data) squares += value ** 2;
    }
    expect(Math.sqrt(squares)).toBeCloseTo(0.01, 5);
    gan.dispose();
  });
});

describe("top-k", () => {
  it("selects the largest in falling order, of equals the first", async () => {
    const logits = tensor([3, 5, 1, 5, 4], [5, 1]);
    expect(await best(logits, 3).array()).toEqual([
      [0, 1, 0, 0, 0],
      [0, 0, 0, 1, 0],
      [0, 0, 0, 0, 1],
    ]);
  });

  it("lets the generator learn from the pictures rated best, fewer and fewer", async () => {
    const gan = still({ loss: wasserstein, topK: linear(1, 0.25), kimg: 0.02 });
    const losses: number[] = [];
    for (let i = 0; i < 5; i++) losses.push((await step(gan)).generator.loss);
    gan.dispose();
    const all = still({ loss: wasserstein, kimg: 0.02 });
    for (let i = 0; i < 5; i++) {
      const { loss } = (await step(all)).generator;
      if (i < 1) expect(losses[i]).toBeCloseTo(loss, 5);
      // The loss is minus the mean rating: of fewer, better ones it is lower.
      else expect(losses[i]).toBeLessThanOrEqual(loss + 1e-6);
    }
    expect(losses[4]).toBeLessThan(losses[0]);
    all.dispose();
  });
});

describe("controllers", () => {
  it("hear what a step observed and are resumed exactly", async () => {
    const counting: Controller = {
      name: "count",
      initial: 0.5,
      next: (value, signals, images) => value + images * Math.sign(signals.adversarial),
    };
    const make = () => moving({ regularizers: [r1(1), lecam()], controllers: [counting, gammaController()] });
    const gan = make();
    for (let i = 0; i < 5; i++) await step(gan, `${i}`);
    expect(gan.controls.count).toBe(0.5 + 5 * batch);
    expect(gan.controls["lecam-real"]).not.toBe(0);
    const state = await gan.state();
    const other = make();
    other.restore(state);
    expect(other.controls).toEqual(gan.controls);
    for (const one of [gan, other]) for (let i = 5; i < 8; i++) await step(one, `${i}`);
    expect(await bytesOf(other)).toEqual(await bytesOf(gan));
    const { controls: _, ...metadata } = state.metadata;
    expect(() => other.restore({ ...state, metadata })).toThrow(/"controls" to hold a number for "count"/);
    gan.dispose();
    other.dispose();
  });

  it("gamma grows where the penalty is large beside the loss, shrinks where it is small, within bounds", () => {
    const { next } = gammaController({ target: 0.3, images: 1000, range: 10 });
    expect(next(1, { penalty: 0.3, adversarial: 1 }, 100)).toBeCloseTo(1, 12);
    expect(next(1, { penalty: 3, adversarial: 1 }, 100)).toBeCloseTo(Math.exp(0.1), 12);
    expect(next(1, { penalty: 0.03, adversarial: 1 }, 100)).toBeCloseTo(Math.exp(-0.1), 12);
    expect(next(10, { penalty: 3, adversarial: 1 }, 100)).toBe(10);
    expect(next(2, {}, 100)).toBe(2);
  });

  it("multiply the weight that they are for", async () => {
    const gan = still({
      regularizers: [r1(2)],
      controllers: [{ ...gammaController(), initial: 5, next: (value) => value }],
    });
    const { loss, signals } = (await step(gan)).discriminator;
    expect(loss - signals.adversarial).toBeCloseTo(5 * 2 * signals.r1, 4);
    gan.dispose();
  });
});

describe("classes", () => {
  it("reach both networks as ones in rows, for generated pictures those of the real ones", async () => {
    const seen: Record<string, number[][]> = {};
    const watching = (name: string, of: ReturnType<typeof linearCritic>) => ({
      ...of,
      apply: ((x, mode) => {
        seen[`${name} ${x.shape[0]}`] = mode.labels!.arraySync() as number[][];
        return of.apply(x, mode);
      }) as typeof of.apply,
    });
    const gan = still({
      discriminator: watching("discriminator", smoothCritic()),
      classes: 3,
      capture: false,
    });
    await gan.step({ image: pictures("real"), label: [2, 0, 1, 1], cursor: 0 });
    const rows = [
      [0, 0, 1],
      [1, 0, 0],
      [0, 1, 0],
      [0, 1, 0],
    ];
    expect(seen[`discriminator ${2 * batch}`]).toEqual([...rows, ...rows]);
    expect(seen[`discriminator ${batch}`]).toEqual(rows);
    for (const [label, message] of [
      [undefined, /class of each picture, of 3 classes, got none/],
      [[0, 1], /expected 4, one for each picture, got 2/],
      [[0, 1, 2, 3], /from 0 to 2, got 3 at 3/],
    ] as const) {
      await expect(gan.step({ image: pictures("real"), label, cursor: 0 })).rejects.toThrow(message);
    }
    gan.dispose();
  });

  it("an auxiliary classifier that knows nothing costs ln(classes) a side", async () => {
    const blind = network(6, "blind", (to) => {
      const none = to.constant("none", [size * size * 3, 4], 0);
      return (x) => matMul(reshape(x, [x.shape[0], -1]) as Tensor2D, none as unknown as Tensor2D);
    });
    const gan = still({ discriminator: blind, classes: 3, auxiliary: { weight: 0.5 }, loss: wasserstein });
    const { discriminator, generator } = await gan.step({
      image: pictures("real"),
      label: [0, 1, 2, 0],
      cursor: 0,
    });
    expect(discriminator.loss).toBeCloseTo(Math.log(3), 5);
    expect(generator.loss).toBeCloseTo(Math.log(3) / 2, 5);
    gan.dispose();
  });
});

it("refuses what cannot be, and says why", () => {
  const refusals: readonly [Partial<GanSettings>, RegExp][] = [
    [{ regularizers: [pathLength()] }, /pathLength: expected a generator with a mapping network/],
    [{ regularizers: [consistency()] }, /consistency: expected an augmentation/],
    [{ regularizers: [r1(1), r1(2)] }, /"r1" twice/],
    [{ controllers: [gammaController()] }, /expected r1 or r2 for gammaController/],
    [{ controllers: [gammaController()], regularizers: [r1(1)], loss: wasserstein }, /never below 0/],
    [{ auxiliary: { weight: 1 } }, /expected classes for an auxiliary classifier, got 0/],
    [{ accumulate: 3 }, /accumulate to divide the batch of 4, got 3/],
    [{ clipNorm: 0 }, /clipNorm above 0/],
    [{ learningRate: -1 }, /learningRate of at least 0, got -1/],
    [{ discriminatorSteps: 0 }, /discriminatorSteps to be a whole number above 0, got 0/],
  ];
  for (const [settings, message] of refusals) expect(() => still(settings)).toThrow(message);
  expect(() => r1(-1)).toThrow(/r1: expected a weight of at least 0, got -1/);
  expect(() => r1(1, { every: 0 })).toThrow(/every to be a whole number/);
});
