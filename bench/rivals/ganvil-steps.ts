import { reshape, type Tensor, tanh } from "@tensorflow/tfjs-core";
import { createGan, type Gan } from "../../src/gan/gan.ts";
import type { GanSettings } from "../../src/gan/settings.ts";
import { dense } from "../../src/nn/layers.ts";
import { type Layer, type Network, network, type Parameters } from "../../src/nn/network.ts";
import { biasActivation } from "../../src/ops/fused-activation.ts";
import { constant } from "../../src/optim/schedule.ts";
import { dcgan } from "../../src/recipes/dcgan.ts";
import { adamOptions, type DcganShape, type MlpShape, type StepShape } from "../calls.ts";
import { residualGan } from "./ganvil-residual.ts";
import type { Step } from "./tfjs-contestant.ts";

/** A step of a whole GAN as a user of the library makes it. */
export function ganvilStep(shape: StepShape, plain = false): Step {
  const capture = !plain;
  switch (shape.network) {
    case "mlp":
      return stepOf(createGan({ ...mlpSettings(shape), capture }));
    case "dcgan":
      return stepOf(createGan({ ...dcganSettings(shape), capture }));
    case "residual":
      return stepOf(residualGan(shape, capture));
  }
}

/** Trained numbers of a network. */
const numbersOf = ({ parameters }: Network): number =>
  Object.values(parameters).reduce((total, { size }) => total + size, 0);

function stepOf(gan: Gan): Step {
  const { batch, resolution, channels, generator, discriminator } = gan.settings;
  const shape = [batch, resolution, resolution, channels] as const;
  const data = Uint8Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => (i * 37) % 256);
  const image = { data, shape };
  return {
    run: async () => Object.values(await gan.step({ image, cursor: 0 })).map(({ loss }) => loss),
    parameters: [generator, discriminator].map(numbersOf),
    dispose: () => gan.dispose(),
  };
}

const dcganSettings = ({ batch, resolution, latent, widths }: DcganShape): GanSettings => ({
  ...dcgan({ batch, resolution, latent, widths, augment: false }),
  learningRate: constant(adamOptions.learningRate),
});

/** Dense layers [inputs, ...hidden, outputs] with leaky ReLU between. */
function perceptron(to: Parameters, widths: readonly number[]): Layer {
  const layers = widths.slice(1).map((outputs, i): Layer => {
    const last = i === widths.length - 2;
    const apply = dense(to, `${i}`, { inputs: widths[i], outputs, bias: last });
    if (last) return apply;
    const bias = to.constant(`${i}.bias`, [outputs], 0);
    return (x, mode) => biasActivation(apply(x, mode), bias);
  });
  return (x, mode) => layers.reduce<Tensor>((y, layer) => layer(y, mode), x);
}

function mlpSettings({ batch, latent, hidden, pixels }: MlpShape): GanSettings {
  const resolution = Math.sqrt(pixels);
  const { learningRate, beta1, beta2 } = adamOptions;
  return {
    generator: network(0, "generator", (to) => {
      const layers = perceptron(to, [latent, ...hidden, pixels]);
      return (z, mode) => tanh(reshape(layers(z, mode), [-1, resolution, resolution, 1]));
    }),
    discriminator: network(0, "discriminator", (to) => {
      const layers = perceptron(to, [pixels, ...hidden.toReversed(), 1]);
      return (x, mode) => layers(reshape(x, [-1, pixels]), mode);
    }),
    ...{ latent, resolution, channels: 1, batch, beta1, beta2 },
    learningRate: constant(learningRate),
  };
}
