import { cast, concat, floor, type Tensor4D, tidy } from "@tensorflow/tfjs-core";
import type { Live } from "../backend/op.ts";
import { check } from "../errors.ts";
import { colour } from "../ops/colour.ts";
import { translate } from "../ops/image.ts";
import { randomUniform } from "../ops/random.ts";
import { deriveKey, type Key } from "../random.ts";

/** Changes pictures before the discriminator sees them; random by the key, differentiable. */
export type Augment = (x: Tensor4D, key: Live<Key>) => Tensor4D;

/** Strengths of `diffAugment`. */
export interface DiffAugmentOptions {
  /** Brightness moves by up to this, of a range of 2. Default 0.5. */
  readonly brightness?: number;
  /** Saturation is multiplied by 1 ± this. Default 1. */
  readonly saturation?: number;
  /** Contrast is multiplied by 1 ± this. Default 0.5. */
  readonly contrast?: number;
  /** Pictures move by up to this part of their size, zeros entering. Default 1/8. */
  readonly translation?: number;
}

/**
 * DiffAugment, policy "colour, translation" (Zhao et al. 2020, arXiv 2006.10738): every picture, real or
 * fake, is changed at random before the discriminator, which so cannot learn a small dataset by heart.
 * @throws RangeError for a strength that is negative or no number
 */
export function diffAugment(options: DiffAugmentOptions = {}): Augment {
  const { brightness = 0.5, saturation = 1, contrast = 0.5, translation = 1 / 8 } = options;
  for (const [name, value] of Object.entries({ brightness, saturation, contrast, translation })) {
    const most = name === "translation" ? 1 : Number.MAX_VALUE;
    check(
      value >= 0 && value <= most,
      () => `diffAugment: expected ${name} ${most === 1 ? "from 0 to 1" : "of at least 0"}, got ${value}`,
    );
  }
  return (x, key) =>
    tidy(() => {
      const [n, height, width] = x.shape;
      const around = (middle: number, by: number, purpose: string) =>
        randomUniform([n, 1], { key: childKey(key, purpose), low: middle - by, high: middle + by });
      const factors = concat(
        [
          around(0, brightness, "brightness"),
          around(1, saturation, "saturation"),
          around(1, contrast, "contrast"),
        ],
        1,
      );
      const shifts = [height, width].map((size, axis) => {
        const most = Math.round(size * translation);
        return floor(
          randomUniform([n, 1], { key: childKey(key, `shift${axis}`), low: -most, high: most + 1 }),
        );
      });
      return translate(colour(x, factors as never), cast(concat(shifts, 1), "int32") as never);
    });
}

/** A key of its own for one purpose within the key of a step. */
const childKey = (key: Live<Key>, purpose: string) => (): Key => {
  const [seed, part] = typeof key === "function" ? key() : key;
  return deriveKey(seed, part, purpose);
};
