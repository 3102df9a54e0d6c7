import {
  matMul,
  memory,
  reshape,
  type Tensor2D,
  type Tensor4D,
  tanh,
  tensor4d,
  tidy,
  variable,
} from "@tensorflow/tfjs-core";
import { beforeAll, expect, it } from "vitest";
import { createGan, type Gan } from "../../src/gan/gan.ts";
import { project } from "../../src/latent/project.ts";
import { networkOf } from "../../src/nn/network.ts";
import { randomNormal } from "../../src/ops/random.ts";
import { deriveKey } from "../../src/random.ts";
import { stylegan2 } from "../../src/recipes/stylegan2.ts";
import { useBuild } from "../builds.ts";
import { expectClose, random } from "../ops/check.ts";

beforeAll(useBuild);

const style = (): Gan => createGan(stylegan2({ resolution: 8, widths: [6, 4], latent: 5 }));

/** A GAN of 4×4 pictures by two dense layers. */
function dense(): Gan {
  const weight = (name: string, shape: [number, number]) =>
    tidy(() => variable(randomNormal(shape, { key: deriveKey(5, name), std: shape[0] ** -0.5 }) as Tensor2D));
  const [first, second, slope] = [
    weight("first", [6, 32]),
    weight("second", [32, 48]),
    weight("slope", [48, 1]),
  ];
  return createGan({
    generator: networkOf({ first, second }, (z) =>
      reshape(
        tanh(matMul(tanh(matMul(z as Tensor2D, first as Tensor2D)), second as Tensor2D)),
        [-1, 4, 4, 3],
      ),
    ),
    discriminator: networkOf({ slope }, (x) => matMul(reshape(x, [-1, 48]), slope as Tensor2D)),
    ...{ latent: 6, resolution: 4 },
  });
}

/** A picture of the generator's own, from another seed than the search. */
const ownPicture = (gan: Gan): Tensor4D =>
  gan.generate(randomNormal([1, gan.settings.latent], { key: deriveKey(99, "secret") }) as Tensor2D);

const gans: Readonly<Record<string, () => Gan>> = {
  "in w, of a generator with a mapping network": style,
  "in z, of one without": dense,
};

for (const [name, make] of Object.entries(gans)) {
  it(`a generator's own picture is found again ${name}`, async () => {
    const gan = make();
    const picture = ownPicture(gan);
    const before = memory().numTensors;
    const {
      code,
      picture: again,
      error,
      check,
      space,
    } = await project(gan, picture, {
      ...{ steps: 120, candidates: 32 },
    });
    expect(space).toBe(name.slice(3, 4));
    expect(check.verdict).toBe("found");
    expect(error).toBeLessThan(0.05 * check.nearestSample);
    expect(check.nearestSample).toBeLessThanOrEqual(check.medianSample);
    const [wanted, found] = await Promise.all([picture.data<"float32">(), again.data<"float32">()]);
    const square = wanted.reduce((sum, value, i) => sum + (value - found[i]) ** 2, 0) / wanted.length;
    expect(square).toBeLessThan(1.5 * error + 1e-6);
    expect(code.shape[0]).toBe(1);
    expect(memory().numTensors).toBe(before + 2);
    gan.dispose();
  });
}

it("a picture that the generator does not draw is far, and bytes are taken as well", async () => {
  const gan = style();
  const next = random("noise");
  const data = Uint8Array.from({ length: 192 }, () => (next() < 0.5 ? 0 : 255));
  const { check, error } = await project(gan, { data, shape: [1, 8, 8, 3] }, { steps: 60 });
  expect(check.verdict).toBe("far");
  expect(error).toBeGreaterThan(3 * check.ownSample);
  gan.dispose();
});

it("features count beside pixels, and the search is the same for a seed", async () => {
  const gan = style();
  const picture = ownPicture(gan);
  const options = { steps: 20, restarts: 2, candidates: 8 };
  const found = async (features?: (x: Tensor4D) => Tensor4D) => {
    const { code, error } = await project(gan, picture, { ...options, features });
    return { code: await code.data<"float32">(), error };
  };
  const plain = await found();
  expect(await found()).toEqual(plain);
  // Pixels counted twice have the same way down.
  const twice = await found((x) => x);
  expectClose("twice", [twice.error], [2 * plain.error], 0.05);
  gan.dispose();
});

it("reports how it goes on, and a signal ends it without a trace", async () => {
  const gan = style();
  const picture = ownPicture(gan);
  const before = memory().numTensors;
  const abort = new AbortController();
  const seen: number[] = [];
  const searching = project(gan, picture, {
    signal: abort.signal,
    onProgress: ({ step, steps, error }) => {
      seen.push(step);
      expect(steps).toBe(300);
      expect(error).toBeGreaterThan(0);
      if (step === 20) abort.abort(new Error("enough"));
    },
  });
  await expect(searching).rejects.toThrow("enough");
  expect(seen).toEqual([10, 20]);
  expect(memory().numTensors).toBe(before);
  gan.dispose();
});

it("refuses what cannot be", async () => {
  const gan = style();
  await expect(project(gan, tensor4d(new Float32Array(48), [1, 4, 4, 3]))).rejects.toThrow(
    "expected one picture [1,8,8,3], got [1,4,4,3]",
  );
  const picture = ownPicture(gan);
  await expect(project(gan, picture, { steps: 0 })).rejects.toThrow(
    "expected steps to be a whole number above 0",
  );
  await expect(project(gan, picture, { restarts: 9, candidates: 8 })).rejects.toThrow(
    "expected at most 8 restarts, the number of candidates, got 9",
  );
  gan.dispose();
});
