import { reshape, type Tensor, tanh } from "@tensorflow/tfjs-core";
import { check } from "../errors.ts";
import { diffAugment } from "../gan/augment.ts";
import type { GanSettings } from "../gan/settings.ts";
import { type Condition, logitLayer, withClass } from "../nn/condition.ts";
import { batchNorm, conv, convTranspose, dense } from "../nn/layers.ts";
import { type Layer, type Network, network } from "../nn/network.ts";
import { cosine } from "../optim/schedule.ts";
import { checkOptions, checkRates, checkSize, given, kept, type RecipeOptions } from "./options.ts";

/** Options of recipes whose networks are DCGAN's or near it. */
export interface ConvolutionalOptions extends RecipeOptions {
  /** Height and width of pictures: 32 or 64. Default 32. */
  readonly resolution?: 32 | 64;
  /** "nano" (0.05 to 0.13 M parameters a side at 32²), "small" (0.3 M) or "full" (3 M). Default "small". */
  readonly size?: keyof typeof sizes;
  /** Channels at 4×4, 8×8, ... up to half the resolution. Default: the size's, thin at high resolutions. */
  readonly widths?: readonly number[];
  /** Length of training in thousands of pictures. Default 50. */
  readonly kimg?: number;
  /** Learning rate at the start and, after a cosine, at the end. */
  readonly learningRate?: readonly [from: number, to: number];
}

/** Widths from 4×4 up. */
const sizes = {
  nano: { 32: [56, 40, 24], 64: [56, 40, 24, 12] },
  small: { 32: [128, 64, 32], 64: [128, 64, 32, 16] },
  full: { 32: [512, 256, 128], 64: [512, 256, 128, 64] },
} as const;

/**
 * Options with every default filled in.
 * @throws RangeError naming the recipe for an option that cannot be
 */
export function completeConvolutional<T extends ConvolutionalOptions>(
  recipe: string,
  options: T,
  learningRate: readonly [from: number, to: number],
): T & Required<ConvolutionalOptions> {
  const { resolution = 32, size = "small" } = options;
  check(
    resolution === 32 || resolution === 64,
    () => `${recipe}: expected resolution 32 or 64, got ${resolution}`,
  );
  checkSize(recipe, sizes, size);
  const complete = {
    ...{
      size,
      resolution,
      widths: sizes[size][resolution],
      channels: 3,
      classes: 0,
      condition: "projection",
    },
    ...{ latent: 64, batch: 32, kimg: 50, seed: 0, learningRate },
    ...given(options),
  } as unknown as T & Required<ConvolutionalOptions>;
  const { widths } = complete;
  const levels = Math.log2(resolution / 4);
  checkOptions(recipe, complete, options);
  check(
    widths.length === levels &&
      widths.every((width) => Number.isInteger(width) && width > 0 && width <= 4096),
    () => `${recipe}: expected ${levels} widths from 1 to 4096 for resolution ${resolution}, got [${widths}]`,
  );
  checkRates(recipe, complete.learningRate);
  return complete;
}

/** What these recipes have in common but their discriminators and losses. */
export function convolutionalSettings(
  name: string,
  complete: Required<ConvolutionalOptions>,
): Omit<GanSettings, "discriminator"> {
  const { latent, resolution, channels, classes, condition, batch, kimg, seed, learningRate } = complete;
  return {
    generator: dcganGenerator(complete),
    ...{ latent, resolution, channels, classes, batch, kimg, seed },
    auxiliary: classes > 0 && condition === "auxiliary" ? { weight: 1 } : undefined,
    learningRate: cosine(...learningRate),
    averageHalfLife: 4000,
    recipe: { name, options: kept(complete) },
  };
}

export interface DcganOptions extends ConvolutionalOptions {
  /** Learning rate at the start and, after a cosine, at the end. Default [5e-4, 2e-4]. */
  readonly learningRate?: readonly [from: number, to: number];
  /** Colour and translation changes of every picture before the discriminator. Default true. */
  readonly augment?: boolean;
}

/**
 * DCGAN (Radford et al. 2015, arXiv 1511.06434): a dense layer to 4×4, then 4×4 transposed convolutions of
 * stride 2 with batch norm and ReLU; the discriminator mirrors it with leaky ReLU 0.2. Trained with the
 * non-saturating loss and DiffAugment.
 * @throws RangeError for an option that cannot be
 */
export function dcgan(options: DcganOptions = {}): GanSettings {
  const { augment: augmented = true, ...others } = options;
  const complete = completeConvolutional("dcgan", others, [5e-4, 2e-4]);
  const augment = augmented ? diffAugment() : undefined;
  return {
    ...convolutionalSettings("dcgan", complete),
    discriminator: dcganDiscriminator(complete),
    beta1: 0.5,
    beta2: 0.99,
    augment,
    recipe: { name: "dcgan", options: { ...kept(complete), augment: augment?.name ?? "none" } },
  };
}

interface Shape {
  readonly widths: readonly number[];
  readonly channels: number;
  readonly seed: number;
  /** Default 0: none. */
  readonly classes?: number;
  /** Default "projection". */
  readonly condition?: Condition;
}

/** Activation of the generator. */
const relu = { activation: "relu" } as const;

/** float32 [N, latent] → [N, 4·2^levels, 4·2^levels, channels] in [-1, 1]. */
export function dcganGenerator({
  widths,
  channels,
  seed,
  latent,
  classes = 0,
}: Shape & { readonly latent: number }): Network {
  return network(seed, "generator", (to) => {
    const first = widths[0];
    const labelled = withClass(to, "class", classes, latent);
    const inputs = classes > 0 ? 2 * latent : latent;
    const head = dense(to, "4", { inputs, outputs: 16 * first, bias: false });
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
      const start = reshape(head(labelled(z, mode), mode), [-1, 4, 4, first]);
      return stages.reduce<Tensor>((x, stage) => stage(x, mode), headNorm(start, mode));
    };
  });
}

/** Activation of the discriminator. */
const leakyRelu = { activation: "leakyRelu", alpha: 0.2 } as const;

/** float32 [N, H, W, channels] → logits [N, 1], as an auxiliary classifier [N, 1 + classes]. */
export function dcganDiscriminator(shape: Shape): Network {
  const { widths, channels, seed, classes = 0, condition = "projection" } = shape;
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
    const tail = logitLayer(to, "logit", { inputs: 16 * widths[0], classes, condition, linear: dense });
    return (x, mode) => {
      const features = stages.reduce<Tensor>((y, stage) => stage(y, mode), x);
      return tail(reshape(features, [x.shape[0], -1]), mode);
    };
  });
}
