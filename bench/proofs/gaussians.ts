// Mixtures of Gaussians in the plane: where it is known which modes there are, and so what a GAN leaves out.
import {
  concat,
  cos,
  matMul,
  reshape,
  sin,
  type Tensor,
  type Tensor2D,
  tensor4d,
} from "@tensorflow/tfjs-core";
import type { Batch, Dataset } from "../../src/gan/batch.ts";
import type { AdversarialLoss } from "../../src/gan/losses.ts";
import { type Regularizer, r1, r2 } from "../../src/gan/regularizers.ts";
import type { GanSettings } from "../../src/gan/settings.ts";
import type { Gan } from "../../src/index.ts";
import { dense } from "../../src/nn/layers.ts";
import { type Layer, type Network, network, type Parameters } from "../../src/nn/network.ts";
import { randomNormal } from "../../src/ops/random.ts";
import { cosine } from "../../src/optim/schedule.ts";
import { deriveKey, threefry, words } from "../../src/random.ts";

/** Gaussians of one deviation and equal weight, and the training that suits them. */
export interface Mixture {
  readonly name: string;
  /** Points of the plane. */
  readonly centres: readonly (readonly [x: number, y: number])[];
  readonly deviation: number;
  /** Width of the three hidden layers. */
  readonly width: number;
  /** Deviation of the frequencies that the generator sees its latents by. */
  readonly latentFrequency: number;
  /** γ at the start and at the end. */
  readonly gamma: readonly [from: number, to: number];
  readonly batch: number;
  /** Steps of a run that fits a test suite. */
  readonly steps: number;
  /** What suits a longer run. */
  readonly long: Pick<Mixture, "gamma" | "batch" | "steps">;
}

/** 8 Gaussians of deviation 0.02 on a circle of radius 2. */
export const ring: Mixture = {
  name: "ring",
  centres: Array.from({ length: 8 }, (_, i) => {
    const angle = (2 * Math.PI * i) / 8;
    return [2 * Math.cos(angle), 2 * Math.sin(angle)] as const;
  }),
  ...{
    deviation: 0.02,
    width: 96,
    latentFrequency: 2,
    gamma: [0.1, 0.01],
    batch: 64,
    steps: 7000,
    long: { gamma: [0.03, 0.001], batch: 64, steps: 84_000 },
  },
};

/** 25 Gaussians of deviation 0.05 on a square grid of spacing 2. */
export const grid: Mixture = {
  name: "grid",
  centres: Array.from({ length: 25 }, (_, i) => [2 * (i % 5) - 4, 2 * Math.floor(i / 5) - 4] as const),
  ...{
    deviation: 0.05,
    width: 128,
    latentFrequency: 3,
    gamma: [0.1, 0.03],
    batch: 128,
    steps: 5500,
    long: { gamma: [0.05, 0.003], batch: 64, steps: 240_000 },
  },
};

const toUnit = (word: number): number => (word + 0.5) / 2 ** 32;

/** Points of a mixture as pictures of one pixel and two channels; the n-th depends on the seed and n alone. */
export function mixtureDataset({ centres, deviation }: Mixture, seed: number): Dataset {
  const key = deriveKey(seed, "mixture");
  const batchAt = (count: number, cursor: number): Batch => {
    const points = new Float32Array(2 * count);
    for (let i = 0; i < count; i++) {
      const [pick] = threefry(key, ...words(2 * (cursor + i)));
      const [u, v] = threefry(key, ...words(2 * (cursor + i) + 1)).map(toUnit);
      // Box and Muller 1958.
      const radius = deviation * Math.sqrt(-2 * Math.log(u));
      const [x, y] = centres[pick % centres.length];
      points[2 * i] = x + radius * Math.cos(2 * Math.PI * v);
      points[2 * i + 1] = y + radius * Math.sin(2 * Math.PI * v);
    }
    return { image: tensor4d(points, [count, 1, 1, 2]), cursor: cursor + count };
  };
  return {
    ...{ resolution: 1, channels: 2, size: Number.MAX_SAFE_INTEGER, skipped: [] },
    async *batches({ count, cursor }) {
      for (let at = cursor; ; at += count) yield batchAt(count, at);
    },
  };
}

/** Sines and cosines beside each input. */
const frequencies = 32;

/**
 * [x, sin Bx, cos Bx] with B from N(0, deviation²), never trained (Tancik et al. 2020, arXiv 2006.10739): without
 * them small networks are too smooth for modes so narrow.
 */
function fourier(to: Parameters, seed: number, name: string, deviation: number): Layer {
  const b = to.statistic("frequencies", [2, frequencies], 0);
  const drawn = randomNormal([2, frequencies], { key: deriveKey(seed, name, "frequencies"), std: deviation });
  b.assign(drawn);
  drawn.dispose();
  return (x) => {
    const angles = matMul(x as Tensor2D, b as unknown as Tensor2D);
    return concat([x, sin(angles), cos(angles)] as Tensor2D[], 1);
  };
}

/** [N, 2] through Fourier features and three hidden layers with leaky ReLU 0.2, He et al. 2015's initial values. */
function perceptron(
  seed: number,
  name: string,
  shape: { readonly width: number; readonly frequency: number; readonly outputs: number },
): Network {
  const { width, frequency, outputs } = shape;
  return network(seed, name, (to) => {
    const activated = (layer: string, inputs: number): Layer =>
      dense(to, layer, {
        inputs,
        outputs: width,
        std: Math.sqrt(2 / inputs),
        activation: "leakyRelu",
        alpha: 0.2,
      });
    const layers = [
      fourier(to, seed, name, frequency),
      activated("1", 2 + 2 * frequencies),
      activated("2", width),
      activated("3", width),
      dense(to, "4", { inputs: width, outputs, std: Math.sqrt(1 / width) }),
    ];
    return (x, mode) => layers.reduce<Tensor>((y, layer) => layer(y, mode), reshape(x, [-1, 2]));
  });
}

/** R1 and R2, or either, in every 8th step: as good here as in every step, in less time. */
export function penalties(
  { gamma }: Mixture,
  which: readonly (typeof r1 | typeof r2)[] = [r1, r2],
): Regularizer[] {
  return which.map((penalty) => penalty(cosine(...gamma), { every: 8 }));
}

export interface MixtureTraining {
  readonly seed: number;
  readonly loss: AdversarialLoss;
  readonly regularizers: readonly Regularizer[];
  /** Default: the mixture's. */
  readonly steps?: number;
}

/** Two perceptrons for a mixture. */
export function mixtureGan(
  mixture: Mixture,
  { seed, loss, regularizers, steps }: MixtureTraining,
): GanSettings {
  const { width, batch, latentFrequency } = mixture;
  const points = perceptron(seed, "generator", { width, frequency: latentFrequency, outputs: 2 });
  return {
    generator: { ...points, apply: (z, mode) => reshape(points.apply(z, mode), [-1, 1, 1, 2]) },
    discriminator: perceptron(seed, "discriminator", { width, frequency: 3, outputs: 1 }),
    ...{ latent: 2, resolution: 1, channels: 2, batch, seed, loss, regularizers },
    kimg: (batch * (steps ?? mixture.steps)) / 1000,
    learningRate: cosine(5e-3, 1e-5),
    ...{ beta1: 0.5, beta2: 0.99 },
    // 0.995 a step.
    averageHalfLife: (batch * Math.LN2) / -Math.log(0.995),
  };
}

/** What there is of a mixture in points. */
export interface Coverage {
  /** Centres with a fair share of points within 3σ: at least a fifth of what equal weights give. */
  readonly modes: number;
  /** Part of the points that lie within 3σ of a centre; 0.989 of the mixture's own. */
  readonly within: number;
}

/** @param points float32 [N, 2] row by row */
export function coverage({ centres, deviation }: Mixture, points: Float32Array): Coverage {
  const counts = new Uint32Array(centres.length);
  for (let i = 0; i < points.length; i += 2) {
    const distances = centres.map(([x, y]) => Math.hypot(points[i] - x, points[i + 1] - y));
    const nearest = distances.indexOf(Math.min(...distances));
    if (distances[nearest] <= 3 * deviation) counts[nearest]++;
  }
  const total = points.length / 2;
  const fair = total / centres.length / 5;
  return {
    modes: counts.filter((count) => count >= fair).length,
    within: counts.reduce((sum, count) => sum + count, 0) / total,
  };
}

/** Points of the averaged generator, float32 [count, 2] row by row. */
export async function drawPoints(gan: Gan, count: number): Promise<Float32Array> {
  const z = randomNormal([count, 2], { key: deriveKey(0, "points") }) as Tensor2D;
  const points = gan.generate(z);
  const data = await points.data<"float32">();
  points.dispose();
  z.dispose();
  return data;
}
