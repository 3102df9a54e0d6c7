import { reshape, type Tensor, tanh } from "@tensorflow/tfjs-core";
import { check } from "../errors.ts";
import { type Augment, diffAugment } from "../gan/augment.ts";
import { hinge } from "../gan/losses.ts";
import type { GanSettings } from "../gan/settings.ts";
import { withClass } from "../nn/condition.ts";
import { glu, noisyUpBlock, upBlock } from "../nn/gated.ts";
import { batchNorm, conv, dense } from "../nn/layers.ts";
import { chain, type Network, network } from "../nn/network.ts";
import { skipExcitation } from "../nn/skip-excitation.ts";
import { fastganDiscriminator, reconstruction } from "./fastgan-discriminator.ts";
import { checkOptions, checkSize, given, kept, type RecipeOptions } from "./options.ts";

export interface FastganOptions extends RecipeOptions {
  /** Height and width of pictures: 32, 64, 128 or 256. Default 32. */
  readonly resolution?: 32 | 64 | 128 | 256;
  /** "nano" (0.1 M parameters a side at 32²), "small" (0.3 M) or "full" (the paper's, half as wide). Default "nano". */
  readonly size?: keyof typeof sizes;
  /** The generator's channels at 4×4, 8×8, ... up to the resolution. Default: the size's. */
  readonly widths?: readonly number[];
  /** The discriminator's channels at 8×8, 16×16, ... up to the resolution. Default: the size's. */
  readonly criticWidths?: readonly number[];
  /** Numbers of the generator's input. Default: the size's, 64, 128 or 256. */
  readonly latent?: number;
  /** Weight of the reconstruction. Default 1. */
  readonly reconstruction?: number;
  /** Pictures a step. Default 8. */
  readonly batch?: number;
  /** Length of training in thousands of pictures. Default 50. */
  readonly kimg?: number;
  /** Adam's step size. Default 2e-4. */
  readonly learningRate?: number;
  /** Default `diffAugment()`, as in the paper. */
  readonly augment?: Augment;
}

const sizes = {
  nano: { widths: [24, 24, 16, 12, 8, 6, 4], criticWidths: [48, 24, 12, 8, 6, 4], latent: 64 },
  small: { widths: [48, 48, 32, 24, 16, 8, 8], criticWidths: [96, 48, 24, 16, 8, 8], latent: 128 },
  full: { widths: [512, 256, 128, 64, 64, 32, 16], criticWidths: [512, 256, 128, 64, 32, 16], latent: 256 },
} as const;

/**
 * FastGAN (Liu et al. 2021, arXiv 2101.04775), for few pictures.
 *
 * | loss | hinge; the discriminator also draws the real pictures that it sees from its features |
 * |---|---|
 * | generator | nearest upsampling, 3×3 convolutions, noise, batch norm, gated linear units; the highest two resolutions excited by lower ones |
 * | discriminator | 4×4 convolutions of stride 2 beside averages, batch norm, leaky ReLU 0.2, down to 8×8; logits of patches averaged |
 * | weights | N(0, 0.02²) |
 * | Adam | β₁ = 0.5, β₂ = 0.999, learning rate 2e-4, batch 8 |
 * | average | half-life of 5,500 pictures |
 *
 * Not the paper's: drawn pictures are compared by L1 instead of LPIPS, which needs a network of its own; the discriminator
 * sees one resolution, not two; weights have no spectral norm.
 * @throws RangeError for an option that cannot be
 */
export function fastgan(options: FastganOptions = {}): GanSettings {
  const complete = completeOptions(options);
  const { latent, resolution, channels, classes, condition, batch, kimg, seed, learningRate } = complete;
  const { augment = diffAugment() } = options;
  const { discriminator, features, decoders } = fastganDiscriminator(complete);
  return {
    generator: fastganGenerator(complete),
    discriminator,
    ...{ latent, resolution, channels, classes, batch, kimg, seed, learningRate },
    loss: hinge,
    regularizers: [reconstruction(complete.reconstruction, { features, decoders })],
    auxiliary: condition === "auxiliary" ? { weight: 1 } : undefined,
    beta1: 0.5,
    beta2: 0.999,
    averageHalfLife: 5500,
    augment,
    recipe: { name: "fastgan", options: { ...kept(complete), augment: options.augment?.name } },
  };
}

type Complete = Required<Omit<FastganOptions, "augment">>;

function completeOptions({ augment: _, ...options }: FastganOptions): Complete {
  const { size = "nano", resolution = 32 } = options;
  const levels = Math.log2(resolution) - 1;
  check(
    [32, 64, 128, 256].includes(resolution),
    () => `fastgan: expected resolution 32, 64, 128 or 256, got ${resolution}`,
  );
  checkSize("fastgan", sizes, size);
  const complete: Complete = {
    ...{ size, resolution, channels: 3, classes: 0, condition: "projection" },
    widths: sizes[size].widths.slice(0, levels),
    criticWidths: sizes[size].criticWidths.slice(0, levels - 1),
    ...{ latent: sizes[size].latent, reconstruction: 1 },
    ...{ batch: 8, kimg: 50, seed: 0, learningRate: 2e-4 },
    ...given(options),
  };
  const { widths, criticWidths } = complete;
  const isCount = (n: number) => Number.isInteger(n) && n > 0 && n <= 4096;
  checkOptions("fastgan", complete, options);
  for (const [name, own, count] of [
    ["widths", widths, levels],
    ["criticWidths", criticWidths, levels - 1],
  ] as const) {
    check(
      own.length === count && own.every(isCount),
      () => `fastgan: expected ${count} ${name} from 1 to 4096 for resolution ${resolution}, got [${own}]`,
    );
  }
  for (const name of ["reconstruction", "learningRate"] as const) {
    check(complete[name] > 0, () => `fastgan: expected ${name} above 0, got ${complete[name]}`);
  }
  return complete;
}

/** float32 [N, latent] → [N, resolution, resolution, channels] in [-1, 1]. */
export function fastganGenerator(shape: Complete): Network {
  const { widths, channels, classes, latent, seed } = shape;
  const top = widths.length - 1;
  return network(seed, "generator", (to) => {
    const first = 2 * widths[0];
    const head = chain(
      withClass(to, "class", classes, latent),
      dense(to, "4", { inputs: classes > 0 ? 2 * latent : latent, outputs: 16 * first, bias: false }),
      (x) => reshape(x, [-1, 4, 4, first]),
      batchNorm(to, "4.norm", first),
      glu,
    );
    const levels = widths.slice(1).map((outputs, below) => {
      const level = below + 1;
      const block = level % 2 === 1 ? noisyUpBlock : upBlock;
      // From a resolution 16 times lower, or from 4×4; below 32² that would be no shortcut.
      const from = Math.max(0, level - 4);
      const excited = level >= 3 && level >= top - 1;
      const name = `${4 << level}`;
      return {
        up: block(to, name, widths[below], outputs),
        from,
        excite: excited ? skipExcitation(to, `${name}.excite`, { inputs: widths[from], outputs }) : undefined,
      };
    });
    const last = conv(to, "picture", { inputs: widths[top], outputs: channels, kernel: 3 });
    return (z, mode) => {
      const all: Tensor[] = [head(z, mode)];
      for (const { up, from, excite } of levels) {
        const y = up(all[all.length - 1], mode);
        all.push(excite === undefined ? y : excite(all[from], y, mode));
      }
      return tanh(last(all[top], mode));
    };
  });
}
