import { abs, add, mul, reshape, type Tensor, tidy } from "@tensorflow/tfjs-core";
import { check, show, showShape } from "../errors.ts";
import { randomNormal } from "../ops/random.ts";
import { recoloured } from "./ada-colour.ts";
import { type Draws, drawsFor } from "./ada-draws.ts";
import { moved } from "./ada-geometry.ts";
import type { Augment, AugmentTurn } from "./augment.ts";
import { hole } from "./cutout.ts";
import { type StrengthOptions, strengthController } from "./strength.ts";

const groups = ["blits", "geometry", "colour"] as const;

/** Changes that go together. */
export type AdaGroup = (typeof groups)[number];

export interface AdaOptions extends StrengthOptions {
  /** Changes made. Default all three, the paper's policy "bgc". */
  readonly policy?: readonly AdaGroup[];
  /** Deviation of the deviation of noise added with probability p, for pictures in [-1, 1]. Default 0; the paper has 0.1. */
  readonly noise?: number;
  /** Part of height and width that a hole covers with probability p. Default 0; the paper has 0.5. */
  readonly cutout?: number;
}

/**
 * Adaptive discriminator augmentation (Karras et al. 2020, arXiv 2006.06676): the paper's pipe on real and generated
 * pictures alike, each change of each picture with probability p, which adapts to the discriminator's overfitting. Blits
 * (flip, quarter turns, whole pixels), geometry (scale, rotation, stretching, shifts) and colour (brightness, contrast, luma
 * flip, hue, saturation), with the order and the deviations of the paper's appendix B. Noise and cutout where asked for.
 *
 * Unlike the paper's, one bilinear resampling does all of the geometry, without supersampling, as that would take more
 * than all the rest: see the README. Image-space filtering is left out; the paper found it of no use.
 * @throws RangeError for an option that is negative or no number, or above 1 where it is a probability or a part
 */
export function ada(options: AdaOptions = {}): Augment {
  const { policy = groups, noise = 0, cutout = 0 } = options;
  const unknown = policy.find((group) => !groups.includes(group));
  check(unknown === undefined, () => `ada: expected policy of ${groups.join(", ")}, got ${show(unknown)}`);
  check(noise >= 0, () => `ada: expected noise of at least 0, got ${noise}`);
  check(cutout >= 0 && cutout <= 1, () => `ada: expected cutout from 0 to 1, got ${cutout}`);
  const [blits, geometry, colour] = groups.map((group) => policy.includes(group));
  return {
    name: "ada",
    controllers: [strengthController("ada", options)],
    apply: (x, turn) =>
      tidy(() => {
        check(
          x.shape[1] === x.shape[2],
          () => `ada: expected square pictures [N, size, size, channels], got ${showShape(x.shape)}`,
        );
        const draws = drawsFor(turn, x.shape[0]);
        let y = moved(x, draws, { blits, geometry });
        if (colour) y = recoloured(y, draws);
        if (noise > 0) y = add(y, noisy(y.shape, draws, turn, noise));
        if (cutout === 0) return y;
        const { gate, uniform } = draws;
        return mul(y, hole(y.shape, [uniform(), uniform()], mul(gate(), cutout)));
      }),
  };
}

/** Noise of its own strength for each picture whose gate is open. */
function noisy(
  shape: readonly number[],
  { gate, normal }: Draws,
  { key }: AugmentTurn,
  deviation: number,
): Tensor {
  const each = reshape(mul(mul(gate(), abs(normal())), deviation), [-1, 1, 1, 1]);
  return mul(randomNormal(shape, { key: key("noise") }), each);
}
