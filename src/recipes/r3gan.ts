import { depthToSpace, type Tensor4D } from "@tensorflow/tfjs-core";
import { check } from "../errors.ts";
import type { Augment } from "../gan/augment.ts";
import { gammaController } from "../gan/controller.ts";
import { relativisticPairing } from "../gan/losses.ts";
import { r1, r2 } from "../gan/regularizers.ts";
import type { GanSettings } from "../gan/settings.ts";
import { logitLayer, withClass } from "../nn/condition.ts";
import { chain, type Layer, type Network, network, type Parameters } from "../nn/network.ts";
import { basisHead, basisTail, leakyTanh, plainConv, residualBlock } from "../nn/residual.ts";
import { spaceToDepth } from "../ops/space-depth.ts";
import { downsample2d, upsample2d } from "../ops/upfirdn2d.ts";
import { cosine, linear } from "../optim/schedule.ts";
import {
  checkOptions,
  checkRates,
  checkSize,
  given,
  kept,
  type RecipeOptions,
  startingGamma,
} from "./options.ts";

export interface R3ganOptions extends RecipeOptions {
  /** Height and width of pictures: 32, 64 or 128. Default 32. */
  readonly resolution?: 32 | 64 | 128;
  /** "nano" (0.1 M parameters a side at 32²), "small" (0.3 M) or "full" (1.6 M). Default "nano". */
  readonly size?: keyof typeof sizes;
  /** Channels at 4×4, 8×8, ..., multiples of 16. Default: the size's. */
  readonly widths?: readonly number[];
  /** Residual blocks at 4×4, 8×8, .... Default: the size's, as many at each. */
  readonly blocks?: readonly number[];
  /** Length of training in thousands of pictures. Default 200. */
  readonly kimg?: number;
  /**
   * The generator's learning rate at the start and, after a cosine, at the end. Default the paper's [2e-4, 5e-5]; of
   * nano [1.5e-3, 1e-4].
   */
  readonly learningRate?: readonly [from: number, to: number];
  /** The discriminator's learning rate as a multiple of the generator's. Default the paper's 1; of nano 2. */
  readonly discriminatorRate?: number;
  /**
   * Weight of R1 and R2 at the start; it falls tenfold. Default 0.2·resolution²/batch. "adaptive": from there on
   * `gammaController` sizes it.
   */
  readonly gamma?: number | "adaptive";
  /** Penalties in every so many steps only. Default 1; the paper has them in each. */
  readonly every?: number;
  /** Default: none. */
  readonly augment?: Augment;
}

/**
 * Widths from 4×4 up, and residual blocks at each level. High resolutions are thin: as wide as 4×4 they would take most
 * of the time. The last level is half the resolution, its pixels shuffled to twice as many.
 *
 * A nano's discriminator learns at twice the generator's rate: at the same one it falls behind after 20 kimg, guesses,
 * and the generator drifts.
 */
const sizes = {
  nano: { widths: [64, 64, 32, 16, 16], blocks: 1, learningRate: [1.5e-3, 1e-4], discriminatorRate: 2 },
  small: { widths: [128, 128, 64, 32, 16], blocks: 1, learningRate: [5e-4, 1e-4], discriminatorRate: 1 },
  full: { widths: [256, 256, 128, 64, 32], blocks: 2, learningRate: [2e-4, 5e-5], discriminatorRate: 1 },
} as const;

/** Pixels along an edge that one position of the last level holds. */
const shuffle = 2;

/**
 * R3GAN's γ as a multiple of StyleGAN2's. Its authors' own are 125 and 10,000 times (32²), 625 and 5000 times (64²) and
 * 2900 times (256²) as large; with less the discriminator of a nano runs away from the generator, and few modes are found.
 */
const gammaFactor = 1000;

/**
 * R3GAN (Huang et al. 2024, arXiv 2501.05441): residual networks without normalisation, relativistic pairing, R1 and R2.
 *
 * | loss | relativistic pairing + γ/2·E‖∇D(x)‖² + γ/2·E‖∇D(G(z))‖² |
 * |---|---|
 * | block | x + 1×1(σ(3×3 in groups of 16(σ(1×1 x)))), twice as wide inside, σ leaky ReLU 0.2 with a bias |
 * | generator | a learned 4×4 basis times a linear map of z; [1, 3, 3, 1] upsampling |
 * | discriminator | [1, 3, 3, 1] downsampling; a depthwise 4×4 convolution and a linear layer |
 * | initial weights | N(0, g²/fan-in), in blocks g = √(2/1.04)·L^(−1/4), their last convolution 0 |
 * | Adam | β₁ = 0, β₂ 0.9 → 0.99, learning rate falling by a cosine |
 * | γ | falling tenfold |
 * | average | half-life growing from 0 to a twentieth of the run |
 *
 * Not the paper's: the highest level is reached by shuffling pixels, its convolutions from and to pixels are 3×3,
 * pictures end in `leakyTanh`, and a nano's discriminator has a rate of its own.
 * @throws RangeError for an option that cannot be
 */
export function r3gan(options: R3ganOptions = {}): GanSettings {
  const complete = completeOptions(options);
  const { latent, resolution, channels, classes, condition, batch, kimg, seed } = complete;
  const { gamma, every, discriminatorRate } = complete;
  const [from, to] = complete.learningRate;
  const start = gamma === "adaptive" ? usualGamma(complete) : gamma;
  const weight = gamma === "adaptive" ? start : cosine(start, start / 10);
  return {
    generator: r3ganGenerator(complete),
    discriminator: r3ganDiscriminator(complete),
    ...{ latent, resolution, channels, classes, batch, kimg, seed },
    loss: relativisticPairing,
    regularizers: [r1(weight, { every }), r2(weight, { every })],
    controllers: gamma === "adaptive" ? [gammaController()] : [],
    auxiliary: classes > 0 && condition === "auxiliary" ? { weight: 1 } : undefined,
    learningRate: {
      generator: cosine(from, to),
      discriminator: cosine(discriminatorRate * from, discriminatorRate * to),
    },
    beta1: 0,
    beta2: linear(0.9, 0.99),
    averageHalfLife: linear(0, 50 * kimg, 0.2),
    augment: options.augment,
    recipe: { name: "r3gan", options: { ...kept(complete), augment: options.augment?.name } },
  };
}

const usualGamma = ({ resolution, batch }: { readonly resolution: number; readonly batch: number }): number =>
  gammaFactor * startingGamma(resolution, batch);

type Complete = Required<Omit<R3ganOptions, "augment">>;

function completeOptions({ augment: _, ...options }: R3ganOptions): Complete {
  const { size = "nano", resolution = 32, batch = 32 } = options;
  const levels = Math.log2(resolution / 4 / shuffle) + 1;
  check(
    [32, 64, 128].includes(resolution),
    () => `r3gan: expected resolution 32, 64 or 128, got ${resolution}`,
  );
  checkSize("r3gan", sizes, size);
  const complete: Complete = {
    ...{ size, resolution, batch, channels: 3, classes: 0, condition: "projection" },
    widths: sizes[size].widths.slice(0, levels),
    blocks: Array.from({ length: levels }, () => sizes[size].blocks),
    ...{ latent: 64, kimg: 200, seed: 0 },
    ...{ learningRate: sizes[size].learningRate, discriminatorRate: sizes[size].discriminatorRate },
    ...{ gamma: usualGamma({ resolution, batch }), every: 1 },
    ...given(options),
  };
  const { widths, blocks, learningRate, discriminatorRate, gamma } = complete;
  checkOptions("r3gan", complete, options);
  checkRates("r3gan", learningRate);
  check(discriminatorRate > 0, () => `r3gan: expected discriminatorRate above 0, got ${discriminatorRate}`);
  check(
    widths.length === levels && widths.every((width) => width > 0 && width % 16 === 0 && width <= 4096),
    () =>
      `r3gan: expected ${levels} widths for resolution ${resolution}, from 4×4 up, multiples of 16 up to 4096, got [${widths}]`,
  );
  check(
    blocks.length === levels && blocks.every((count) => Number.isInteger(count) && count >= 0 && count <= 64),
    () => `r3gan: expected ${levels} numbers of blocks from 0 to 64, got [${blocks}]`,
  );
  check(
    gamma === "adaptive" || gamma >= 0,
    () => `r3gan: expected gamma of at least 0 or "adaptive", got ${gamma}`,
  );
  return complete;
}

type Shape = Pick<Complete, "widths" | "blocks" | "channels" | "classes" | "condition" | "latent" | "seed">;

/** The blocks of one level, named after its height. */
function level(to: Parameters, { widths, blocks }: Shape, at: number): Layer[] {
  const all = blocks.reduce((sum, count) => sum + count, 0);
  return Array.from({ length: blocks[at] }, (_, i) =>
    residualBlock(to, `${4 << at}.${i}`, { width: widths[at], blocks: all }),
  );
}

/** 1×1 where the width changes from one level to the next. */
const widen = (to: Parameters, name: string, inputs: number, outputs: number): Layer[] =>
  inputs === outputs ? [] : [plainConv(to, name, { inputs, outputs, kernel: 1 })];

/** float32 [N, latent] → [N, resolution, resolution, channels]. */
export function r3ganGenerator(shape: Shape): Network {
  const { widths, channels, classes, latent, seed } = shape;
  return network(seed, "generator", (to) => {
    const labelled = withClass(to, "class", classes, latent);
    const head = basisHead(to, "4", classes > 0 ? 2 * latent : latent, widths[0]);
    const levels = widths.flatMap((width, at): Layer[] =>
      at === 0
        ? level(to, shape, at)
        : [
            // A 1×1 convolution and resampling commute: before it there are four times fewer pixels.
            ...widen(to, `${4 << at}.widen`, widths[at - 1], width),
            (x) => upsample2d(x),
            ...level(to, shape, at),
          ],
    );
    const outputs = channels * shuffle ** 2;
    const last = plainConv(to, "picture", { inputs: widths[widths.length - 1], outputs, kernel: 3 });
    return chain(labelled, head, ...levels, last, leakyTanh, (x) =>
      depthToSpace(x as Tensor4D, shuffle, "NHWC"),
    );
  });
}

/** float32 [N, resolution, resolution, channels] → logits [N, 1], as an auxiliary classifier [N, 1 + classes]. */
export function r3ganDiscriminator(shape: Shape): Network {
  const { widths, channels, classes, condition, seed } = shape;
  return network(seed, "discriminator", (to) => {
    const top = widths.length - 1;
    const inputs = channels * shuffle ** 2;
    const levels = widths.toReversed().flatMap((width, down): Layer[] => {
      const at = top - down;
      return at === top
        ? level(to, shape, at)
        : [
            (x) => downsample2d(x),
            ...widen(to, `${4 << at}.widen`, widths[at + 1], width),
            ...level(to, shape, at),
          ];
    });
    return chain(
      (x) => spaceToDepth(x, shuffle),
      plainConv(to, "picture", { inputs, outputs: widths[top], kernel: 3 }),
      ...levels,
      basisTail(to, "4", widths[0]),
      logitLayer(to, "logit", { inputs: widths[0], classes, condition }),
    );
  });
}
