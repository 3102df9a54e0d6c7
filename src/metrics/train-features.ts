import {
  add,
  cast,
  concat,
  dispose,
  floor,
  mean,
  mul,
  neg,
  reverse,
  type Scalar,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  tensor2d,
  transpose,
  variableGrads,
} from "@tensorflow/tfjs-core";
import { compile, settled } from "../backend/compile.ts";
import { check, checkType, NonFiniteError } from "../errors.ts";
import { type Batch, checkBatch, type Dataset, isTensor, oneHot } from "../gan/batch.ts";
import { disposeNetwork, type Mode } from "../nn/network.ts";
import { imageBatch, translate } from "../ops/image.ts";
import { randomUniform } from "../ops/random.ts";
import { logSoftmax } from "../ops/softmax.ts";
import { Adam } from "../optim/adam.ts";
import { cosine } from "../optim/schedule.ts";
import { deriveKey } from "../random.ts";
import {
  checkedShape,
  type FeatureLayers,
  type FeatureShape,
  type FeatureTask,
  featureLayers,
} from "./feature-layers.ts";
import { FeatureNetwork } from "./feature-network.ts";

export interface TrainFeaturesOptions {
  /** What the network is called; its hash is added. */
  readonly name: string;
  /** Default: `"labels"` where the data have them. */
  readonly task?: FeatureTask;
  /** Channels after each halving of height and width. Default: 32, 64, 128, 128, ... down to 8 pixels or fewer. */
  readonly widths?: readonly number[];
  /** Length of training in thousands of pictures. Default 120. */
  readonly kimg?: number;
  /** Pictures a step. Default 64. */
  readonly batch?: number;
  /** Pictures are moved by up to so many pixels each way, black entering. Default: a fourteenth of the resolution. */
  readonly shift?: number;
  /** Of Adam at the start; it falls to nothing by a cosine. Default 4e-3. */
  readonly learningRate?: number;
  /** Integer, 0 to 2^32 - 1. Default 0. */
  readonly seed?: number;
  /** Is told of the pictures seen and the loss, at each step. */
  readonly onProgress?: (progress: { readonly kimg: number; readonly loss: number }) => void;
  /** Ends training by the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Widths for pictures of a resolution. */
function defaultWidths(resolution: number): number[] {
  const widths: number[] = [];
  for (let size = resolution; size > 8; size = Math.ceil(size / 2)) {
    widths.push(Math.min(32 << widths.length, 128));
  }
  return widths.length > 0 ? widths : [32];
}

/** Pictures in each of the four quarter turns, end to end. */
const turned = (x: Tensor4D): Tensor4D => {
  const quarter = transpose(x, [0, 2, 1, 3]);
  return concat([x, reverse(quarter, 1), reverse(x, [1, 2]), reverse(quarter, 2)] as Tensor4D[]);
};

/** The turn of each picture, one-hot [4·count, 4]. */
function turnLabels(count: number): Tensor2D {
  const rows = new Float32Array(16 * count);
  for (let i = 0; i < 4 * count; i++) rows[4 * i + Math.floor(i / count)] = 1;
  return tensor2d(rows, [4 * count, 4]);
}

/** Mean cross-entropy of logits [N, classes] against one-hot labels. */
const crossEntropy = (logits: Tensor2D, labels: Tensor2D): Scalar =>
  neg(mean(sum(mul(logSoftmax(logits), labels), 1))) as Scalar;

/**
 * Trains a small convolutional network to tell pictures apart, for the library's own metrics: by their labels, or without
 * any by which quarter turn a picture is shown in (Gidaris et al. 2018, arXiv 1803.07728). MNIST takes about a minute
 * on one core to 99 % and more.
 *
 * Give `pictureDataset` with `mirror: false` where a mirrored picture is another one, as of digits.
 * @throws RangeError, TypeError for data without labels where they are needed, and for options that cannot be
 * @throws NonFiniteError `non-finite-loss` when training diverges
 */
export async function trainFeatures(data: Dataset, options: TrainFeaturesOptions): Promise<FeatureNetwork> {
  const { resolution, channels } = data;
  const {
    task = data.classes === undefined ? "rotations" : "labels",
    kimg = 120,
    batch = 64,
    seed = 0,
  } = options;
  const { widths = defaultWidths(resolution), learningRate = 4e-3, name, signal, onProgress } = options;
  const { shift = Math.round(resolution / 14) } = options;
  checkType(
    typeof name === "string" && /^[\w.-]+$/.test(name),
    () => `trainFeatures: expected a name of letters, digits, dots and dashes, got ${JSON.stringify(name)}`,
  );
  checkType(
    task === "rotations" || data.classes !== undefined,
    () => 'trainFeatures: expected data with labels, got none. Leave task out, or set it to "rotations".',
  );
  check(kimg > 0, () => `trainFeatures: expected kimg above 0, got ${kimg}`);
  check(
    Number.isInteger(shift) && shift >= 0,
    () => `trainFeatures: expected shift to be whole pixels, got ${shift}`,
  );
  const classes = task === "labels" ? (data.classes as number) : 4;
  const shape = checkedShape({ resolution, channels, widths, classes, task });
  const layers = featureLayers(shape, seed);
  const trainer = new Trainer(layers, { shift, seed, task, schedule: cosine(learningRate, 0) });
  const steps = Math.ceil((kimg * 1000) / batch);
  try {
    let step = 0;
    for await (const taken of data.batches({ count: batch, cursor: 0 })) {
      signal?.throwIfAborted();
      const loss = await trainer.step(taken, { batch, step, steps, shape });
      step++;
      onProgress?.({ kimg: (step * batch) / 1000, loss });
      if (step === steps) break;
    }
    return await FeatureNetwork.trained(layers, shape, name);
  } catch (error) {
    disposeNetwork(layers.network);
    throw error;
  } finally {
    trainer.dispose();
  }
}

interface TrainerOptions {
  readonly shift: number;
  readonly seed: number;
  readonly task: FeatureTask;
  readonly schedule: (progress: number) => number;
}

interface Position {
  readonly batch: number;
  readonly step: number;
  readonly steps: number;
  readonly shape: FeatureShape;
}

/** Steps of Adam on the cross-entropy of shifted pictures. */
class Trainer {
  readonly #adam: Adam;
  readonly #step;
  readonly #task: FeatureTask;
  #at = 0;
  #progress = 0;

  constructor({ network, features, logits }: FeatureLayers, { shift, seed, task, schedule }: TrainerOptions) {
    this.#task = task;
    this.#adam = new Adam(network.parameters, { beta1: 0.9, beta2: 0.99 });
    const key = (purpose: string) => () => deriveKey(seed, "features", this.#at, purpose);
    const mode: Mode = { training: true, parts: 1, track: true, key };
    const moved = (x: Tensor4D): Tensor4D => {
      const range = { low: -shift, high: shift + 1 };
      const by = floor(randomUniform([x.shape[0], 2], { key: key("shift"), ...range }));
      // Zeros enter at the edge, and zero is grey.
      return sub(translate(add(x, 1) as Tensor4D, cast(by, "int32") as Tensor2D), 1);
    };
    this.#step = compile((x, labels) => {
      const shown = moved((task === "rotations" ? turned(x as Tensor4D) : x) as Tensor4D);
      const { value, grads } = variableGrads(
        () => crossEntropy(logits(features(shown, mode), mode), labels as Tensor2D),
        Object.values(network.parameters),
      );
      const named = Object.entries(network.parameters).map(([name, variable]) => [
        name,
        grads[variable.name],
      ]);
      this.#adam.apply(Object.fromEntries(named), () => schedule(this.#progress));
      return [value];
    });
  }

  async step({ image, label, cursor }: Batch, { batch, step, steps, shape }: Position): Promise<number> {
    this.#at = step;
    this.#progress = step / steps;
    const x = isTensor(image) ? image : imageBatch(image);
    let labels: Tensor2D | undefined;
    let loss: Tensor | undefined;
    try {
      checkBatch(x, cursor, { batch, ...shape });
      labels =
        this.#task === "labels" ? oneHot(label, { count: batch, classes: shape.classes }) : turnLabels(batch);
      [loss] = this.#step(x, labels as Tensor2D);
      await settled();
      const [value] = await (loss as Tensor1D).data<"float32">();
      if (Number.isFinite(value)) return value;
      throw new NonFiniteError(
        "non-finite-loss",
        `trainFeatures: the loss of step ${step} is ${value}; it must be finite. Lower the learning rate.`,
      );
    } finally {
      dispose([x, labels, loss].filter((tensor) => tensor !== undefined));
    }
  }

  dispose(): void {
    this.#step.dispose();
    this.#adam.dispose();
  }
}
