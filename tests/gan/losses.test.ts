import { type Tensor, tensor2d } from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import {
  type AdversarialLoss,
  hinge,
  leastSquares,
  nonSaturating,
  relativisticPairing,
  wasserstein,
} from "../../src/gan/losses.ts";
import { useBuild } from "../builds.ts";

beforeAll(useBuild);

const real = [0.5, -2, 3];
const fake = [-1, 0.25, 2];
const softplus = (x: number) => Math.log1p(Math.exp(-Math.abs(x))) + Math.max(x, 0);

/** Mean of f over real and fake logits. */
const mean = (f: (x: number, y: number) => number) =>
  real.reduce((sum, x, i) => sum + f(x, fake[i]) / real.length, 0);

const equations: readonly [AdversarialLoss, discriminator: number, generator: number][] = [
  [nonSaturating, mean((x, y) => softplus(-x) + softplus(y)), mean((_, y) => softplus(-y))],
  [leastSquares, mean((x, y) => ((x - 1) ** 2 + (y + 1) ** 2) / 2), mean((_, y) => y ** 2 / 2)],
  [hinge, mean((x, y) => Math.max(0, 1 - x) + Math.max(0, 1 + y)), mean((_, y) => -y)],
  [wasserstein, mean((x, y) => y - x), mean((_, y) => -y)],
  [relativisticPairing, mean((x, y) => softplus(y - x)), mean((x, y) => softplus(x - y))],
];

describe("each loss is its equation", () => {
  for (const [loss, ofDiscriminator, ofGenerator] of equations) {
    it(loss.name, async () => {
      const [x, y] = [real, fake].map((logits): Tensor => tensor2d(logits, [3, 1]));
      expect((await loss.discriminator(x, y).data())[0]).toBeCloseTo(ofDiscriminator, 6);
      expect((await loss.generator(y, () => x).data())[0]).toBeCloseTo(ofGenerator, 6);
      const joined = loss.discriminator.joined?.(tensor2d([...real, ...fake], [6, 1]));
      if (joined) expect((await joined.data())[0]).toBeCloseTo(ofDiscriminator, 6);
    });

    it(`${loss.name} of a discriminator that cannot tell is its indifference`, async () => {
      const zeros: Tensor = tensor2d([0, 0, 0], [3, 1]);
      expect((await loss.discriminator(zeros, zeros).data())[0]).toBeCloseTo(loss.indifference, 6);
    });
  }
});
