import {
  acos,
  add,
  div,
  mul,
  norm,
  sin,
  squaredDifference,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  tidy,
} from "@tensorflow/tfjs-core";
import { check } from "../errors.ts";
import { randomNormal, randomUniform } from "../ops/random.ts";
import { deriveKey } from "../random.ts";
import { type FeatureFunction, featuresOf } from "./features.ts";
import { checkEnough, checkPositive, groupOf, groups, jackknifeInterval, type Measure } from "./measure.ts";

export interface PathLengthOptions {
  /** Numbers of the generator's input. */
  readonly latent: number;
  readonly features: FeatureFunction;
  /** Pairs of pictures. Default 1000. */
  readonly samples?: number;
  /** How far apart the two are, of a path of 1. Default 1e-4. */
  readonly epsilon?: number;
  /** Pairs at a time. Default 32. */
  readonly batch?: number;
  /** Integer, 0 to 2^32 - 1. Default 0. */
  readonly seed?: number;
}

/** Part of the lengths that is left out at either end, as published: a few tears in the latent space outweigh all else. */
const leftOut = 0.01;

/**
 * Perceptual path length (Karras et al. 2019, arXiv 1812.04948): how fast pictures change on the way between two
 * latents, in squared distance of features over ε², at a random place of the great circle. Smooth generators
 * have short ways; so have those that always draw the same.
 * @param generate float32 [N, latent] → float32 NHWC in [-1, 1], such as `(z) => gan.generate(z)`
 * @returns `PPL-NAME`
 * @throws RangeError for fewer than 100 pairs
 */
export async function perceptualPathLength(
  generate: (z: Tensor2D) => Tensor4D,
  { latent, features, samples = 1000, epsilon = 1e-4, batch = 32, seed = 0 }: PathLengthOptions,
): Promise<Measure> {
  const metric = `PPL-${features.name}`;
  checkPositive(metric, { latent, batch });
  check(epsilon > 0 && epsilon < 1, () => `${metric}: expected epsilon between 0 and 1, got ${epsilon}`);
  const why = "The shortest and the longest 1 % are left out.";
  checkEnough(metric, "samples", { count: samples }, 100, why);
  const lengths: number[] = [];
  for (let start = 0; start < samples; start += batch) {
    const count = Math.min(batch, samples - start);
    const found = tidy(() => {
      const ends = (side: string) =>
        randomNormal([count, latent], { key: deriveKey(seed, metric, side), offset: start * latent });
      const at = randomUniform([count, 1], { key: deriveKey(seed, metric, "place"), offset: start });
      const [a, b] = [ends("from"), ends("to")];
      const [x, y] = [at, add(at, epsilon)].map((place) =>
        featuresOf(features, generate(slerp(a, b, place) as Tensor2D)),
      );
      return sum(squaredDifference(x, y), 1);
    });
    for (const squared of await found.data<"float32">()) lengths.push(squared / epsilon ** 2);
    found.dispose();
  }
  const value = trimmedMean(lengths);
  const without = Array.from({ length: groups }, (_, group) =>
    trimmedMean(lengths.filter((_, row) => groupOf(row, samples) !== group)),
  );
  return { metric, value, interval: jackknifeInterval(value, [without], { least: 0 }), samples };
}

function trimmedMean(values: readonly number[]): number {
  const out = Math.floor(values.length * leftOut);
  const kept = values.toSorted((a, b) => a - b).slice(out, values.length - out);
  return kept.reduce((a, b) => a + b, 0) / kept.length;
}

/**
 * Points between two on the great circle through their directions (Shoemake 1985), with lengths between theirs.
 * @param a, b [N, latent]
 * @param t [N, 1]
 */
function slerp(a: Tensor, b: Tensor, t: Tensor): Tensor {
  const length = (x: Tensor) => norm(x, "euclidean", 1, true);
  const [lengthA, lengthB] = [length(a), length(b)];
  const [unitA, unitB] = [div(a, lengthA), div(b, lengthB)];
  const angle = acos(sum(mul(unitA, unitB), 1, true));
  const weightA = div(sin(mul(sub(1, t), angle)), sin(angle));
  const weightB = div(sin(mul(t, angle)), sin(angle));
  const direction = add(mul(unitA, weightA), mul(unitB, weightB));
  return mul(direction, add(mul(lengthA, sub(1, t)), mul(lengthB, t)));
}
