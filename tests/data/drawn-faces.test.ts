import { describe, expect, it } from "vitest";
import { drawnFaces, faceSvg } from "../../demos/faces/dicebear-faces.ts";
import { rasterise } from "../../demos/faces/rasterise-node.ts";
import type { ImageBytes } from "../../src/gan/batch.ts";

async function faces(seed: number): Promise<Uint8Array> {
  const dataset = await drawnFaces({ count: 20, resolution: 32, seed, rasterise });
  expect([dataset.size, dataset.resolution, dataset.channels, dataset.skipped]).toEqual([20, 32, 3, []]);
  for await (const { image } of dataset.batches({ count: 20, cursor: 0 })) return (image as ImageBytes).data;
  throw new Error("no batch");
}

describe("drawnFaces", () => {
  it("draws the same faces for the same seed and others for another", async () => {
    expect(await faces(1)).toEqual(await faces(1));
    expect(await faces(2)).not.toEqual(await faces(1));
  });

  it("draws different faces, each in more than a few colours", async () => {
    const svgs = Array.from({ length: 200 }, (_, index) => faceSvg(0, index));
    expect(new Set(svgs).size).toBe(200);
    const pixels = await rasterise(svgs[0], 32);
    const colours = new Set(
      Array.from({ length: 1024 }, (_, i) => String(pixels.subarray(i * 3, i * 3 + 3))),
    );
    expect(colours.size).toBeGreaterThan(5);
  });
});
