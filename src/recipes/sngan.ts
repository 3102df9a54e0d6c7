import { reshape } from "@tensorflow/tfjs-core";
import { hinge } from "../gan/losses.ts";
import type { GanSettings } from "../gan/settings.ts";
import { logitLayer } from "../nn/condition.ts";
import { chain, type Layer, type Network, network } from "../nn/network.ts";
import { spectralConv, spectralDense } from "../nn/spectral.ts";
import { type ConvolutionalOptions, completeConvolutional, convolutionalSettings } from "./dcgan.ts";

export interface SnganOptions extends ConvolutionalOptions {
  /** Learning rate at the start and, after a cosine, at the end. Default the paper's 2e-4 throughout. */
  readonly learningRate?: readonly [from: number, to: number];
  /** Turns of the discriminator a step. Default 1; the paper's table has 1 and 5. */
  readonly discriminatorSteps?: number;
}

/** Slope of the leaky ReLU below 0. */
const alpha = 0.1;

/**
 * SNGAN (Miyato et al. 2018, arXiv 1802.05957), the standard networks of its appendix B: DCGAN's generator; a
 * discriminator of pairs of a 3×3 and a 4×4 convolution of stride 2 with leaky ReLU 0.1, every weight over its largest
 * singular value; hinge loss; Adam with β₁ = 0.5, β₂ = 0.999.
 * @throws RangeError for an option that cannot be
 */
export function sngan(options: SnganOptions = {}): GanSettings {
  const complete = completeConvolutional("sngan", options, [2e-4, 2e-4]);
  return {
    ...convolutionalSettings("sngan", complete),
    discriminator: snganDiscriminator(complete),
    loss: hinge,
    beta1: 0.5,
    beta2: 0.999,
    discriminatorSteps: complete.discriminatorSteps,
  };
}

type Shape = Pick<Required<ConvolutionalOptions>, "widths" | "channels" | "classes" | "condition" | "seed">;

/** float32 [N, H, W, channels] → logits [N, 1], as an auxiliary classifier [N, 1 + classes]. */
export function snganDiscriminator({ widths, channels, classes, condition, seed }: Shape): Network {
  return network(seed, "discriminator", (to) => {
    const falling = widths.toReversed();
    const levels = falling.flatMap((outputs, level): Layer[] => {
      const size = (4 << widths.length) >> level;
      const inputs = level === 0 ? channels : falling[level - 1];
      return [
        spectralConv(to, `${size}`, { inputs, outputs, kernel: 3, alpha }),
        spectralConv(to, `${size / 2}.down`, { inputs: outputs, outputs, kernel: 4, stride: 2, alpha }),
      ];
    });
    const inputs = 16 * widths[0];
    return chain(
      ...levels,
      (x) => reshape(x, [x.shape[0], -1]),
      logitLayer(to, "logit", { inputs, classes, condition, linear: spectralDense }),
    );
  });
}
