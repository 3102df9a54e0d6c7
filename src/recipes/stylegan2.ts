import { add, reshape, type Tensor, unstack } from "@tensorflow/tfjs-core";
import { check } from "../errors.ts";
import type { Augment } from "../gan/augment.ts";
import { pathLength, r1 } from "../gan/regularizers.ts";
import type { GanSettings } from "../gan/settings.ts";
import { logitLayer, withClass } from "../nn/condition.ts";
import { equalConv, equalDense, scaledLeakyRelu } from "../nn/equalized.ts";
import { modulatedConv, type StyledLayer, styleLayer } from "../nn/modulated.ts";
import {
  chain,
  type Layer,
  type Network,
  network,
  type Parameters,
  partwise,
  type StyleNetwork,
} from "../nn/network.ts";
import { styleNetwork } from "../nn/style.ts";
import { minibatchStddev, pixelNorm } from "../ops/norm.ts";
import { upsample2d } from "../ops/upfirdn2d.ts";
import { checkOptions, checkSize, given, kept, type RecipeOptions, startingGamma } from "./options.ts";

export interface Stylegan2Options extends RecipeOptions {
  /** Height and width of pictures: a power of two from 8 to 256. Default 32. */
  readonly resolution?: number;
  /** "nano" (0.1 M parameters a side at 32², thin at high resolutions), "small" or "full" (the paper's, half as wide). Default "nano". */
  readonly size?: keyof typeof sizes;
  /** Channels at 4×4, 8×8, ... up to the resolution. Default: the size's. */
  readonly widths?: readonly number[];
  /** Numbers of z and of w. Default: the size's, 64, 128 or 512. */
  readonly latent?: number;
  /** Layers from z to w. Default: the size's, 2, 4 or 8. */
  readonly mappingLayers?: number;
  /** Part of the generator's pictures in training that mix two styles. Default 0.9. */
  readonly mixing?: number;
  /** Weight of R1, in every 16th step. Default 0.0002·resolution²/batch (Karras et al. 2020, arXiv 2006.06676). */
  readonly gamma?: number;
  /** Weight of the path length, in every 4th step; the paper's is 2. Default 0: none. */
  readonly pathLength?: number;
  /** Length of training in thousands of pictures. Default 50. */
  readonly kimg?: number;
  /** Adam's step size; the mapping's is a hundredth. Default 2e-3. */
  readonly learningRate?: number;
  /** Default: none, as in the paper. */
  readonly augment?: Augment;
}

/** Widths from 4×4 up; a resolution takes as many as it has levels. */
const sizes = {
  nano: { widths: [48, 32, 24, 12, 8, 8, 8], latent: 64, mappingLayers: 2 },
  small: { widths: [128, 96, 64, 32, 16, 16, 16], latent: 128, mappingLayers: 4 },
  full: { widths: [512, 512, 512, 512, 256, 128, 64], latent: 512, mappingLayers: 8 },
} as const;

/** Of the mapping network, as a part of the learning rate. */
const mappingRate = 0.01;

/**
 * StyleGAN2 (Karras et al. 2020, arXiv 1912.04958), small.
 *
 * | loss | non-saturating + γ/2·E‖∇D(x)‖² in every 16th step, and the path length in every 4th where asked for |
 * |---|---|
 * | mapping | z over its length, dense layers at a hundredth of the learning rate |
 * | generator | modulated 3×3 convolutions with noise; pictures summed over the resolutions; styles mixed |
 * | discriminator | residual blocks, minibatch standard deviation at 4×4 |
 * | weights | N(0, 1), equalised learning rates; leaky ReLU 0.2 times √2 |
 * | Adam | β₁ = 0, β₂ = 0.99, learning rate 0.002 |
 * | average | half-life of 10,000 pictures at a batch of 32 |
 *
 * Not the paper's: a class's embedding stands beside z, and the discriminator is told it by its last layer.
 * @throws RangeError for an option that cannot be
 */
export function stylegan2(options: Stylegan2Options = {}): GanSettings {
  const complete = completeOptions(options);
  const { latent, resolution, channels, classes, condition, batch, kimg, seed, learningRate } = complete;
  const { gamma, pathLength: weight } = complete;
  return {
    generator: stylegan2Generator(complete),
    discriminator: stylegan2Discriminator(complete),
    ...{ latent, resolution, channels, classes, batch, kimg, seed, learningRate },
    regularizers: [
      ...(gamma > 0 ? [r1(gamma, { every: 16 })] : []),
      ...(weight > 0 ? [pathLength(weight, { every: 4 })] : []),
    ],
    auxiliary: condition === "auxiliary" ? { weight: 1 } : undefined,
    beta1: 0,
    beta2: 0.99,
    averageHalfLife: (10_000 * batch) / 32,
    augment: options.augment,
    recipe: { name: "stylegan2", options: { ...kept(complete), augment: options.augment?.name } },
  };
}

type Complete = Required<Omit<Stylegan2Options, "augment">>;

function completeOptions({ augment: _, ...options }: Stylegan2Options): Complete {
  const { size = "nano", resolution = 32, batch = 32 } = options;
  const levels = Math.log2(resolution) - 1;
  check(
    Number.isInteger(levels) && levels >= 2 && levels <= 7,
    () => `stylegan2: expected resolution to be a power of two from 8 to 256, got ${resolution}`,
  );
  checkSize("stylegan2", sizes, size);
  const complete: Complete = {
    ...{ size, resolution, batch, channels: 3, classes: 0, condition: "projection" },
    widths: sizes[size].widths.slice(0, levels),
    ...{ latent: sizes[size].latent, mappingLayers: sizes[size].mappingLayers, mixing: 0.9 },
    ...{ gamma: startingGamma(resolution, batch), pathLength: 0 },
    ...{ kimg: 50, seed: 0, learningRate: 2e-3 },
    ...given(options),
  };
  const { widths, mappingLayers, mixing } = complete;
  const isCount = (n: number) => Number.isInteger(n) && n > 0 && n <= 4096;
  checkOptions("stylegan2", complete, options);
  check(
    widths.length === levels && widths.every(isCount),
    () =>
      `stylegan2: expected ${levels} widths from 1 to 4096 for resolution ${resolution}, from 4×4 up, got [${widths}]`,
  );
  check(
    isCount(mappingLayers),
    () => `stylegan2: expected mappingLayers to be a whole number from 1 to 4096, got ${mappingLayers}`,
  );
  check(mixing >= 0 && mixing <= 1, () => `stylegan2: expected mixing from 0 to 1, got ${mixing}`);
  for (const name of ["gamma", "pathLength", "learningRate"] as const) {
    check(complete[name] >= 0, () => `stylegan2: expected ${name} of at least 0, got ${complete[name]}`);
  }
  return complete;
}

type Shape = Pick<
  Complete,
  "widths" | "channels" | "classes" | "condition" | "latent" | "mappingLayers" | "mixing" | "seed"
>;

/** z float32 [N, latent] → w [N, latent]. */
function mapping(to: Parameters, { latent, mappingLayers, classes }: Shape): Layer {
  const layers = Array.from({ length: mappingLayers }, (_, i) => {
    const inputs = i === 0 && classes > 0 ? 2 * latent : latent;
    return equalDense(to, `mapping.${i}`, { inputs, outputs: latent, rate: mappingRate, ...scaledLeakyRelu });
  });
  return chain((z) => pixelNorm(z), withClass(to, "class", classes, latent), ...layers);
}

/** float32 [N, latent] → w → [N, 4·2^levels, 4·2^levels, channels], in training not bounded. */
export function stylegan2Generator(shape: Shape): StyleNetwork {
  const { widths, channels, latent: width, seed, mixing } = shape;
  const build = (to: Parameters) => {
    const start: Tensor = to.normal("4.constant", [1, 4, 4, widths[0]], 1);
    const blocks = widths.map((outputs, level): { layers: StyledLayer[]; picture: StyledLayer } => {
      const name = `${4 << level}`;
      const layers = [styleLayer(to, `${name}.conv`, { inputs: outputs, outputs, width })];
      if (level > 0) {
        const inputs = widths[level - 1];
        layers.unshift(styleLayer(to, `${name}.up`, { inputs, outputs, width, up: true }));
      }
      const toPicture = { inputs: outputs, outputs: channels, kernel: 1, width, demodulate: false };
      return { layers, picture: modulatedConv(to, `${name}.picture`, toPicture) };
    });
    const bias: Tensor = to.constant("picture.bias", [channels], 0);
    // The last layer's picture has a style of its own; the others have that of the layer after them.
    const styles = 2 * widths.length;
    const synthesize: Layer = (w, mode) => {
      const codes = w.shape.length === 3 ? unstack(w, 1) : Array.from({ length: styles }, () => w);
      let x = start;
      let picture: Tensor | undefined;
      let layer = 0;
      for (const block of blocks) {
        for (const convolve of block.layers) x = convolve(x, codes[layer++], mode);
        const part = block.picture(x, codes[layer], mode);
        picture = picture === undefined ? part : add(upsample2d(picture), part);
      }
      return add(picture!, bias);
    };
    return { styles, map: mapping(to, shape), synthesize };
  };
  return styleNetwork(seed, "generator", build, { mixing });
}

/** Pictures compared with each other: a divisor of the batch. */
const groupOf = (batch: number): number => [4, 3, 2].find((size) => batch % size === 0) ?? 1;

/** float32 [N, H, W, channels] → logits [N, 1], as an auxiliary classifier [N, 1 + classes]. */
export function stylegan2Discriminator(shape: Shape): Network {
  const { widths, channels, classes, condition, seed } = shape;
  const width = widths[0];
  return network(seed, "discriminator", (to) => {
    const highest = { inputs: channels, outputs: widths[widths.length - 1], kernel: 1, ...scaledLeakyRelu };
    const first = equalConv(to, "picture", highest);
    const blocks = widths.slice(1).map((inputs, level) => {
      const [size, outputs] = [8 << level, widths[level]];
      return residualBlock(to, `${size}`, inputs, outputs);
    });
    const compared = (x: Tensor) => minibatchStddev(x, { groupSize: groupOf(x.shape[0]) });
    return chain(
      first,
      ...blocks.reverse(),
      (x, { parts }) => partwise(x, parts, compared),
      equalConv(to, "4", { inputs: width + 1, outputs: width, kernel: 3, ...scaledLeakyRelu }),
      (x) => reshape(x, [x.shape[0], -1]),
      equalDense(to, "dense", { inputs: 16 * width, outputs: width, ...scaledLeakyRelu }),
      logitLayer(to, "logit", { inputs: width, classes, condition }),
    );
  });
}

/** Two convolutions to half the size beside a linear shortcut; both have half the result's variance. */
function residualBlock(to: Parameters, name: string, inputs: number, outputs: number): Layer {
  const half = { ...scaledLeakyRelu, gain: 1 };
  const conv = equalConv(to, `${name}.conv`, { inputs, outputs: inputs, kernel: 3, ...scaledLeakyRelu });
  const down = equalConv(to, `${name}.down`, { inputs, outputs, kernel: 3, down: true, ...half });
  const skip = equalConv(to, `${name}.skip`, {
    ...{ inputs, outputs, kernel: 1, down: true, bias: false as const },
    gain: Math.SQRT1_2,
  });
  return (x, mode) => add(down(conv(x, mode), mode), skip(x, mode));
}
