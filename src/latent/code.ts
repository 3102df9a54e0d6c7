import { clipByValue, type Tensor, type Tensor2D, type Tensor4D, tidy } from "@tensorflow/tfjs-core";
import { check, checkType, showShape } from "../errors.ts";
import { oneHot } from "../gan/batch.ts";
import type { Gan } from "../gan/gan.ts";
import { inferenceMode, isStyleNetwork, type Mode, type Network, type StyleNetwork } from "../nn/network.ts";

/** Where a code lies: before a mapping network, or behind it. */
export type Space = "z" | "w";

/** The class of each picture, or of all of them, for a GAN of classes. */
export interface Labelled {
  readonly label?: number | readonly number[];
}

/** The space that pictures are made of most directly: w where there is a mapping network. */
export const nearestSpace = (gan: Gan): Space => (isStyleNetwork(gan.settings.generator) ? "w" : "z");

/** How the generator is run for so many pictures. */
export function modeFor(gan: Gan, count: number, { label }: Labelled): Mode {
  const { classes } = gan.settings;
  const labels = typeof label === "number" ? Array.from({ length: count }, () => label) : label;
  return inferenceMode(oneHot(labels, { count, classes }));
}

/** The generator, which must have a mapping network. */
export function styleGenerator(name: string, generator: Network): StyleNetwork {
  checkType(
    isStyleNetwork(generator),
    () =>
      `${name}: expected a generator with a mapping network (z → w → picture), got one without. Use the stylegan2 recipe, or stay in z.`,
  );
  return generator;
}

/** Refuses what is not float32 [N, latent]. */
export function checkLatents(name: string, gan: Gan, z: Tensor2D): void {
  check(
    z.shape.length === 2 && z.shape[1] === gan.settings.latent && z.shape[0] > 0,
    () => `${name}: expected z [N,${gan.settings.latent}], got ${showShape(z.shape)}`,
  );
}

/** Pictures of a space's codes, as the generator draws them: not bounded where the last layer is not. */
export function drawn(generator: Network, code: Tensor, space: Space, mode: Mode): Tensor4D {
  const draw = space === "w" ? styleGenerator("w", generator).synthesize : generator.apply;
  return draw(code, mode) as Tensor4D;
}

/** Pictures float32 [N, H, W, C] in [-1, 1] of what `f` makes, by the averaged generator. */
export function pictured(gan: Gan, f: (generator: Network) => Tensor): Tensor4D {
  return tidy(() => clipByValue(gan.withAverages(f), -1, 1)) as Tensor4D;
}
