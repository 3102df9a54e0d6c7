import { beforeAll, describe, expect, it } from "vitest";
import { CheckpointError } from "../../src/errors.ts";
import { createGan } from "../../src/gan/gan.ts";
import { sample } from "../../src/gan/sample.ts";
import { train } from "../../src/gan/train.ts";
import { augmentNames, recipeNamed, recipeNames, recipeOf } from "../../src/recipes/named.ts";
import { useBuild } from "../builds.ts";
import { noisePictures } from "../gan/fixtures.ts";

beforeAll(useBuild);

const options = { size: "nano", resolution: 32, batch: 4, kimg: 0.008, seed: 3 } as const;

describe.each(recipeNames)("the recipe named %s", (recipe) => {
  it("is made again from a checkpoint's metadata alone, with any augmentation and another length", () => {
    for (const augment of [undefined, ...augmentNames]) {
      const made = recipeNamed(recipe, { ...options, augment });
      const metadata = { recipe: JSON.stringify(made.recipe) };
      const again = recipeOf(metadata);
      expect(again.recipe).toEqual(made.recipe);
      expect(again.augment?.name).toBe(made.augment?.name);
      expect(again.augment?.name).toBe(
        augment === undefined ? recipeNamed(recipe).augment?.name : augment === "none" ? undefined : augment,
      );
      expect(recipeOf(metadata, { kimg: 7 }).kimg).toBe(7);
    }
  });

  it("draws, restored from its state alone, what it drew", async () => {
    const gan = createGan(recipeNamed(recipe, { ...options, augment: "ada" }));
    for await (const _ of train(gan, noisePictures()));
    const state = await gan.state();
    const again = createGan(recipeOf(state.metadata));
    again.restore(state);
    expect(await sample(again, { count: 3 })).toEqual(await sample(gan, { count: 3 }));
    again.dispose();
    gan.dispose();
  });
});

describe("recipeNamed", () => {
  it("gives r3gan, stylegan2 and sngan ada where pictures are few, unless told otherwise", () => {
    const augmented = recipeNames.filter(
      (name) => recipeNamed(name, { ...options, pictures: 19_999 }).augment?.name === "ada",
    );
    expect(augmented).toEqual(["r3gan", "stylegan2", "sngan"]);
    expect(recipeNamed("r3gan", { ...options, pictures: 20_000 }).augment).toBeUndefined();
    expect(recipeNamed("r3gan", { ...options, pictures: 5, augment: "none" }).augment).toBeUndefined();
  });

  it.each([
    [
      () => recipeNamed("toString" as "dcgan"),
      'expected one of dcgan, r3gan, stylegan2, fastgan, sngan, wgan-gp, got "toString"',
    ],
    [
      () => recipeNamed("dcgan", { augment: "mixup" as "ada" }),
      'augment to be one of none, diffaugment, ada, apa, got "mixup"',
    ],
    [() => recipeNamed("dcgan", { resolution: 48 }), "dcgan: expected resolution 32 or 64, got 48"],
  ])("refuses what there is not: %o", (make, message) => {
    expect(make).toThrow(RangeError);
    expect(make).toThrow(message);
  });
});

describe("recipeOf", () => {
  it.each([
    undefined,
    "{",
    "null",
    '"dcgan"',
    '{"name":"gan","options":{}}',
    '{"name":"constructor","options":null}',
    '{"name":"r3gan","options":{"augment":"apa+ada"}}',
  ])("says of the metadata %s that no recipe made it", (recipe) => {
    const restore = () => recipeOf(recipe === undefined ? {} : { recipe });
    expect(restore).toThrow(CheckpointError);
    expect(restore).toThrow(`got ${recipe}`);
  });
});
