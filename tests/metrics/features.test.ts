import { createHash } from "node:crypto";
import { mean, memory, type Tensor2D } from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import type { ImageBytes } from "../../src/gan/batch.ts";
import {
  type FeatureFunction,
  features,
  featuresFromLayersModel,
  pixelFeatures,
} from "../../src/metrics/features.ts";
import { sha256 } from "../../src/metrics/sha256.ts";
import { useBuild } from "../builds.ts";
import { random } from "../ops/check.ts";

beforeAll(useBuild);

function noise(count: number, size = 8): ImageBytes {
  const next = random("noise");
  const data = Uint8Array.from({ length: count * size * size * 3 }, () => 256 * next());
  return { data, shape: [count, size, size, 3] };
}

const colours: FeatureFunction = { name: "colours", size: 3, apply: (x) => mean(x, [1, 2]) as Tensor2D };

describe("features", () => {
  it("of pictures are the same at once, in batches and from a stream, and leave nothing behind", async () => {
    const pictures = noise(13);
    const before = memory().numTensors;
    const whole = await features(colours, pictures);
    const done: number[] = [];
    const cut = await features(colours, pictures, { batch: 5, onProgress: (count) => done.push(count) });
    async function* stream() {
      for (let i = 0; i < 13; i++) {
        yield { data: pictures.data.subarray(192 * i, 192 * (i + 1)), shape: [1, 8, 8, 3] } as ImageBytes;
      }
    }
    expect(cut).toEqual(whole);
    expect(await features(colours, stream())).toEqual(whole);
    expect(done).toEqual([5, 10, 13]);
    expect(whole).toMatchObject({ name: "colours", count: 13, size: 3 });
    const red = pictures.data.filter((_, i) => i < 192 && i % 3 === 0);
    expect(whole.rows[0]).toBeCloseTo(red.reduce((sum, value) => sum + value / 127.5 - 1, 0) / 64, 5);
    expect(memory().numTensors).toBe(before);
  });

  it("are of pictures at the function's resolution", async () => {
    const of = pixelFeatures(4, 3);
    expect([of.name, of.size]).toEqual(["pixels-4x4x3", 48]);
    const grey = { data: new Uint8Array(2 * 192).fill(255), shape: [2, 8, 8, 3] } as ImageBytes;
    const { rows } = await features(of, grey);
    expect(rows.length).toBe(96);
    for (const value of rows) expect(value).toBeCloseTo(1, 6);
  });

  it("of a layers model are averaged over height and width", async () => {
    const identity = featuresFromLayersModel("itself", { apply: (x) => x }, { resolution: 8, size: 3 });
    expect((await features(identity, noise(3))).rows).toEqual((await features(colours, noise(3))).rows);
  });

  it("stop by a signal, and say what is wrong", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(features(colours, noise(3), { signal })).rejects.toThrow("enough");
    await expect(features({ ...colours, size: 4 }, noise(3))).rejects.toThrow(
      /expected colours to give \[3,4\], got \[3,3\]/,
    );
    await expect(features(colours, noise(0))).rejects.toThrow(/at least one picture/);
    await expect(features(colours, noise(3), { batch: 0 })).rejects.toThrow(/batch/);
  });
});

describe("sha256", () => {
  it("is Node's, for messages that end anywhere in a block", () => {
    for (const length of [0, 3, 55, 56, 63, 64, 65, 1000]) {
      const bytes = Uint8Array.from({ length }, (_, i) => 7 * i);
      expect(sha256(bytes)).toBe(createHash("sha256").update(bytes).digest("hex"));
    }
  });
});
