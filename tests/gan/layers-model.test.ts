import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { beforeAll, describe, expect, it } from "vitest";
import { createGan, type Gan } from "../../src/gan/gan.ts";
import { sample } from "../../src/gan/sample.ts";
import type { TrainingState } from "../../src/gan/state.ts";
import { train } from "../../src/gan/train.ts";
import { fromLayersModel, type Network } from "../../src/nn/network.ts";
import { useBuild } from "../builds.ts";
import { checkNoLeak } from "../ops/check.ts";
import { noisePictures } from "./fixtures.ts";

beforeAll(useBuild);

const { layers } = tfl;

const generator = (): tfl.Sequential =>
  tfl.sequential({
    layers: [
      layers.dense({ name: "first", inputShape: [5], units: 4 * 4 * 6, useBias: false }),
      layers.reshape({ targetShape: [4, 4, 6] }),
      layers.batchNormalization(),
      layers.reLU(),
      layers.conv2dTranspose({ filters: 5, kernelSize: 4, strides: 2, padding: "same" }),
      layers.batchNormalization({ momentum: 0.9 }),
      layers.leakyReLU({ alpha: 0.2 }),
      layers.upSampling2d({ size: [2, 2] }),
      layers.conv2d({ filters: 3, kernelSize: 3, padding: "same", activation: "tanh" }),
    ],
  });

const discriminator = ({ dropout = 0 } = {}): tfl.Sequential =>
  tfl.sequential({
    layers: [
      layers.conv2d({ inputShape: [16, 16, 3], filters: 6, kernelSize: 4, strides: 2, padding: "same" }),
      layers.leakyReLU({ alpha: 0.2 }),
      ...(dropout > 0 ? [layers.dropout({ rate: dropout })] : []),
      layers.conv2d({ filters: 7, kernelSize: 4, strides: 2, padding: "same" }),
      layers.batchNormalization(),
      layers.leakyReLU({ alpha: 0.2 }),
      layers.flatten(),
      layers.dense({ units: 1 }),
    ],
  });

const ganOf = (g: tfl.LayersModel, d: tfl.LayersModel): Gan =>
  createGan({
    generator: fromLayersModel(g),
    discriminator: fromLayersModel(d),
    ...{ latent: 5, resolution: 16, batch: 4, kimg: 1, seed: 7 },
  });

async function steps(gan: Gan, count: number): Promise<void> {
  for await (const { step, losses } of train(gan, noisePictures({ resolution: 16 }))) {
    for (const loss of Object.values(losses)) expect(loss).toBeGreaterThan(0);
    if (step === count) return;
  }
}

const bytesOf = ({ tensors }: TrainingState): Record<string, number[]> =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, { data }]) => [name, [...new Uint32Array(data.buffer)]]),
  );

const training = { training: true, parts: 1, track: true, key: () => [0, 0] as const };

describe("a GAN of two tf.LayersModel", () => {
  it("trains every weight, follows the batch in its statistics, and draws pictures", () =>
    checkNoLeak(async () => {
      const gan = ganOf(generator(), discriminator({ dropout: 0.3 }));
      const before = bytesOf(await gan.state());
      await steps(gan, 3);
      const after = bytesOf(await gan.state());
      const moved = Object.keys(before).filter((name) => String(before[name]) !== String(after[name]));
      expect(moved).toEqual(Object.keys(before));
      const { data, shape } = await sample(gan, { count: 3, seed: 1 });
      expect(shape).toEqual([3, 16, 16, 3]);
      expect(new Set(data).size).toBeGreaterThan(3);
      gan.dispose();
    }));

  it("names weights by their position, what is not trained apart", () => {
    const other = generator();
    const { parameters, statistics } = fromLayersModel(generator());
    expect(Object.keys(parameters)).toEqual(
      ["0.kernel", "1.gamma", "2.beta", "5.kernel", "6.bias", "7.gamma", "8.beta", "11.kernel", "12.bias"], // biome-ignore format: one list
    );
    expect(Object.keys(statistics)).toEqual([
      "3.moving_mean",
      "4.moving_variance",
      "9.moving_mean",
      "10.moving_variance",
    ]);
    other.dispose();
    tf.dispose([...Object.values(parameters), ...Object.values(statistics)]);
  });

  it("goes on with other models built alike exactly as an uninterrupted run", async () => {
    const whole = ganOf(generator(), discriminator());
    const first = ganOf(generator(), discriminator());
    const initial = await whole.state();
    first.restore(initial);
    await steps(first, 2);
    const saved = await first.state();
    const second = ganOf(generator(), discriminator());
    second.restore(saved);
    expect(bytesOf(await second.state())).toEqual(bytesOf(saved));
    await steps(second, 4);
    await steps(whole, 4);
    expect(bytesOf(await second.state())).toEqual(bytesOf(await whole.state()));
    expect(await sample(second, { count: 2 })).toEqual(await sample(whole, { count: 2 }));
    for (const gan of [whole, first, second]) gan.dispose();
  });

  it("trains the model's own weights", async () => {
    const model = discriminator();
    const gan = ganOf(generator(), model);
    const before = [...model.getWeights()[0].dataSync()];
    await steps(gan, 1);
    expect([...model.getWeights()[0].dataSync()]).not.toEqual(before);
    gan.dispose();
  });
});

describe("fromLayersModel", () => {
  const dispose = ({ parameters, statistics }: Network) =>
    tf.dispose([...Object.values(parameters), ...Object.values(statistics)]);

  it("keeps frozen layers as they are", async () => {
    const model = generator();
    model.layers[0].trainable = false;
    const gan = ganOf(model, discriminator());
    const before = [...model.layers[0].getWeights()[0].dataSync()];
    await steps(gan, 2);
    expect([...model.layers[0].getWeights()[0].dataSync()]).toEqual(before);
    expect(Object.keys(gan.game.players.generator.network.statistics)).toContain("0.kernel");
    gan.dispose();
  });

  it("leaves statistics alone when the batch is not to be followed", () => {
    const network = fromLayersModel(discriminator());
    const x = tf.randomNormal([4, 16, 16, 3]);
    const values = () => Object.values(network.statistics).flatMap((v) => [...v.dataSync()]);
    const before = values();
    tf.tidy(() => void network.apply(x, { ...training, track: false }));
    expect(values()).toEqual(before);
    tf.tidy(() => void network.apply(x, training));
    expect(values()).not.toEqual(before);
    x.dispose();
    dispose(network);
  });

  it("gives each part of a batch statistics of its own", () => {
    const network = fromLayersModel(discriminator());
    const [a, b] = [tf.randomNormal([3, 16, 16, 3]), tf.randomNormal([3, 16, 16, 3], 2, 3)];
    const apply = (x: tf.Tensor, parts: number) =>
      tf.tidy(() => [...network.apply(x, { ...training, parts, track: false }).dataSync()]);
    const together = tf.concat([a, b]);
    expect(apply(together, 2)).toEqual([...apply(a, 1), ...apply(b, 1)]);
    tf.dispose([a, b, together]);
    dispose(network);
  });

  it("refuses models that are not built, have no trainable weights, or several outputs", () => {
    expect(() => fromLayersModel(tfl.sequential())).toThrow(/one of its inputs, got 0.*inputShape/);
    const frozen = discriminator();
    frozen.trainable = false;
    expect(() => fromLayersModel(frozen)).toThrow(/trainable weights, got none/);
    const input = tfl.input({ shape: [3] });
    const outputs = [1, 2].map((units) => layers.dense({ units }).apply(input) as tfl.SymbolicTensor);
    const forked = tfl.model({ inputs: input, outputs });
    expect(() => fromLayersModel(forked)).toThrow(/one of its outputs, got 2/);
    for (const model of [frozen, forked]) model.dispose();
  });
});
