import { reshape } from "@tensorflow/tfjs-core";
import { wasserstein } from "../gan/losses.ts";
import { gradientPenalty } from "../gan/regularizers.ts";
import type { GanSettings } from "../gan/settings.ts";
import { logitLayer } from "../nn/condition.ts";
import { conv, dense } from "../nn/layers.ts";
import { chain, type Layer, type Network, network, type Parameters } from "../nn/network.ts";
import { biasActivation } from "../ops/fused-activation.ts";
import { groupNorm } from "../ops/norm.ts";
import { type ConvolutionalOptions, completeConvolutional, convolutionalSettings } from "./dcgan.ts";

export interface WganGpOptions extends ConvolutionalOptions {
  /** Learning rate at the start and, after a cosine, at the end. Default the paper's 1e-4 throughout. */
  readonly learningRate?: readonly [from: number, to: number];
  /** Weight of the gradient penalty. Default 10. */
  readonly lambda?: number;
  /** Turns of the critic a step. Default 5. */
  readonly discriminatorSteps?: number;
}

/**
 * WGAN-GP (Gulrajani et al. 2017, arXiv 1704.00028): DCGAN's generator; a critic of 4×4 convolutions of stride 2 with
 * layer norm, since batch norm would tie the pictures of a batch together; λ = 10, five turns of the critic a step; Adam
 * with β₁ = 0, β₂ = 0.9.
 * @throws RangeError for an option that cannot be
 */
export function wganGp(options: WganGpOptions = {}): GanSettings {
  const complete = completeConvolutional("wganGp", options, [1e-4, 1e-4]);
  return {
    ...convolutionalSettings("wgan-gp", complete),
    discriminator: wganGpCritic(complete),
    loss: wasserstein,
    regularizers: [gradientPenalty(complete.lambda)],
    discriminatorSteps: complete.discriminatorSteps ?? 5,
    beta1: 0,
    beta2: 0.9,
  };
}

/** Layer norm over all of a picture (Ba et al. 2016, arXiv 1607.06450), a factor for each channel, and leaky ReLU 0.2. */
function normed(to: Parameters, name: string, channels: number): Layer {
  const scale = to.constant(`${name}.scale`, [channels], 1);
  const offset = to.constant(`${name}.offset`, [channels], 0);
  return (x) => biasActivation(groupNorm(x, 1, { scale }), offset, { alpha: 0.2 });
}

type Shape = Pick<Required<ConvolutionalOptions>, "widths" | "channels" | "classes" | "condition" | "seed">;

/** float32 [N, H, W, channels] → what the critic thinks [N, 1], as an auxiliary classifier [N, 1 + classes]. */
export function wganGpCritic({ widths, channels, classes, condition, seed }: Shape): Network {
  return network(seed, "discriminator", (to) => {
    const falling = widths.toReversed();
    const levels = falling.flatMap((outputs, level): Layer[] => {
      const name = `${(2 << widths.length) >> level}`;
      const inputs = level === 0 ? channels : falling[level - 1];
      const shape = { inputs, outputs, kernel: 4, stride: 2, std: 1 / Math.sqrt(16 * inputs) };
      if (level === 0) return [conv(to, name, { ...shape, activation: "leakyRelu", alpha: 0.2 })];
      return [conv(to, name, { ...shape, bias: false }), normed(to, `${name}.norm`, outputs)];
    });
    const inputs = 16 * widths[0];
    return chain(
      ...levels,
      (x) => reshape(x, [x.shape[0], -1]),
      logitLayer(to, "logit", {
        ...{ inputs, classes, condition },
        linear: (to, name, shape) => dense(to, name, { ...shape, std: 1 / Math.sqrt(inputs) }),
      }),
    );
  });
}
