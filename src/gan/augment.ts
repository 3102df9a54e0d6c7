import {
  cast,
  concat,
  fill,
  floor,
  mul,
  type Scalar,
  type Tensor2D,
  type Tensor4D,
  tidy,
} from "@tensorflow/tfjs-core";
import type { Live } from "../backend/op.ts";
import { check } from "../errors.ts";
import { colour } from "../ops/colour.ts";
import { translate } from "../ops/image.ts";
import { randomUniform } from "../ops/random.ts";
import type { Key } from "../random.ts";
import type { Controller } from "./controller.ts";
import { hole } from "./cutout.ts";

/** What an augmentation sees of a turn. */
export interface AugmentTurn {
  /** Key of the turn's random numbers for one purpose. */
  key(purpose: string): Live<Key>;
  /** What a controller holds at present: float32 []. */
  control(name: string): Scalar;
  /** Classes of the pictures that `present` is given, one-hot; absent where there are none. */
  readonly labels?: Tensor2D;
}

/** Changes pictures before the discriminator sees them: at random by the keys, and twice differentiable. */
export interface Augment {
  /** Names it in reports. */
  readonly name: string;
  /** Numbers that it has training adapt. */
  readonly controllers?: readonly Controller[];
  /** @param x float32 NHWC in [-1, 1] */
  apply(x: Tensor4D, turn: AugmentTurn): Tensor4D;
  /** What the discriminator's turn takes for real: default, the real pictures. Same shapes, not yet changed. */
  present?(real: Tensor4D, fake: Tensor4D, turn: AugmentTurn): Tensor4D;
}

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
  /** A rectangle of this part of height and width is blackened to 0, anywhere. Default 0; the paper has 0.5. */
  readonly cutout?: number;
}

/**
 * DiffAugment, policy "colour, translation", and "cutout" where asked for (Zhao et al. 2020, arXiv 2006.10738): every
 * picture, real or fake, is changed at random before the discriminator, which so cannot learn a small dataset by heart.
 * @throws RangeError for a strength that is negative or no number
 */
export function diffAugment(options: DiffAugmentOptions = {}): Augment {
  const { brightness = 0.5, saturation = 1, contrast = 0.5, translation = 1 / 8, cutout = 0 } = options;
  for (const [name, value] of Object.entries({ brightness, saturation, contrast, translation, cutout })) {
    const most = ["translation", "cutout"].includes(name) ? 1 : Number.MAX_VALUE;
    check(
      value >= 0 && value <= most,
      () => `diffAugment: expected ${name} ${most === 1 ? "from 0 to 1" : "of at least 0"}, got ${value}`,
    );
  }
  return {
    name: "diffaugment",
    apply: (x, { key }) =>
      tidy(() => {
        const [n, height, width] = x.shape;
        const around = (middle: number, by: number, purpose: string) =>
          randomUniform([n, 1], { key: key(purpose), low: middle - by, high: middle + by });
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
          return floor(randomUniform([n, 1], { key: key(`shift${axis}`), low: -most, high: most + 1 }));
        });
        const y = translate(colour(x, factors as never), cast(concat(shifts, 1), "int32") as Tensor2D);
        if (cutout === 0) return y;
        const [row, column] = ["row", "column"].map((purpose) => randomUniform([n], { key: key(purpose) }));
        return mul(y, hole(y.shape, [row, column], fill([n], cutout)));
      }),
  };
}
