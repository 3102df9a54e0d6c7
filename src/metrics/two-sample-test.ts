import {
  dispose,
  relu,
  type Scalar,
  type Tensor2D,
  tensor2d,
  tidy,
  variableGrads,
} from "@tensorflow/tfjs-core";
import { compile, settled } from "../backend/compile.ts";
import { check } from "../errors.ts";
import { dense } from "../nn/layers.ts";
import { disposeNetwork, inferenceMode, type Network, network } from "../nn/network.ts";
import { logisticLoss } from "../ops/logistic-loss.ts";
import { Adam } from "../optim/adam.ts";
import { cosine } from "../optim/schedule.ts";
import { deriveKey, permutation } from "../random.ts";
import { type Features, pick } from "./features.ts";
import { checkEnough, checkSame, type Measure, wilsonInterval } from "./measure.ts";

export interface TwoSampleTestOptions {
  /** Units of the classifier's hidden layer, with ReLU; 0 for logistic regression. Default 32. */
  readonly hidden?: number;
  /** Steps of Adam on all training samples at once. Default 200. */
  readonly steps?: number;
  /** Integer, 0 to 2^32 - 1: of the split and the initial weights. Default 0. */
  readonly seed?: number;
}

/** Fewer have intervals that tell nothing. */
const leastSamples = 100;

/**
 * Classifier two-sample test (Lopez-Paz & Oquab 2017, arXiv 1610.06545): how often a small classifier of features, trained
 * on one half of the samples and of as many real pictures, tells the other half right. ½ where nothing tells them apart.
 * @returns `C2ST-NAME`, the held-out accuracy with its binomial interval, and the probability of one so great by chance
 * @throws RangeError for fewer than 100 of either
 */
export async function twoSampleTest(
  samples: Features,
  real: Features,
  { hidden = 32, steps = 200, seed = 0 }: TwoSampleTestOptions = {},
): Promise<Measure & { readonly chance: number }> {
  const metric = `C2ST-${samples.name}`;
  checkSame(metric, samples, real);
  const why = "Half of them train the classifier, half of them test it.";
  checkEnough(metric, "samples", samples, leastSamples, why);
  checkEnough(metric, "real pictures", real, leastSamples, why);
  check(
    Number.isInteger(hidden) && hidden >= 0,
    () => `${metric}: expected hidden of at least 0, got ${hidden}`,
  );
  check(Number.isInteger(steps) && steps > 0, () => `${metric}: expected steps above 0, got ${steps}`);
  const half = Math.floor(Math.min(samples.count, real.count) / 2);
  const sets = [real, samples].map((set, i) => pick(set, permutation(set.count, deriveKey(seed, metric, i))));
  const scaled = standardised(sets, half);
  const part = (start: number): Tensor2D =>
    tensor2d(Float32Array.from(joined(scaled, start, half, samples.size)), [2 * half, samples.size]);
  const classifier = perceptron(samples.size, hidden, seed);
  const [train, test] = [part(0), part(half)];
  try {
    await trainOn(classifier, train, steps);
    const logits = tidy(() => classifier.apply(test, inferenceMode()));
    const values = await logits.data<"float32">();
    logits.dispose();
    const right = values.reduce((sum, logit, i) => sum + Number(logit > 0 === i >= half), 0);
    const value = right / (2 * half);
    return {
      ...{ metric, value, interval: wilsonInterval(value, 2 * half) },
      chance: normalTail((value - 0.5) * 2 * Math.sqrt(2 * half)),
      ...{ samples: 2 * half, real: 2 * half },
    };
  } finally {
    dispose([train, test]);
    disposeNetwork(classifier);
  }
}

/** Both sets with mean 0 and variance 1 of every feature over the first `half` rows of both. */
function standardised(sets: readonly Features[], half: number): Float32Array[] {
  const [{ size }] = sets;
  const sum = new Float64Array(size);
  const squares = new Float64Array(size);
  for (const { rows } of sets) {
    for (let i = 0; i < half * size; i++) {
      sum[i % size] += rows[i];
      squares[i % size] += rows[i] ** 2;
    }
  }
  const means = sum.map((total) => total / (2 * half));
  const scales = squares.map((total, i) => {
    const variance = total / (2 * half) - means[i] ** 2;
    return variance > 0 ? 1 / Math.sqrt(variance) : 0;
  });
  return sets.map(({ rows }) => rows.map((value, i) => (value - means[i % size]) * scales[i % size]));
}

/** Rows of the first set, then as many of the second. */
function joined(sets: readonly Float32Array[], start: number, count: number, size: number): Float32Array {
  const rows = new Float32Array(2 * count * size);
  for (const [i, set] of sets.entries()) {
    rows.set(set.subarray(start * size, (start + count) * size), i * count * size);
  }
  return rows;
}

function perceptron(inputs: number, hidden: number, seed: number): Network {
  return network(seed, "two-sample test", (to) => {
    if (hidden === 0) return dense(to, "logit", { inputs, outputs: 1, std: 0 });
    const inner = dense(to, "hidden", { inputs, outputs: hidden, std: Math.sqrt(2 / inputs) });
    const outer = dense(to, "logit", { inputs: hidden, outputs: 1, std: Math.sqrt(1 / hidden) });
    return (x, mode) => outer(relu(inner(x, mode)), mode);
  });
}

/** Trains on rows of which the first half are real. */
async function trainOn(classifier: Network, rows: Tensor2D, steps: number): Promise<void> {
  const adam = new Adam(classifier.parameters, { beta1: 0.9, beta2: 0.99 });
  const rate = cosine(1e-2, 0);
  const step = compile((x) => {
    const loss = (): Scalar =>
      logisticLoss(classifier.apply(x, inferenceMode()), [
        [1, 0],
        [0, -1],
      ]);
    const { value, grads } = variableGrads(loss, Object.values(classifier.parameters));
    value.dispose();
    const named = Object.entries(classifier.parameters).map(([name, variable]) => [
      name,
      grads[variable.name],
    ]);
    adam.apply(Object.fromEntries(named), () => rate(adam.step / steps));
    return [];
  });
  try {
    for (let i = 0; i < steps; i++) {
      step(rows);
      await settled();
    }
  } finally {
    step.dispose();
    adam.dispose();
  }
}

/** Probability that N(0, 1) exceeds z (Abramowitz & Stegun 7.1.26, within 1e-7). */
function normalTail(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const factors = [0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429];
  const tail = factors.reduceRight((sum, factor) => (sum + factor) * t, 0) * Math.exp(-x * x) * 0.5;
  return z > 0 ? tail : 1 - tail;
}
