import { add, matMul, type Tensor, type Tensor2D, type Tensor4D, tensor, tidy } from "@tensorflow/tfjs-core";
import { check } from "../errors.ts";
import type { Gan } from "../gan/gan.ts";
import { checkLatents, drawn, modeFor, pictured, type Space, styleGenerator } from "./code.ts";

/** A way to change pictures. */
export interface Direction {
  /** What it is added to. */
  readonly space: Space;
  /** Unit vector. */
  readonly vector: Float32Array;
  /** SeFa: how much the layers change along it (singular value). PCA: standard deviation of the codes along it. */
  readonly strength: number;
}

export interface DirectionOptions {
  /** How many, strongest first. Default: as many as the code has numbers. */
  readonly count?: number;
}

/** What `make` gives, on the host. */
export function readMatrix(gan: Gan, make: () => Tensor): Promise<Float64Array> {
  return gan.surviving(async () => {
    const x = make();
    try {
      return Float64Array.from(await x.data());
    } finally {
      x.dispose();
    }
  });
}

/** The strongest directions, whose vectors come first. */
export function chosen(
  name: string,
  space: Space,
  vectors: readonly Float64Array[],
  strengths: readonly number[],
  count = vectors.length,
): Direction[] {
  check(
    Number.isInteger(count) && count >= 1 && count <= vectors.length,
    () => `${name}: expected count to be a whole number from 1 to ${vectors.length}, got ${count}`,
  );
  return vectors
    .slice(0, count)
    .map((vector, k) => ({ space, vector: Float32Array.from(vector), strength: strengths[k] }));
}

/**
 * Pictures along a direction from one z.
 * @param z float32 [1, latent]
 * @param amounts what the direction is multiplied by, one for each picture; 0 is z's own
 * @returns float32 [amounts, H, W, C] in [-1, 1]
 */
export function walk(
  gan: Gan,
  z: Tensor2D,
  { space, vector }: Direction,
  amounts: readonly number[],
  { label }: { readonly label?: number } = {},
): Tensor4D {
  checkLatents("walk", gan, z);
  check(z.shape[0] === 1, () => `walk: expected one z, got ${z.shape[0]}`);
  check(
    amounts.length > 0 && amounts.every(Number.isFinite),
    () => `walk: expected finite amounts, got [${amounts}]`,
  );
  return tidy(() => {
    const steps = matMul(tensor([...amounts], [amounts.length, 1]), tensor(vector, [1, vector.length]));
    return pictured(gan, (generator) => {
      const code =
        space === "w" ? styleGenerator("walk", generator).map(z, modeFor(gan, 1, { label })) : (z as Tensor);
      check(
        code.shape[1] === vector.length,
        () => `walk: expected a direction of ${code.shape[1]} numbers in ${space}, got ${vector.length}`,
      );
      return drawn(generator, add(code, steps), space, modeFor(gan, amounts.length, { label }));
    });
  });
}
