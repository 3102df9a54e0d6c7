import { add, matMul, slice, type Tensor, type Tensor2D, tidy } from "@tensorflow/tfjs-core";
import { checkType, show } from "../errors.ts";
import type { Gan } from "../gan/gan.ts";
import { isStyleNetwork, type Network } from "../nn/network.ts";
import { nearestSpace } from "./code.ts";
import { chosen, type Direction, type DirectionOptions, readMatrix } from "./direction.ts";
import { symmetricEigen } from "./eigen.ts";

export interface SefaOptions extends DirectionOptions {
  /**
   * Names of the generator's parameters that act on the code first, [inputs, outputs] each. Default: of a generator of
   * styles all that make styles; of another the first that has a row for each number of z.
   */
  readonly weights?: readonly string[];
}

/**
 * Closed-form factorisation, SeFa (Shen & Zhou 2020, arXiv 2007.06600): directions along which the first linear layers
 * change most, the eigenvectors of AᵀA for A from code to outputs. Needs no samples.
 * @throws TypeError where it does not know the weights
 */
export async function sefa(gan: Gan, { weights, count }: SefaOptions = {}): Promise<Direction[]> {
  const { generator, latent } = gan.settings;
  const space = nearestSpace(gan);
  const names = weights ?? firstWeights(generator, latent);
  for (const name of names) {
    const shape = generator.parameters[name]?.shape;
    checkType(
      shape?.length === 2,
      () =>
        `sefa: expected weights to name parameters [inputs, outputs] of the generator, got ${show(name)}, which is ${shape ? `[${shape}]` : "none"}`,
    );
  }
  // With classes an embedding may stand behind z.
  const width = space === "z" ? latent : generator.parameters[names[0]].shape[0];
  const product = () =>
    tidy(() =>
      gan.withAverages(({ parameters }) =>
        names
          .map((name) => slice(parameters[name] as Tensor2D, [0, 0], [width, -1]))
          .map((matrix): Tensor => matMul(matrix, matrix, false, true))
          .reduce((a, b) => add(a, b)),
      ),
    );
  const { values, vectors } = symmetricEigen(await readMatrix(gan, product), width);
  return chosen("sefa", space, vectors, values.map(Math.sqrt), count);
}

/** Parameters that act on the code first. */
function firstWeights(generator: Network, latent: number): string[] {
  const all = Object.entries(generator.parameters);
  const found = isStyleNetwork(generator)
    ? all.filter(([name]) => name.endsWith(".style.weight"))
    : all.filter(([, { shape }]) => shape.length === 2 && shape[0] >= latent).slice(0, 1);
  checkType(
    found.length > 0,
    () =>
      `sefa: expected weights, which of this generator are not known. Name them: it has ${Object.keys(generator.parameters)}.`,
  );
  return found.map(([name]) => name);
}
