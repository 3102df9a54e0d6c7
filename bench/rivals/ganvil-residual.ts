import { add, avgPool, image, reshape, type Tensor, type Tensor4D } from "@tensorflow/tfjs-core";
import { createGan, type Gan } from "../../src/gan/gan.ts";
import { relativisticPairing } from "../../src/gan/losses.ts";
import { r1, r2 } from "../../src/gan/regularizers.ts";
import { conv, dense } from "../../src/nn/layers.ts";
import { type Layer, type Network, network, type Parameters } from "../../src/nn/network.ts";
import { conv2d } from "../../src/ops/conv2d.ts";
import { biasActivation } from "../../src/ops/fused-activation.ts";
import { adamOptions, type ResidualShape } from "../calls.ts";

const chain =
  (...layers: readonly Layer[]): Layer =>
  (x, mode) =>
    layers.reduce<Tensor>((y, layer) => layer(y, mode), x);

/** Standard deviation of a layer's weights that keeps the values' size, by its inputs. */
const stdOf = (inputs: number): number => Math.sqrt(1 / inputs);

interface ConvShape {
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: number;
  readonly groups?: number;
}

/** Convolution, bias, leaky ReLU. */
function activated(to: Parameters, name: string, { inputs, outputs, kernel, groups = 1 }: ConvShape): Layer {
  const shape = [kernel, kernel, inputs / groups, outputs];
  const filter = to.normal(`${name}.weight`, shape, stdOf((kernel * kernel * inputs) / groups));
  const bias = to.constant(`${name}.bias`, [outputs], 0);
  return (x) => biasActivation(conv2d(x, filter as unknown as Tensor4D, { groups }), bias);
}

const pointwise = (to: Parameters, name: string, inputs: number, outputs: number): Layer =>
  conv(to, name, { inputs, outputs, kernel: 1, bias: false, std: stdOf(inputs) });

const residual =
  (inner: Layer): Layer =>
  (x, mode) =>
    add(x, inner(x, mode));

/** x + 1×1(σ(grouped 3×3(σ(1×1 x)))), twice as wide inside. */
function block(to: Parameters, name: string, width: number, groupWidth: number): Layer {
  const wide = 2 * width;
  return residual(
    chain(
      activated(to, `${name}.in`, { inputs: width, outputs: wide, kernel: 1 }),
      activated(to, `${name}.mid`, { inputs: wide, outputs: wide, kernel: 3, groups: wide / groupWidth }),
      pointwise(to, `${name}.out`, wide, width),
    ),
  );
}

const denseBlock = (to: Parameters, name: string, width: number): Layer =>
  residual(activated(to, name, { inputs: width, outputs: width, kernel: 3 }));

const halve: Layer = (x) => avgPool(x as Tensor4D, 2, 2, "valid");
const double: Layer = (x) => image.resizeNearestNeighbor(x as Tensor4D, [2 * x.shape[1]!, 2 * x.shape[2]!]);

/** float32 [N, 32, 32, 3] → logits [N, 1]. */
function residualDiscriminator({ widths: [w8, w16, w32], groupWidth }: ResidualShape): Network {
  return network(0, "discriminator", (to) =>
    chain(
      activated(to, "stem", { inputs: 3, outputs: w32, kernel: 3 }),
      block(to, "32", w32, groupWidth),
      ...[halve, pointwise(to, "16.widen", w32, w16), block(to, "16", w16, groupWidth)],
      ...[halve, pointwise(to, "8.widen", w16, w8), block(to, "8", w8, groupWidth)],
      ...[denseBlock(to, "8.dense", w8), halve],
      (x) => reshape(x, [x.shape[0], -1]),
      dense(to, "logit", { inputs: 16 * w8, outputs: 1, std: stdOf(16 * w8) }),
    ),
  );
}

/** float32 [N, latent] → [N, 32, 32, 3]. */
function residualGenerator({ latent, widths: [w8, w16, w32], groupWidth }: ResidualShape): Network {
  return network(0, "generator", (to) =>
    chain(
      dense(to, "4", { inputs: latent, outputs: 16 * w8, std: stdOf(latent) }),
      (x) => reshape(x, [-1, 4, 4, w8]),
      ...[double, denseBlock(to, "8.dense", w8), block(to, "8", w8, groupWidth)],
      ...[pointwise(to, "16.narrow", w8, w16), double, block(to, "16", w16, groupWidth)],
      ...[pointwise(to, "32.narrow", w16, w32), double, block(to, "32", w32, groupWidth)],
      conv(to, "picture", { inputs: w32, outputs: 3, kernel: 3, std: stdOf(9 * w32) }),
    ),
  );
}

/** A GAN of residual networks: relativistic pairing, and both penalties in every step. */
export function residualGan(shape: ResidualShape, capture: boolean): Gan {
  const { gamma, batch, latent } = shape;
  const { learningRate, beta1, beta2 } = adamOptions;
  return createGan({
    generator: residualGenerator(shape),
    discriminator: residualDiscriminator(shape),
    ...{ batch, latent, resolution: 32, learningRate, beta1, beta2, capture },
    loss: relativisticPairing,
    regularizers: [r1(gamma), r2(gamma)],
  });
}
