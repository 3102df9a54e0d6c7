import { avgPool, reshape, type Tensor, type Tensor2D, type Tensor4D, tidy } from "@tensorflow/tfjs-core";
import { check } from "../errors.ts";
import type { Gan } from "../gan/gan.ts";
import type { Network } from "../nn/network.ts";
import { randomNormal } from "../ops/random.ts";
import { deriveKey } from "../random.ts";
import { modeFor, nearestSpace, styleGenerator } from "./code.ts";
import { chosen, type Direction, type DirectionOptions, readMatrix } from "./direction.ts";
import { symmetricEigen } from "./eigen.ts";

export interface PcaOptions extends DirectionOptions {
  /** Codes drawn. Default 2048. */
  readonly samples?: number;
  /** Integer, 0 to 2^32 - 1. Default 0. */
  readonly seed?: number;
  /** The class of the pictures, for a GAN of classes. */
  readonly label?: number;
  /**
   * Of a generator without a mapping network: what is decomposed, z float32 [N, latent] → [N, features], such as a first
   * layer's activations. Default: the pictures, averaged to 8×8.
   */
  readonly activations?: (z: Tensor2D, generator: Network) => Tensor;
}

/** As many at a time, which bounds memory. */
const drawnAtOnce = 64;

/**
 * GANSpace (Härkönen et al. 2020, arXiv 2004.02546): principal components. With a mapping network those of w; without
 * one those of activations, each regressed back to z: the z that goes with one standard deviation of the component.
 */
export async function pcaDirections(gan: Gan, options: PcaOptions = {}): Promise<Direction[]> {
  const { samples = 2048, seed = 0, label, activations = smallPictures(gan, options), count } = options;
  check(
    Number.isInteger(samples) && samples >= 2,
    () => `pcaDirections: expected samples to be a whole number of at least 2, got ${samples}`,
  );
  const { latent, generator } = gan.settings;
  const space = nearestSpace(gan);
  const features = (z: Tensor2D): Tensor =>
    space === "w"
      ? styleGenerator("pcaDirections", generator).map(z, modeFor(gan, z.shape[0], { label }))
      : activations(z, generator);
  const codes: Float64Array[] = [];
  const activity: Float64Array[] = [];
  for (let start = 0; start < samples; start += drawnAtOnce) {
    const n = Math.min(drawnAtOnce, samples - start);
    const z = () =>
      randomNormal([n, latent], { key: deriveKey(seed, "pca"), offset: start * latent }) as Tensor2D;
    codes.push(await readMatrix(gan, () => tidy(z)));
    activity.push(await readMatrix(gan, () => tidy(() => gan.withAverages(() => features(z())))));
  }
  const x = centred(activity, samples);
  const { values, vectors } = symmetricEigen(x.covariance, x.width);
  const deviations = values.map((value) => Math.sqrt(Math.max(0, value)));
  if (space === "w") return chosen("pcaDirections", space, vectors, deviations, count);
  // The slope of z on component k is E[z·xₖ]/σₖ², and the component of deviation σₖ: together E[z·xₖ]/σₖ.
  const z = centred(codes, samples);
  const known = vectors
    .slice(0, Math.min(latent, x.width, samples - 1))
    .filter((_, k) => deviations[k] > 1e-6 * deviations[0]);
  const ways = known.map((component, k) => {
    const way = new Float64Array(latent);
    for (let n = 0; n < samples; n++) {
      let along = 0;
      for (let i = 0; i < x.width; i++) along += component[i] * x.rows[n * x.width + i];
      for (let i = 0; i < latent; i++) way[i] += (along * z.rows[n * latent + i]) / (samples * deviations[k]);
    }
    return way;
  });
  const lengths = ways.map((way) => Math.hypot(...way));
  const units = ways.map((way, k) => way.map((value) => value / lengths[k]));
  return chosen("pcaDirections", space, units, lengths, count);
}

/** Pictures averaged to 8×8. */
function smallPictures(gan: Gan, { label }: PcaOptions) {
  return (z: Tensor2D, generator: Network): Tensor => {
    const x = generator.apply(z, modeFor(gan, z.shape[0], { label })) as Tensor4D;
    const by = Math.max(1, Math.floor(gan.settings.resolution / 8));
    return reshape(avgPool(x, by, by, "valid"), [z.shape[0], -1]);
  };
}

interface Centred {
  /** Rows less their mean. */
  readonly rows: Float64Array;
  readonly width: number;
  readonly covariance: Float64Array;
}

function centred(parts: readonly Float64Array[], count: number): Centred {
  const rows = new Float64Array(parts.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const part of parts) {
    rows.set(part, at);
    at += part.length;
  }
  const width = rows.length / count;
  for (let i = 0; i < width; i++) {
    let mean = 0;
    for (let n = 0; n < count; n++) mean += rows[n * width + i] / count;
    for (let n = 0; n < count; n++) rows[n * width + i] -= mean;
  }
  const covariance = new Float64Array(width * width);
  for (let n = 0; n < count; n++) {
    for (let i = 0; i < width; i++) {
      const value = rows[n * width + i] / count;
      for (let j = 0; j < width; j++) covariance[i * width + j] += value * rows[n * width + j];
    }
  }
  return { rows, width, covariance };
}
