import { memory, ones } from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { pictureDataset } from "../../src/data/dataset.ts";
import type { ImageBytes } from "../../src/gan/batch.ts";
import { decodeSafetensors, encodeSafetensors } from "../../src/io/safetensors.ts";
import type { FeatureShape } from "../../src/metrics/feature-layers.ts";
import { FeatureNetwork } from "../../src/metrics/feature-network.ts";
import { picturesFrom } from "../../src/metrics/pictures.ts";
import { type TrainFeaturesOptions, trainFeatures } from "../../src/metrics/train-features.ts";
import { useBuild } from "../builds.ts";
import { random } from "../ops/check.ts";
import { digits, digitsDataset, mnistMissing } from "./mnist.ts";

beforeAll(useBuild);

/** Grey noise with a bright bar: horizontal in class 0, vertical in class 1, at any place. */
function bars(count: number) {
  const next = random("bars");
  const data = Uint8Array.from({ length: count * 256 }, () => 64 * next());
  for (let i = 0; i < count; i++) {
    const at = Math.floor(16 * next());
    for (let j = 0; j < 16; j++) data[256 * i + (i % 2 === 0 ? 16 * at + j : 16 * j + at)] = 255;
  }
  const pictures: ImageBytes = { data, shape: [count, 16, 16, 1] };
  return { pictures, labels: Array.from({ length: count }, (_, i) => i % 2) };
}

const { pictures, labels } = bars(200);
const shown = { pictures: pictures.data, count: 200, resolution: 16, channels: 1, mirror: false };
const labelled = pictureDataset({ ...shown, labels, classNames: ["horizontal", "vertical"] });
const brief: TrainFeaturesOptions = { name: "bars", widths: [8, 16], kimg: 2, batch: 20 };

describe("a feature network", () => {
  it("learns labels, the same weights from the same seed, and frees all but them", async () => {
    const before = memory().numTensors;
    const losses: number[] = [];
    const network = await trainFeatures(labelled, { ...brief, onProgress: ({ loss }) => losses.push(loss) });
    expect(losses.length).toBe(100);
    expect(losses[99]).toBeLessThan(0.1);
    expect(await network.accuracy(pictures, labels)).toBeGreaterThan(0.98);
    const again = await trainFeatures(labelled, brief);
    expect(again.hash).toBe(network.hash);
    const other = await trainFeatures(labelled, { ...brief, seed: 1, kimg: 0.1 });
    expect(other.hash).not.toBe(network.hash);
    expect(network.name).toBe(`bars@${network.hash.slice(0, 8)}`);
    expect([network.features.name, network.features.size]).toEqual([network.name, 16]);
    for (const made of [network, again, other]) made.dispose();
    expect(memory().numTensors).toBe(before);
  });

  it("comes back from a file as it was, and not under another hash", async () => {
    const network = await trainFeatures(labelled, { ...brief, kimg: 0.4 });
    const file = encodeSafetensors(network.state());
    const restored = FeatureNetwork.restored(decodeSafetensors(file), { hash: network.hash.slice(0, 12) });
    expect([restored.name, restored.hash, restored.shape]).toEqual([
      network.name,
      network.hash,
      network.shape,
    ]);
    expect(await restored.classify(pictures)).toEqual(await network.classify(pictures));
    const x = ones([2, 16, 16, 1]) as never;
    expect(await restored.features.apply(x).data()).toEqual(await network.features.apply(x).data());

    const changed = decodeSafetensors(file);
    (changed.tensors["logits.bias"].data as Float32Array)[0] += 1e-3;
    expect(() => FeatureNetwork.restored(changed, { hash: network.hash })).toThrow(
      /expected weights of hash .* another metric/,
    );
    expect(FeatureNetwork.restored(changed).hash).not.toBe(network.hash);
  });

  it("refuses what is no feature network", async () => {
    const { tensors, metadata } = (await trainFeatures(labelled, { ...brief, kimg: 0.02 })).state();
    const shape: FeatureShape = JSON.parse(metadata.shape);
    const { "logits.bias": _, ...fewer } = tensors;
    const refusals: [Partial<Parameters<typeof FeatureNetwork.restored>[0]>, string][] = [
      [{ metadata: { format: "ganvil-training-state", version: "1" } }, "checkpoint-foreign"],
      [{ metadata: { ...metadata, shape: "{" } }, "checkpoint-metadata"],
      [
        { metadata: { ...metadata, shape: JSON.stringify({ ...shape, widths: [1e9] }) } },
        "checkpoint-metadata",
      ],
      [{ metadata: { ...metadata, shape: JSON.stringify({ ...shape, classes: 3 }) } }, "checkpoint-network"],
      [{ tensors: fewer }, "checkpoint-network"],
    ];
    for (const [change, code] of refusals) {
      expect(() => FeatureNetwork.restored({ tensors, metadata, ...change })).toThrow(
        expect.objectContaining({ code }),
      );
    }
  });

  it("learns quarter turns where there are no labels, and then has features but no classes", async () => {
    // A bar at the top: told apart in all four turns.
    const top = Uint8Array.from({ length: 200 * 256 }, (_, i) => (i % 256 < 64 ? 255 : (i * 7919) % 64));
    const data = pictureDataset({ ...shown, pictures: top });
    const losses: number[] = [];
    const network = await trainFeatures(data, {
      ...brief,
      shift: 1,
      onProgress: ({ loss }) => losses.push(loss),
    });
    expect(losses[0]).toBeGreaterThan(0.5);
    expect(losses[99]).toBeLessThan(0.05);
    expect(network.shape).toMatchObject({ task: "rotations", classes: 4 });
    await expect(network.classify(pictures)).rejects.toThrow(
      /trained on labels, got one trained on rotations/,
    );
  });

  it("says what it needs", async () => {
    const plain = pictureDataset(shown);
    await expect(trainFeatures(plain, { ...brief, task: "labels" })).rejects.toThrow(
      /data with labels, got none/,
    );
    await expect(trainFeatures(labelled, { ...brief, name: "a b" })).rejects.toThrow(/expected a name/);
    await expect(trainFeatures(labelled, { ...brief, widths: [] })).rejects.toThrow(/expected 1 to 8 widths/);
    const stopped = AbortSignal.abort(new Error("enough"));
    await expect(trainFeatures(labelled, { ...brief, signal: stopped })).rejects.toThrow("enough");
  });

  it("tells MNIST's digits apart after 3,000 pictures", async ({ skip }) => {
    if (mnistMissing) skip(mnistMissing);
    const { pictures: all, labels: classes } = digits("t10k");
    const seen = { pictures: picturesFrom(all, 0, 9000), labels: classes.subarray(0, 9000) };
    const options = { name: "mnist-cnn", kimg: 3, batch: 32, shift: 0 };
    const network = await trainFeatures(digitsDataset(seen), options);
    expect(await network.accuracy(picturesFrom(all, 9000, 1000), classes.subarray(9000))).toBeGreaterThan(
      0.9,
    );
  });
});
