import {
  matMul,
  mul,
  reshape,
  type Tensor2D,
  tanh,
  tensor2d,
  type Variable,
  variable,
} from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { createGan, type Gan } from "../../src/gan/gan.ts";
import { walk } from "../../src/latent/direction.ts";
import { symmetricEigen } from "../../src/latent/eigen.ts";
import { pcaDirections } from "../../src/latent/pca.ts";
import { sefa } from "../../src/latent/sefa.ts";
import { type Network, networkOf } from "../../src/nn/network.ts";
import { randomNormal } from "../../src/ops/random.ts";
import { deriveKey } from "../../src/random.ts";
import { stylegan2 } from "../../src/recipes/stylegan2.ts";
import { useBuild } from "../builds.ts";
import { expectClose, random } from "../ops/check.ts";

beforeAll(useBuild);

/** So many orthonormal rows of so many numbers (Gram and Schmidt). */
function orthonormal(count: number, length: number, name: string): number[][] {
  const next = random(name);
  const rows: number[][] = [];
  for (let k = 0; k < count; k++) {
    let row = Array.from({ length }, () => 2 * next() - 1);
    for (const other of rows) {
      const dot = row.reduce((sum, value, i) => sum + value * other[i], 0);
      row = row.map((value, i) => value - dot * other[i]);
    }
    const norm = Math.hypot(...row);
    rows.push(row.map((value) => value / norm));
  }
  return rows;
}

const [latent, outputs] = [6, 12];
const strengths = [5, 3, 2, 1, 0.5, 0.1];
const left = orthonormal(latent, latent, "left");
const right = orthonormal(latent, outputs, "right");

/** A = Σ σₖ·uₖ·vₖᵀ, [latent, outputs]. */
const known = () => {
  const rows = Array.from({ length: latent }, (_, i) =>
    Array.from({ length: outputs }, (_, j) =>
      strengths.reduce((sum, s, k) => sum + s * left[k][i] * right[k][j], 0),
    ),
  );
  return variable(tensor2d(rows));
};

/** A GAN of 2×2 pictures whose generator is known. */
const knownGan = (
  parameters: Record<string, Variable>,
  draw: (z: Tensor2D) => ReturnType<Network["apply"]>,
): Gan =>
  createGan({
    generator: networkOf(parameters, (z) => reshape(draw(z as Tensor2D), [-1, 2, 2, 3])),
    discriminator: networkOf({ slope: variable(tensor2d(Array(12).fill([1]))) }, (x) => reshape(x, [-1, 12])),
    ...{ latent, resolution: 2 },
  });

/** Fails unless two unit vectors are one, up to their sign. */
function expectSame(
  what: string,
  actual: ArrayLike<number>,
  expected: readonly number[],
  least = 0.9999,
): void {
  const dot = expected.reduce((sum, value, i) => sum + value * actual[i], 0);
  expect(Math.abs(dot), what).toBeGreaterThan(least);
  expect(Math.hypot(...Array.from(actual)), what).toBeCloseTo(1, 5);
}

describe("eigenvectors of a symmetric matrix", () => {
  it("are those that it is made of", () => {
    const values = [7, 2, 2, 0.5, 0, -3];
    const matrix = new Float64Array(36);
    for (const [k, value] of values.entries())
      for (let i = 0; i < 6; i++)
        for (let j = 0; j < 6; j++) matrix[6 * i + j] += value * left[k][i] * left[k][j];
    const found = symmetricEigen(matrix, 6);
    expectClose("values", found.values, values, 1e-13);
    for (const k of [0, 3, 4, 5]) expectSame(`vector ${k}`, found.vectors[k], left[k], 1 - 1e-12);
  });

  it("reproduce a matrix of 40 rows", () => {
    const [n, next] = [40, random("matrix")];
    const matrix = new Float64Array(n * n);
    for (let i = 0; i < n; i++)
      for (let j = 0; j <= i; j++) matrix[i * n + j] = matrix[j * n + i] = next() - 0.5;
    const { values, vectors } = symmetricEigen(matrix.slice(), n);
    const again = new Float64Array(n * n);
    for (let k = 0; k < n; k++)
      for (let i = 0; i < n; i++)
        for (let j = 0; j < n; j++) again[i * n + j] += values[k] * vectors[k][i] * vectors[k][j];
    expectClose("matrix", again, matrix, 1e-12);
  });
});

it("SeFa of a generator with a known first layer gives its singular vectors and values", async () => {
  const weight = known();
  const gan = knownGan({ weight }, (z) => tanh(matMul(z, weight as unknown as Tensor2D)));
  const directions = await sefa(gan);
  for (const [k, { space, vector, strength }] of directions.entries()) {
    expect(space).toBe("z");
    expectSame(`direction ${k}`, vector, left[k]);
    expect(strength).toBeCloseTo(strengths[k], 3);
  }
  expect(await sefa(gan, { count: 2, weights: ["weight"] })).toEqual(directions.slice(0, 2));
  await expect(sefa(gan, { weights: ["other"] })).rejects.toThrow('got "other", which is none');
  await expect(sefa(gan, { count: 7 })).rejects.toThrow(
    "expected count to be a whole number from 1 to 6, got 7",
  );
  gan.dispose();
});

it("GANSpace of a linear generator gives its singular vectors, each with the z of a standard deviation", async () => {
  const weight = known();
  const gan = knownGan({ weight }, (z) => matMul(z, mul(weight, 0.01) as Tensor2D));
  const activations = (z: Tensor2D) => matMul(z, weight as unknown as Tensor2D);
  for (const options of [{}, { activations }]) {
    const directions = await pcaDirections(gan, { samples: 4000, ...options });
    // A component of deviation σₖ takes a z of length 1 along uₖ; those of like strength mix a little in a sample.
    for (const k of [0, 1, 2, 3]) {
      expectSame(`direction ${k}`, directions[k].vector, left[k], 0.99);
      expect(directions[k].strength).toBeCloseTo(1, 1);
    }
  }
  gan.dispose();
});

describe("of a generator of styles", () => {
  const style = () => createGan(stylegan2({ resolution: 8, widths: [6, 4], latent: 5 }));

  it("PCA of w has orthonormal directions whose strengths are the deviations along them, largest first", async () => {
    const gan = style();
    const directions = await pcaDirections(gan, { samples: 500 });
    const z = randomNormal([500, 5], { key: deriveKey(0, "pca") });
    const { map } = gan.settings.generator as never as { map: Network["apply"] };
    const w = await map(z, { training: false } as never).data<"float32">();
    for (const [k, { space, vector, strength }] of directions.entries()) {
      expect(space).toBe("w");
      for (const [i, other] of directions.entries()) {
        const dot = vector.reduce((sum, value, at) => sum + value * other.vector[at], 0);
        expect(dot).toBeCloseTo(i === k ? 1 : 0, 5);
      }
      const along = Array.from({ length: 500 }, (_, n) =>
        vector.reduce((sum, v, i) => sum + v * w[5 * n + i], 0),
      );
      const mean = along.reduce((a, b) => a + b, 0) / 500;
      expect(strength).toBeCloseTo(Math.sqrt(along.reduce((sum, a) => sum + (a - mean) ** 2, 0) / 500), 3);
    }
    expect(directions.map(({ strength }) => strength)).toEqual(
      directions.map(({ strength }) => strength).toSorted((a, b) => b - a),
    );
    gan.dispose();
  });

  it("SeFa takes all layers that make styles, and walking along its directions from w changes the picture", async () => {
    const gan = style();
    const directions = await sefa(gan);
    const weights = Object.entries(gan.settings.generator.parameters).filter(([name]) =>
      name.endsWith(".style.weight"),
    );
    // Two in each block but the first, and one for each picture.
    expect(weights.length).toBe(5);
    let squares = 0;
    for (const [, weight] of weights)
      for (const value of await weight.data<"float32">()) squares += value ** 2;
    expect(directions.reduce((sum, { strength }) => sum + strength ** 2, 0)).toBeCloseTo(squares, 2);

    const z = randomNormal([1, 5], { key: deriveKey(3, "z") }) as Tensor2D;
    const pictures = await walk(gan, z, directions[0], [-3, 0, 3]).data<"float32">();
    const size = pictures.length / 3;
    expectClose("middle", pictures.slice(size, 2 * size), await gan.generate(z).data<"float32">(), 1e-5);
    for (const n of [0, 2]) {
      const apart = pictures.slice(n * size, (n + 1) * size).map((v, i) => Math.abs(v - pictures[size + i]));
      expect(Math.max(...apart)).toBeGreaterThan(0.05);
    }
    expect(() => walk(gan, z, { ...directions[0], vector: new Float32Array(3) }, [1])).toThrow(
      "expected a direction of 5 numbers in w, got 3",
    );
    gan.dispose();
  });
});
