import { argMax, mean, type Tensor, type Tensor2D, type Tensor4D, tensor, tidy } from "@tensorflow/tfjs-core";
import { CheckpointError, check, checkType, show, showShape } from "../errors.ts";
import type { ImageBytes } from "../gan/batch.ts";
import { checkArrays, type StateTensor, type TrainingState } from "../gan/state.ts";
import { batchNorm, conv, dense } from "../nn/layers.ts";
import {
  disposeNetwork,
  inferenceMode,
  type Layer,
  type Mode,
  type Network,
  network,
} from "../nn/network.ts";
import { imageBatch } from "../ops/image.ts";
import { assignStep } from "../ops/in-place.ts";
import type { FeatureFunction } from "./features.ts";
import { portions } from "./pictures.ts";
import { sha256 } from "./sha256.ts";

/** What a feature network is made by. */
export interface FeatureShape {
  /** Height and width of its pictures, at least 8. */
  readonly resolution: number;
  readonly channels: number;
  /** Channels after each halving of height and width; the last is the number of features. */
  readonly widths: readonly number[];
  /** Classes that it tells apart: of its labels, or the four rotations. */
  readonly classes: number;
  /** What it was trained to tell. */
  readonly task: FeatureTask;
}

/** `"labels"`: the pictures' classes; `"rotations"`: which quarter turn a picture is shown in, without labels. */
export type FeatureTask = "labels" | "rotations";

/** The two parts of a network that tells classes apart. */
export interface FeatureLayers {
  readonly network: Network;
  /** float32 [N, resolution, resolution, channels] in [-1, 1] → [N, widths.at(-1)] */
  features(x: Tensor, mode: Mode): Tensor2D;
  /** Features → logits float32 [N, classes] */
  logits(features: Tensor2D, mode: Mode): Tensor2D;
}

const relu = { activation: "relu" } as const;

/**
 * A convolution 4×4 of stride 2 and one of 3×3 for each width, batch norm and ReLU after both, then the mean over space:
 * the features. A dense layer tells the classes by them.
 */
export function featureLayers({ channels, widths, classes }: FeatureShape, seed: number): FeatureLayers {
  let body: Layer = (x) => x;
  let head: Layer = (x) => x;
  const made = network(seed, "features", (to) => {
    const block = (name: string, inputs: number, outputs: number, kernel: number, stride: number): Layer => {
      const std = Math.sqrt(2 / (kernel * kernel * inputs));
      const filter = conv(to, name, { inputs, outputs, kernel, stride, std, bias: false });
      const norm = batchNorm(to, `${name}.norm`, outputs, relu);
      return (x, mode) => norm(filter(x, mode), mode);
    };
    const blocks = widths.flatMap((width, i) => [
      block(`${i}.down`, i === 0 ? channels : widths[i - 1], width, 4, 2),
      block(`${i}.conv`, width, width, 3, 1),
    ]);
    const features = widths[widths.length - 1];
    body = (x, mode) =>
      mean(
        blocks.reduce((y, layer) => layer(y, mode), x),
        [1, 2],
      );
    head = dense(to, "logits", { inputs: features, outputs: classes, std: Math.sqrt(1 / features) });
    return (x, mode) => head(body(x, mode), mode);
  });
  return {
    network: made,
    features: (x, mode) => body(x, mode) as Tensor2D,
    logits: (x, mode) => head(x, mode) as Tensor2D,
  };
}

/** Every array of a network by name. */
export const arraysOf = ({ parameters, statistics }: Network) =>
  Object.entries({ ...parameters, ...statistics });

/** Written into a saved feature network, and required of one. */
const stateFormat = { format: "ganvil-feature-network", version: "1" } as const;

/** Pictures at a time: as fast as more, and their activations stay small. */
const portion = 128;

/**
 * A trained network: a feature function, and a classifier where it was trained on labels. Its weights stay what they are,
 * and their hash is part of its name, so that figures by different weights are never taken for figures of one metric.
 */
export class FeatureNetwork {
  /** `NAME@` and the first 8 digits of the hash. */
  readonly name: string;
  /** SHA-256 of the shape and weights, in hexadecimal. */
  readonly hash: string;
  readonly shape: FeatureShape;
  readonly features: FeatureFunction;
  readonly #layers: FeatureLayers;
  readonly #state: TrainingState;

  /** @param state the layers' own arrays, as `stateOf` has them */
  private constructor(layers: FeatureLayers, state: TrainingState) {
    this.#layers = layers;
    this.#state = state;
    this.shape = JSON.parse(state.metadata.shape);
    this.hash = hashOf(state);
    this.name = `${state.metadata.name}@${this.hash.slice(0, 8)}`;
    this.features = {
      name: this.name,
      size: this.shape.widths[this.shape.widths.length - 1],
      resolution: this.shape.resolution,
      apply: (x) => tidy(() => layers.features(this.#checked(x), inferenceMode())),
    };
  }

  /** A network whose training is over; it takes the layers over. */
  static async trained(layers: FeatureLayers, shape: FeatureShape, name: string): Promise<FeatureNetwork> {
    const read = async ([key, x]: [string, Tensor]): Promise<[string, StateTensor]> => {
      const data = await x.data<"float32">();
      return [key, { dtype: "float32", shape: x.shape, data }];
    };
    const tensors = Object.fromEntries(await Promise.all(arraysOf(layers.network).map(read)));
    const metadata = { ...stateFormat, name, shape: JSON.stringify(shape) };
    return new FeatureNetwork(layers, { tensors, metadata });
  }

  /**
   * A network that was saved.
   * @param state as `state()` gave it, or `readCheckpoint` of it
   * @param hash that it must have, or that hash's beginning of at least 8 digits
   * @throws CheckpointError `checkpoint-foreign` for what is no feature network, `checkpoint-network` for arrays of other
   *   shapes, `checkpoint-hash` for other weights than those of the hash
   */
  static restored(state: TrainingState, { hash }: { readonly hash?: string } = {}): FeatureNetwork {
    const { format, version } = state.metadata;
    if (format !== stateFormat.format || version !== stateFormat.version) {
      throw new CheckpointError(
        "checkpoint-foreign",
        `feature network: expected format "${stateFormat.format}" version ${stateFormat.version}, got "${format}" version ${version}. Give what FeatureNetwork.state() gave.`,
      );
    }
    check(
      hash === undefined || /^[0-9a-f]{8,64}$/.test(hash),
      () => `feature network: expected a hash of 8 to 64 hexadecimal digits, got ${show(hash)}`,
    );
    if (hash !== undefined && !hashOf(state).startsWith(hash)) {
      throw new CheckpointError(
        "checkpoint-hash",
        `feature network: expected weights of hash ${hash}, got ${hashOf(state)}. Figures by other weights are of another metric.`,
      );
    }
    const layers = featureLayers(savedShape(state), 0);
    try {
      checkArrays(arraysOf(layers.network), state.tensors);
    } catch (error) {
      disposeNetwork(layers.network);
      throw error;
    }
    for (const [key, variable] of arraysOf(layers.network)) {
      tidy(() => assignStep(variable, tensor(state.tensors[key].data, variable.shape, "float32")));
    }
    return new FeatureNetwork(layers, state);
  }

  /**
   * The class of each picture.
   * @param pictures uint8 of the network's resolution and channels
   * @throws TypeError for a network that was not trained on labels
   */
  async classify(pictures: ImageBytes): Promise<Int32Array> {
    checkType(
      this.shape.task === "labels",
      () => `classify: expected a network trained on labels, got one trained on ${this.shape.task}`,
    );
    const classes = new Int32Array(pictures.shape[0]);
    for (const { start, part } of portions(pictures, portion)) {
      const found = tidy(() => {
        const x = this.#checked(imageBatch(part));
        const logits = this.#layers.logits(this.#layers.features(x, inferenceMode()), inferenceMode());
        return argMax(logits, 1);
      });
      classes.set(await found.data<"int32">(), start);
      found.dispose();
    }
    return classes;
  }

  /**
   * Part of the pictures, 0 to 1, that is classified as labelled.
   * @param labels class of each picture
   */
  async accuracy(pictures: ImageBytes, labels: ArrayLike<number>): Promise<number> {
    const classes = await this.classify(pictures);
    check(
      labels.length === classes.length && classes.length > 0,
      () => `accuracy: expected a label for each of ${classes.length} pictures, got ${labels.length}`,
    );
    return classes.filter((found, i) => found === labels[i]).length / classes.length;
  }

  /** All that makes the network again: see `FeatureNetwork.restored`. Saved by `writeCheckpoint` of `ganvil/io/node`. */
  state(): TrainingState {
    return this.#state;
  }

  /** Frees the weights. */
  dispose(): void {
    disposeNetwork(this.#layers.network);
  }

  #checked(x: Tensor4D): Tensor4D {
    const { resolution, channels } = this.shape;
    const wanted = [x.shape[0], resolution, resolution, channels];
    check(
      showShape(x.shape) === showShape(wanted),
      () =>
        `${this.name}: expected pictures ${showShape(wanted)}, got ${showShape(x.shape)}. Resize them first.`,
    );
    return x;
  }
}

/** Refuses what no feature network is made by. */
export function checkedShape(shape: FeatureShape): FeatureShape {
  const { resolution, channels, widths, classes, task } = shape;
  const isCount = (value: number, most: number) => Number.isInteger(value) && value > 0 && value <= most;
  check(
    isCount(resolution, 4096) && resolution >= 8,
    () => `feature network: expected resolution from 8 to 4096, got ${show(resolution)}`,
  );
  check(
    isCount(channels, 64),
    () => `feature network: expected channels from 1 to 64, got ${show(channels)}`,
  );
  check(
    isCount(classes, 65536) && classes > 1,
    () => `feature network: expected at least 2 classes, got ${show(classes)}`,
  );
  check(
    Array.isArray(widths) &&
      widths.length > 0 &&
      widths.length <= 8 &&
      widths.every((width) => isCount(width, 1024)),
    () => `feature network: expected 1 to 8 widths from 1 to 1024, got [${widths}]`,
  );
  check(
    task === "labels" || task === "rotations",
    () => `feature network: expected task "labels" or "rotations", got ${show(task)}`,
  );
  return shape;
}

/** The shape that a saved network names. */
function savedShape({ metadata }: TrainingState): FeatureShape {
  try {
    return checkedShape(JSON.parse(metadata.shape));
  } catch (cause) {
    throw new CheckpointError(
      "checkpoint-metadata",
      `feature network: expected its shape under metadata "shape", got ${show(metadata.shape)}`,
      { cause },
    );
  }
}

/** Of the shape and every array, in the order of their names. */
function hashOf({ metadata, tensors }: TrainingState): string {
  const header = new TextEncoder().encode(`${stateFormat.version}${metadata.shape}`);
  const arrays = Object.keys(tensors)
    .sort()
    .map((name) => tensors[name].data);
  const bytes = new Uint8Array(arrays.reduce((sum, { byteLength }) => sum + byteLength, header.length));
  bytes.set(header);
  let at = header.length;
  for (const data of arrays) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return sha256(bytes);
}
