import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { CheckpointError, NonFiniteError } from "../../src/errors.ts";
import { createGan, type Gan } from "../../src/gan/gan.ts";
import { nonSaturating } from "../../src/gan/losses.ts";
import { sample } from "../../src/gan/sample.ts";
import type { TrainingState } from "../../src/gan/state.ts";
import { type Report, train } from "../../src/gan/train.ts";
import { networkOf } from "../../src/nn/network.ts";
import { assignStep } from "../../src/ops/in-place.ts";
import { dcgan } from "../../src/recipes/dcgan.ts";
import { useBuild } from "../builds.ts";
import { noisePictures } from "./fixtures.ts";

beforeAll(useBuild);

const small = { resolution: 32, widths: [6, 5, 4], latent: 7, batch: 4, kimg: 0.04, seed: 3 } as const;

async function steps(gan: Gan, count: number): Promise<Report[]> {
  const reports: Report[] = [];
  if (count === 0) return reports;
  for await (const report of train(gan, noisePictures())) {
    reports.push(report);
    if (reports.length === count) break;
  }
  return reports;
}

const bytesOf = ({ tensors }: TrainingState): Record<string, number[]> =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, { data }]) => [name, [...new Uint32Array(data.buffer)]]),
  );

describe("train", () => {
  it("reports every step until kimg is reached", async () => {
    const gan = createGan(dcgan(small));
    const reports = await steps(gan, Number.POSITIVE_INFINITY);
    expect(reports.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(reports.at(-1)).toMatchObject({ imagesSeen: 40, kimg: 0.04, progress: 1, skipped: [] });
    for (const { losses, gradientNorms, seconds } of reports) {
      for (const value of [...Object.values(losses), ...Object.values(gradientNorms), seconds]) {
        expect(value).toBeGreaterThan(0);
      }
    }
    gan.dispose();
  });

  it("goes on after a restore with the very bits of an uninterrupted run", async () => {
    const whole = createGan(dcgan(small));
    await steps(whole, 6);
    const first = createGan(dcgan(small));
    await steps(first, 2);
    const saved = await first.state();
    const second = createGan(dcgan({ ...small, seed: 99 }));
    second.restore(saved);
    await steps(second, 4);
    const [expected, found] = [await whole.state(), await second.state()];
    expect(bytesOf(found)).toEqual(bytesOf(expected));
    expect({ ...found.metadata, recipe: "" }).toEqual({ ...expected.metadata, recipe: "" });
    expect(await sample(second, { count: 3, seed: 1 })).toEqual(await sample(whole, { count: 3, seed: 1 }));
    for (const gan of [whole, first, second]) gan.dispose();
  });

  it("ends after the step under way when its signal aborts", async () => {
    const gan = createGan(dcgan(small));
    const stop = new AbortController();
    let count = 0;
    for await (const _ of train(gan, noisePictures(), { signal: stop.signal })) {
      count++;
      stop.abort();
    }
    expect(count).toBe(1);
    expect(gan.stepsDone).toBe(1);
    gan.dispose();
  });

  it("leaks no tensor and no heap in 500 steps", async () => {
    const settings = { ...small, widths: [4, 4, 4], batch: 2, kimg: 100 } as const;
    const before = tf.memory();
    const gan = createGan(dcgan(settings));
    await steps(gan, 4);
    const settled = { ...tf.memory() };
    await steps(gan, 500);
    expect({ ...tf.memory() }).toEqual(settled);
    gan.dispose();
    expect({ ...tf.memory(), heapBytesReserved: 0 }).toEqual({ ...before, heapBytesReserved: 0 });
  });

  it("stops at a non-finite loss, naming the step, with the weights of the step before", async () => {
    const gan = createGan(dcgan({ ...small, learningRate: [1e-3, 1e-3] }));
    await steps(gan, 1);
    const before = bytesOf(await gan.state());
    const { parameters } = gan.game.players.generator.network;
    const bias = parameters["32.bias"];
    const good = bias.clone();
    bias.assign(tf.fill(bias.shape, Number.NaN));
    await expect(steps(gan, 1)).rejects.toThrow(NonFiniteError);
    await expect(steps(gan, 1)).rejects.toThrow(/step 2: the discriminator's loss is NaN/);
    bias.assign(good);
    good.dispose();
    expect(bytesOf(await gan.state())).toEqual(before);
    expect(gan.stepsDone).toBe(1);
    gan.dispose();
  });

  for (const capture of [true, false]) {
    it(`undoes the discriminator's update when the generator's turn of a ${capture ? "captured" : "plain"} step is not finite`, async () => {
      const scale = tf.variable(tf.scalar(1), false);
      const generator: typeof nonSaturating.generator = (fake, real) =>
        tf.mul(nonSaturating.generator(fake, real), scale);
      const gan = createGan({ ...dcgan(small), capture, loss: { ...nonSaturating, generator } });
      await steps(gan, 3);
      expect(gan.stepStatus).toMatch(capture ? /^captured$/ : /off/);
      const before = await gan.state();
      tf.tidy(() => assignStep(scale, tf.scalar(Number.POSITIVE_INFINITY)));
      await expect(steps(gan, 1)).rejects.toThrow(/step 4: the generator's loss is Infinity/);
      const after = await gan.state();
      expect(bytesOf(after)).toEqual(bytesOf(before));
      expect(after.metadata).toEqual(before.metadata);
      tf.tidy(() => assignStep(scale, tf.scalar(1)));
      await steps(gan, 1);
      scale.dispose();
      gan.dispose();
    });
  }

  it("refuses data of another resolution, saying both", async () => {
    const gan = createGan(dcgan(small));
    const reports = train(gan, noisePictures({ resolution: 64 }));
    await expect(reports.next()).rejects.toThrow(/expected pictures of 32×32×3, got 64×64×3/);
    gan.dispose();
  });
});

describe("restore", () => {
  it("refuses a state of other networks and changes nothing", async () => {
    const gan = createGan(dcgan(small));
    const other = createGan(dcgan({ ...small, widths: [6, 5, 3] }));
    const before = bytesOf(await gan.state());
    const foreign = await other.state();
    expect(() => gan.restore(foreign)).toThrow(CheckpointError);
    expect(() => gan.restore(foreign)).toThrow(/expected "generator\/16.weight" to be float32/);
    expect(() => gan.restore({ tensors: {}, metadata: {} })).toThrow(
      /expected format "ganvil-training-state"/,
    );
    const whole = await gan.state();
    const negative = { ...whole, metadata: { ...whole.metadata, step: "-1" } };
    expect(() => gan.restore(negative)).toThrow(/"step" to be a whole number, got "-1"/);
    expect(bytesOf(await gan.state())).toEqual(before);
    gan.dispose();
    other.dispose();
  });
});

describe("sample", () => {
  it("gives the same pictures for a seed whatever the count and batch", async () => {
    const gan = createGan(dcgan({ ...small, kimg: 0.2, learningRate: [0.01, 0.01] }));
    await steps(gan, 50);
    const five = await sample(gan, { count: 5, seed: 2, batch: 2 });
    const three = await sample(gan, { count: 3, seed: 2, batch: 64 });
    expect(five.shape).toEqual([5, 32, 32, 3]);
    expect(five.data.slice(0, three.data.length)).toEqual(three.data);
    expect((await sample(gan, { count: 3, seed: 3 })).data).not.toEqual(three.data);
    gan.dispose();
  });

  it("tells how many are drawn, and stops between batches", async () => {
    const gan = createGan(dcgan(small));
    const stop = new AbortController();
    const done: number[] = [];
    const onProgress = (count: number): void => {
      done.push(count);
      if (count === 4) stop.abort();
    };
    await sample(gan, { count: 3, batch: 2, onProgress });
    expect(done).toEqual([2, 3]);
    await expect(sample(gan, { count: 7, batch: 2, onProgress, signal: stop.signal })).rejects.toMatchObject({
      name: "AbortError",
    });
    expect(done).toEqual([2, 3, 2, 4]);
    gan.dispose();
  });
});

describe("createGan", () => {
  it("trains one's own functions with their variables", async () => {
    const weight = tf.variable(tf.fill([2, 12], 0.1));
    const slope = tf.variable(tf.fill([12, 1], 0.1));
    const gan = createGan({
      generator: networkOf({ weight }, (z) =>
        tf.reshape(tf.tanh(tf.matMul(z as tf.Tensor2D, weight as never)), [-1, 2, 2, 3]),
      ),
      discriminator: networkOf({ slope }, (x) => tf.matMul(tf.reshape(x, [-1, 12]), slope as never)),
      ...{ latent: 2, resolution: 2, batch: 4, kimg: 0.02 },
    });
    const before = await weight.data();
    for await (const _ of train(gan, noisePictures({ resolution: 2 })));
    expect(gan.stepsDone).toBe(5);
    expect(await weight.data()).not.toEqual(before);
    gan.dispose();
  });

  it.each([
    [{ batch: -1 }, /expected batch to be a whole number above 0, got -1/],
    [{ latent: 1.5 }, /expected latent to be a whole number above 0, got 1.5/],
    [{ kimg: 0 }, /expected kimg above 0, got 0/],
    [{ seed: 2 ** 32 }, /expected seed to be a whole number from 0 to 4294967295/],
    [{ generator: undefined as never }, /expected generator to be a network/],
  ])("refuses %o", (wrong, message) => {
    expect(() => createGan({ ...dcgan(small), ...wrong })).toThrow(message);
  });
});
