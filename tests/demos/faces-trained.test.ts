import { readFile } from "node:fs/promises";
import { createGan, init, recipeNamed, recipeNames, sample, train } from "ganvil";
import { beforeAll, describe, expect, it } from "vitest";
import { decodeGenerator, encodeGenerator } from "../../demos/faces/trained.ts";
import { noisePictures } from "../gan/fixtures.ts";

beforeAll(() => init({ device: "wasm", threads: 1 }));

const options = { size: "nano", resolution: 32, batch: 4, kimg: 0.008, seed: 3 } as const;

describe.each(recipeNames)("faces by %s", (recipe) => {
  it("come the same from the generator alone as from the GAN that was trained", async () => {
    const gan = createGan(recipeNamed(recipe, { ...options, augment: "none" }));
    for await (const _ of train(gan, noisePictures()));
    const { gan: drawing, kimg } = await decodeGenerator(encodeGenerator(await gan.state()));
    expect(kimg).toBe(gan.imagesSeen / 1000);
    expect(await sample(drawing, { count: 3 })).toEqual(await sample(gan, { count: 3 }));
  });
});

describe("the generator that comes with the faces page", () => {
  it("is small, and draws", async () => {
    const bytes = await readFile(new URL("../../demos/faces/trained.safetensors", import.meta.url));
    expect(bytes.length).toBeLessThan(500_000);
    const { gan, kimg } = await decodeGenerator(bytes);
    expect(kimg).toBeGreaterThan(1);
    const { data } = await sample(gan, { count: 4 });
    expect(new Set(data).size).toBeGreaterThan(50);
  });
});
