import { reshape, type Tensor, tanh } from "@tensorflow/tfjs-core";
import { check } from "../errors.ts";
import { diffAugment } from "../gan/augment.ts";
import type { GanSettings } from "../gan/settings.ts";
import { batchNorm, conv, convTranspose, dense } from "../nn/layers.ts";
import { type Layer, type Network, network } from "../nn/network.ts";
import { cosine } from "../optim/schedule.ts";

export interface DcganOptions {
  /** Height and width of pictures: 32 or 64. Default 32. */
  readonly resolution?: 32 | 64;
  /** 1 (grey) or 3 (RGB). Default 3. */
  readonly channels?: 1 | 3;
  /** Numbers of the generator's input. Default 64. */
  readonly latent?: number;
  /** Channels at 4×4, 8×8, ... up to half the resolution. Default: thin at high resolutions, for a laptop. */
  readonly widths?: readonly number[];
  /** Pictures a step. Default 32. */
  readonly batch?: number;
  /** Length of training in thousands of pictures. Default 50. */
  readonly kimg?: number;
  /** Integer, 0 to 2^32 - 1. Default 0. */
  readonly seed?: number;
  /** Learning rate at the start and, after a cosine, at the end. Default [5e-4, 2e-4]. */
  readonly learningRate?: readonly [from: number, to: number];
  /** Colour and translation changes of every picture before the discriminator. Default true. */
  readonly augment?: boolean;
}

const defaultWidths = { 32: [128, 64, 32], 64: [128, 64, 32, 16] } as const;

/**
 * DCGAN (Radford et al. 2015, arXiv 1511.06434): a dense layer to 4×4, then 4×4 transposed convolutions of
 * stride 2 with batch norm and ReLU; the discriminator mirrors it with leaky ReLU 0.2. Trained with the
 * non-saturating loss and DiffAugment.
 */
export function dcgan(options: DcganOptions = {}): GanSettings {
  const {
    resolution = 32,
    channels = 3,
    latent = 64,
    batch = 32,
    kimg = 50,
    seed = 0,
    augment = true,
  } = options;
  const { learningRate = [5e-4, 2e-4] } = options;
  check(
    resolution === 32 || resolution === 64,
    () => `dcgan: expected resolution 32 or 64, got ${resolution}`,
  );
  check(channels === 1 || channels === 3, () => `dcgan: expected channels 1 or 3, got ${channels}`);
  const widths = options.widths ?? defaultWidths[resolution];
  const levels = Math.log2(resolution / 4);
  check(
    widths.length === levels &&
      widths.every((width) => Number.isInteger(width) && width > 0 && width <= 4096),
    () => `dcgan: expected ${levels} widths from 1 to 4096 for resolution ${resolution}, got [${widths}]`,
  );
  check(
    Number.isInteger(latent) && latent > 0 && latent <= 4096,
    () => `dcgan: expected latent to be a whole number from 1 to 4096, got ${latent}`,
  );
  check(
    [learningRate[0], learningRate[1]].every((rate) => rate > 0),
    () => `dcgan: expected learningRate [from, to], both above 0, got ${learningRate}`,
  );
  return {
    generator: dcganGenerator({ widths, channels, latent, seed }),
    discriminator: dcganDiscriminator({ widths, channels, seed }),
    ...{ latent, resolution, channels, batch, kimg, seed },
    learningRate: cosine(...learningRate),
    beta1: 0.5,
    beta2: 0.99,
    averageHalfLife: 4000,
    augment: augment ? diffAugment() : undefined,
    recipe: {
      name: "dcgan",
      options: { resolution, channels, latent, widths, batch, kimg, seed, learningRate, augment },
    },
  };
}

interface Shape {
  readonly widths: readonly number[];
  readonly channels: number;
  readonly seed: number;
}

/** Activation of the generator. */
const relu = { activation: "relu" } as const;

/** float32 [N, latent] → [N, 4·2^levels, 4·2^levels, channels] in [-1, 1]. */
export function dcganGenerator({
  widths,
  channels,
  seed,
  latent,
}: Shape & { readonly latent: number }): Network {
  return network(seed, "generator", (to) => {
    const first = widths[0];
    const head = dense(to, "4", { inputs: latent, outputs: 16 * first, bias: false });
    const headNorm = batchNorm(to, "4.norm", first, relu);
    const stages = widths.map((inputs, level): Layer => {
      const size = 8 << level;
      const last = level === widths.length - 1;
      const outputs = last ? channels : widths[level + 1];
      const up = convTranspose(to, `${size}`, {
        inputs,
        outputs,
        kernel: 4,
        stride: 2,
        bias: last,
      });
      if (last) return (x, mode) => tanh(up(x, mode));
      const norm = batchNorm(to, `${size}.norm`, outputs, relu);
      return (x, mode) => norm(up(x, mode), mode);
    });
    return (z, mode) => {
      const start = reshape(head(z, mode), [-1, 4, 4, first]);
      return stages.reduce<Tensor>((x, stage) => stage(x, mode), headNorm(start, mode));
    };
  });
}

/** Activation of the discriminator. */
const leakyRelu = { activation: "leakyRelu", alpha: 0.2 } as const;

/** float32 [N, H, W, channels] → logits [N, 1]. */
export function dcganDiscriminator({ widths, channels, seed }: Shape): Network {
  return network(seed, "discriminator", (to) => {
    const size = 4 << widths.length;
    const stages = widths.toReversed().map((outputs, level): Layer => {
      const first = level === 0;
      const inputs = first ? channels : widths[widths.length - level];
      const name = `${size >> (level + 1)}`;
      const shape = { inputs, outputs, kernel: 4, stride: 2 };
      if (first) return conv(to, name, { ...shape, ...leakyRelu });
      const down = conv(to, name, { ...shape, bias: false });
      const norm = batchNorm(to, `${name}.norm`, outputs, leakyRelu);
      return (x, mode) => norm(down(x, mode), mode);
    });
    const tail = dense(to, "logit", { inputs: 16 * widths[0], outputs: 1 });
    return (x, mode) => {
      const features = stages.reduce<Tensor>((y, stage) => stage(y, mode), x);
      return tail(reshape(features, [x.shape[0], -1]), mode);
    };
  });
}
