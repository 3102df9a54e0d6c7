import { argMax, type Tensor, type Tensor4D, tensor, tidy } from "@tensorflow/tfjs-core";
import { CheckpointError, check, checkType, show, showShape } from "../errors.ts";
import type { ImageBytes } from "../gan/batch.ts";
import { checkArrays, type StateTensor, type TrainingState } from "../gan/state.ts";
import { disposeNetwork, inferenceMode, type Network } from "../nn/network.ts";
import { imageBatch } from "../ops/image.ts";
import { assignStep } from "../ops/in-place.ts";
import { checkedShape, type FeatureLayers, type FeatureShape, featureLayers } from "./feature-layers.ts";
import type { FeatureFunction } from "./features.ts";
import { portions } from "./pictures.ts";
import { sha256 } from "./sha256.ts";

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
