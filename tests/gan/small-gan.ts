import { expandDims, matMul, reshape, type Tensor, type Tensor2D, tanh, tile } from "@tensorflow/tfjs-core";
import { createGan, type Gan } from "../../src/gan/gan.ts";
import type { GanSettings } from "../../src/gan/settings.ts";
import { conv, dense } from "../../src/nn/layers.ts";
import { type Layer, type Network, network, type StyleNetwork } from "../../src/nn/network.ts";
import { random } from "../ops/check.ts";

/** Height and width of the pictures here. */
export const size = 6;
const latent = 5;

/** D(x) = w·x: its slope is w everywhere. */
export const linearCritic = (std = 0.1): Network =>
  network(1, "critic", (to) => {
    const weight = to.normal("w", [size * size * 3, 1], std);
    return (x) => matMul(reshape(x, [x.shape[0], -1]) as Tensor2D, weight as unknown as Tensor2D);
  });

/** A smooth discriminator of two layers. */
export const smoothCritic = (outputs = 1): Network =>
  network(2, "critic", (to) => {
    const first = conv(to, "first", { inputs: 3, outputs: 4, kernel: 3, stride: 2, std: 0.3 });
    const last = dense(to, "last", { inputs: 36, outputs, std: 0.3 });
    return (x, mode) => last(reshape(tanh(first(x, mode)), [x.shape[0], -1]), mode);
  });

const picture = (to: Parameters<Parameters<typeof network>[2]>[0], inputs: number): Layer => {
  const first = dense(to, "picture", { inputs, outputs: size * size * 3, std: 0.5 });
  return (x, mode) => reshape(tanh(first(x, mode)), [-1, size, size, 3]);
};

export const smoothGenerator = (): Network => network(3, "generator", (to) => picture(to, latent));

/** A smooth generator with a mapping network, and two styles of 4 numbers. */
export function styleGenerator(): StyleNetwork {
  let mapping: Layer;
  let synthesis: Layer;
  const whole = network(4, "generator", (to) => {
    const map = dense(to, "map", { inputs: latent, outputs: 4, std: 0.5 });
    const draw = picture(to, 8);
    mapping = (z, mode) => tanh(map(z, mode));
    synthesis = (w, mode) => draw(reshape(styled(w), [-1, 8]), mode);
    return (z, mode) => synthesis(mapping(z, mode), mode);
  });
  return {
    ...whole,
    styles: 2,
    map: (z, mode) => mapping(z, mode),
    synthesize: (w, mode) => synthesis(w, mode),
  };
}

/** One w for both layers, or one for each. */
const styled = (w: Tensor): Tensor => (w.shape.length === 3 ? w : tile(expandDims(w, 1), [1, 2, 1]));

export const batch = 4;

/** Pictures of noise, the same for a name. */
export function pictures(name: string, count = batch) {
  const next = random(name);
  const data = Uint8Array.from({ length: count * size * size * 3 }, () => Math.floor(next() * 256));
  return { data, shape: [count, size, size, 3] as const };
}

/**
 * A small smooth GAN that does not move: its rate is 0, and Adam's first moment is the last gradient.
 */
export const still = (settings: Partial<GanSettings> = {}): Gan =>
  createGan({
    generator: smoothGenerator(),
    discriminator: smoothCritic(),
    ...{ latent, resolution: size, batch, learningRate: 0, beta1: 0 },
    ...settings,
  });
