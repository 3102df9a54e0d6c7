import { readFile } from "node:fs/promises";
import { createGan, init, sample, train } from "ganvil";
import { beforeAll, describe, expect, it } from "vitest";
import { facesRecipe, recipeAgain, recipes } from "../../demos/faces/recipes.ts";
import { decodeGenerator, encodeGenerator } from "../../demos/faces/trained.ts";
import { noisePictures } from "../gan/fixtures.ts";

beforeAll(() => init({ device: "wasm", threads: 1 }));

const options = { size: "nano", resolution: 32, batch: 4, kimg: 0.008, seed: 3 } as const;

describe.each(recipes)("faces by %s", (recipe) => {
  it("are made again from a checkpoint's metadata alone", () => {
    for (const pictures of ["drawn", "photographs"] as const) {
      const made = facesRecipe({ ...options, recipe }, pictures);
      const again = recipeAgain(JSON.stringify(made.recipe));
      expect(again.recipe).toEqual(made.recipe);
      expect(again.augment?.name).toBe(made.augment?.name);
      expect(recipeAgain(JSON.stringify(made.recipe), 7).kimg).toBe(7);
    }
  });

  it("come the same from the generator alone as from the GAN that was trained", async () => {
    const gan = createGan(facesRecipe({ ...options, recipe }, "drawn"));
    for await (const _ of train(gan, noisePictures()));
    const { gan: drawing, kimg } = await decodeGenerator(encodeGenerator(await gan.state()));
    expect(kimg).toBe(0.008);
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
