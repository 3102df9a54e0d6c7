import { check } from "../errors.ts";
import type { Controller } from "./controller.ts";

/** How a probability follows the discriminator's overfitting. */
export interface StrengthOptions {
  /** Wanted mean of the signal `realSign`. Default 0.6. */
  readonly target?: number;
  /** Thousands of pictures in which p goes from 0 to 1 at the fastest. Default 100; the paper has 500 for long runs. */
  readonly adjustKimg?: number;
  /** p at the start, 0 to 1. Default 0. */
  readonly initial?: number;
  /** p grows no further. Default 0.8: above it changes leak into the generated pictures (section 2.2 of the paper). */
  readonly most?: number;
  /** p stays as it is at first. Default false. */
  readonly fixed?: boolean;
}

/** Distance of `realSign` from its target at which p moves at its fastest. */
const fullPull = 0.2;

/**
 * A probability p that follows how far the discriminator overfits, by r = E[sign D(x)] of real pictures, which goes from 0
 * (it knows nothing) to 1 (it knows each by heart): above the target p grows, below it falls. With a loss over pairs the
 * sign is that of D(x) − D(G(z)), as D alone has no zero there.
 *
 * The paper moves p by the sign of r − target over four batches. Near the target p here moves in proportion instead: a
 * small batch's r is noisy, and its sign would shake p.
 * @param name of the controller
 * @throws RangeError for a number that is none, or no probability
 */
export function strengthController(name: string, options: StrengthOptions): Controller {
  const { target = 0.6, adjustKimg = 100, initial = 0, most = 0.8, fixed = false } = options;
  for (const [option, value] of Object.entries({ target, initial, most })) {
    check(value >= 0 && value <= 1, () => `${name}: expected ${option} from 0 to 1, got ${value}`);
  }
  check(adjustKimg > 0, () => `${name}: expected adjustKimg above 0, got ${adjustKimg}`);
  return {
    ...{ name, initial },
    next(p, { realSign }, images) {
      if (fixed || realSign === undefined) return p;
      const pull = Math.max(-1, Math.min(1, (realSign - target) / fullPull));
      return Math.max(0, Math.min(most, p + (pull * images) / (1000 * adjustKimg)));
    },
  };
}
