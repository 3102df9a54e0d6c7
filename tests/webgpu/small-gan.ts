// A GAN for tests of what happens to it, not of what it learns.
import { reshape, type Tensor, tanh } from "@tensorflow/tfjs-core";
import { createGan, type Gan } from "../../src/gan/gan.ts";
import type { TrainingState } from "../../src/gan/state.ts";
import { conv, dense } from "../../src/nn/layers.ts";
import { type Layer, network } from "../../src/nn/network.ts";

const chain =
  (...layers: readonly Layer[]): Layer =>
  (x, mode) =>
    layers.reduce<Tensor>((y, layer) => layer(y, mode), x);

const batch = 2;

/** A GAN of few kernels, which each new device compiles anew, that trains for so many steps. */
export function smallGan(steps: number): Gan {
  const generator = network(0, "generator", (to) =>
    chain(
      dense(to, "in", { inputs: 4, outputs: 64, activation: "leakyRelu", std: 0.5 }),
      dense(to, "out", { inputs: 64, outputs: 48, std: 0.3 }),
      (x) => tanh(reshape(x, [-1, 4, 4, 3])),
    ),
  );
  const discriminator = network(0, "discriminator", (to) =>
    chain(
      conv(to, "conv", { inputs: 3, outputs: 8, kernel: 3, activation: "leakyRelu", std: 0.3 }),
      (x) => reshape(x, [-1, 128]),
      dense(to, "out", { inputs: 128, outputs: 1, std: 0.1 }),
    ),
  );
  const shape = { latent: 4, resolution: 4, batch, kimg: (steps * batch) / 1000 };
  return createGan({ generator, discriminator, ...shape });
}

/** ‖a − b‖ / ‖b‖ over all arrays of two states. */
export function distance(a: TrainingState, b: TrainingState): number {
  let [difference, norm] = [0, 0];
  for (const [name, { data }] of Object.entries(b.tensors)) {
    for (const [i, value] of data.entries()) {
      difference += (a.tensors[name].data[i] - value) ** 2;
      norm += value ** 2;
    }
  }
  return Math.sqrt(difference / norm);
}
