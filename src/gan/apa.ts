import { add, cast, less, mul, reverse, sub, type Tensor4D, tidy } from "@tensorflow/tfjs-core";
import { randomUniform } from "../ops/random.ts";
import type { Augment } from "./augment.ts";
import { type StrengthOptions, strengthController } from "./strength.ts";

/**
 * Adaptive pseudo augmentation (Jiang et al. 2021, arXiv 2111.06849): generated pictures are presented to the
 * discriminator as real ones with probability p, which adapts to its overfitting as in ADA. Of a few hundred pictures it
 * makes more without changing any.
 * @param augment changes pictures besides, such as `diffAugment()`. Default: none.
 * @throws RangeError as `ada`
 */
export function apa(options: StrengthOptions = {}, augment?: Augment): Augment {
  return {
    name: augment === undefined ? "apa" : `apa+${augment.name}`,
    controllers: [strengthController("apa", options), ...(augment?.controllers ?? [])],
    apply: (x, turn) => (augment === undefined ? x : augment.apply(x, turn)),
    present: (real, fake, { key, control, labels }) =>
      tidy(() => {
        const draws = randomUniform([real.shape[0], 1, 1, 1], { key: key("apa") });
        const replaced = cast(less(draws, control("apa")), "float32");
        // A loss over pairs is to compare two pictures, not one with itself; but the class must be the real one's.
        const presented = labels === undefined ? reverse(fake, 0) : fake;
        return add(mul(real, sub(1, replaced)), mul(presented, replaced)) as Tensor4D;
      }),
  };
}
