import { concat, fill, split, type Tensor, tidy, type Variable, variable } from "@tensorflow/tfjs-core";
import type { Live } from "../backend/op.ts";
import { check, checkShape, checkType, show } from "../errors.ts";
import { randomNormal } from "../ops/random.ts";
import { deriveKey, type Key } from "../random.ts";

/** How a network is being run. */
export interface Mode {
  /** Batch statistics (true) or running ones (false). */
  readonly training: boolean;
  /** The batch is so many batches end to end (real, then fake), each with statistics of its own. */
  readonly parts: number;
  /** Running statistics follow this batch. */
  readonly track: boolean;
  /** Class of each row, float32 [N, classes] with a one where it belongs; absent where there are no classes. */
  readonly labels?: Tensor;
  /** Key of what the network draws at random (noise, mixing, dropout), by purpose. */
  readonly key: (purpose: string) => Live<Key>;
}

/** How a trained network is run: running statistics, and noise that is the same at each call. */
export function inferenceMode(labels?: Tensor): Mode {
  const key = (purpose: string) => deriveKey(0, "inference", purpose);
  return { training: false, parts: 1, track: false, labels, key };
}

/** One stage of a network, its variables inside. */
export type Layer = (x: Tensor, mode: Mode) => Tensor;

/** A function of a tensor with the variables that it uses, by name. */
export interface Network {
  /** Trained by the optimizer. */
  readonly parameters: Readonly<Record<string, Variable>>;
  /** Running statistics: saved and averaged with the parameters, never trained. */
  readonly statistics: Readonly<Record<string, Variable>>;
  apply(x: Tensor, mode: Mode): Tensor;
}

/**
 * A generator in two halves (Karras et al. 2019, arXiv 1812.04948): `apply` is one after the other.
 */
export interface StyleNetwork extends Network {
  /** Number of styles: one for each layer that takes one. */
  readonly styles: number;
  /** z float32 [N, latent] → w float32 [N, width]. */
  map(z: Tensor, mode: Mode): Tensor;
  /** w float32 [N, width] for all layers, or [N, styles, width] → pictures. */
  synthesize(w: Tensor, mode: Mode): Tensor;
}

/** True for a generator with a mapping network. */
export function isStyleNetwork(network: Network): network is StyleNetwork {
  return "map" in network && "synthesize" in network;
}

/**
 * Makes and names the variables of one network. Initial values depend on the seed and the name alone, so
 * adding a layer changes no other.
 */
export class Parameters {
  readonly parameters: Record<string, Variable> = {};
  readonly statistics: Record<string, Variable> = {};
  readonly #key: (name: string) => Key;

  /** @param key the initial values of a variable are drawn with its name's key */
  constructor(key: (name: string) => Key) {
    this.#key = key;
  }

  /** float32 from N(mean, std²). */
  normal(name: string, shape: readonly number[], std: number, mean = 0): Variable {
    return this.#add(this.parameters, name, shape, () =>
      randomNormal([...shape], { key: this.#key(name), std, mean }),
    );
  }

  /** float32, every element `value`. */
  constant(name: string, shape: readonly number[], value: number): Variable {
    return this.#add(this.parameters, name, shape, () => fill([...shape], value));
  }

  /** A running statistic, every element `value` at first. */
  statistic(name: string, shape: readonly number[], value: number): Variable {
    return this.#add(this.statistics, name, shape, () => fill([...shape], value));
  }

  #add(
    to: Record<string, Variable>,
    name: string,
    shape: readonly number[],
    initial: () => Tensor,
  ): Variable {
    checkType(
      !(name in this.parameters || name in this.statistics),
      () => `network: two variables are named "${name}". Give each layer its own name.`,
    );
    checkShape(`network: "${name}"`, shape);
    to[name] = tidy(() => variable(initial(), to === this.parameters));
    return to[name];
  }
}

/**
 * A network from layers.
 * @param seed integer, 0 to 2^32 - 1
 * @param name of the network: two of one seed start from different values
 * @param build makes the layers; their variables are named and seeded by the collector it gets
 */
export function network(seed: number, name: string, build: (to: Parameters) => Layer): Network {
  check(
    Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32,
    () => `network: expected seed to be a whole number from 0 to 4294967295, got ${seed}`,
  );
  checkType(
    typeof build === "function",
    () => `network: expected a function that builds, got ${show(build)}`,
  );
  const to = new Parameters((variable) => deriveKey(seed, "initial", name, variable));
  const apply = build(to);
  return {
    parameters: to.parameters,
    statistics: to.statistics,
    apply: (x, mode) => tidy(() => apply(x, mode)),
  };
}

/** Layers one after the other. */
export function chain(...layers: readonly Layer[]): Layer {
  return (x, mode) => layers.reduce<Tensor>((y, layer) => layer(y, mode), x);
}

/** Applies a function to each part of a batch by itself, for networks that know nothing of parts. */
export function partwise(x: Tensor, parts: number, apply: (part: Tensor) => Tensor): Tensor {
  if (parts === 1) return apply(x);
  return concat(split(x, parts).map(apply));
}

/**
 * A network from one's own function and the variables it uses.
 * @param apply maps a batch to its result; `training` says whether the batch is trained on.
 */
export function networkOf(
  parameters: Readonly<Record<string, Variable>>,
  apply: (x: Tensor, options: { readonly training: boolean }) => Tensor,
): Network {
  checkType(typeof apply === "function", () => `networkOf: expected apply(x, options), got ${show(apply)}`);
  for (const [name, value] of Object.entries(parameters)) {
    checkType(
      typeof value?.assign === "function",
      () =>
        `networkOf: expected a tf.Variable under "${name}", got ${value === null ? "null" : typeof value}. Make one by tf.variable(x).`,
    );
    checkType(
      value.dtype === "float32",
      () => `networkOf: expected "${name}" of dtype float32, got ${value.dtype}. Only floats are trained.`,
    );
  }
  return {
    parameters,
    statistics: {},
    apply: (x, { training, parts }) => tidy(() => partwise(x, parts, (part) => apply(part, { training }))),
  };
}

interface LayersWeight {
  /** Without the number that TensorFlow.js adds where another model has the name. */
  readonly originalName: string;
  read(): Tensor;
}

/** What is used of a TensorFlow.js layers model, so that the library need not depend on tfjs-layers. */
export interface LayersModel {
  readonly inputs: readonly unknown[];
  readonly outputs: readonly unknown[];
  readonly layers: readonly { readonly weights: readonly LayersWeight[] }[];
  readonly trainableWeights: readonly LayersWeight[];
  apply(x: Tensor, options: { training: boolean }): unknown;
}

/**
 * A network from a `tf.LayersModel` (tf.sequential, tf.model, tf.loadLayersModel) with one input and one
 * output. The model stays yours to save or predict with; the network trains its very weights, and
 * `gan.dispose()` disposes them.
 *
 * Weights are named by their position in the model, "0.kernel", "1.bias", ..., so that a state fits every
 * model built alike, whatever TensorFlow.js called its layers. What is not trainable (moving averages, frozen
 * layers) is saved and averaged, but not trained. Not used are what `compile` sets, and penalties of layers
 * (`kernelRegularizer`).
 *
 * Layers that draw random numbers (dropout, gaussianNoise) draw them from TensorFlow.js's generator, which no
 * state holds: without a `seed` each run differs, and a resumed one goes on with other numbers than if it had
 * never stopped; with a `seed` a layer draws the same numbers at every call. Where a run must repeat or
 * resume exactly, leave them out.
 * @throws TypeError for a model of several inputs or outputs, or without trainable weights
 */
export function fromLayersModel(model: LayersModel): Network {
  for (const side of ["inputs", "outputs"] as const) {
    checkType(
      model?.[side]?.length === 1,
      () =>
        `fromLayersModel: expected a built tf.LayersModel with one of its ${side}, got ${model?.[side]?.length ?? "none"}. Give its first layer an inputShape, and combine several in the model.`,
    );
  }
  const trainable = new Set(model.trainableWeights);
  checkType(
    trainable.size > 0,
    () => "fromLayersModel: expected a model with trainable weights, got none. Are all its layers frozen?",
  );
  const parameters: Record<string, Variable> = {};
  const statistics: Record<string, Variable> = {};
  for (const [i, weight] of model.layers.flatMap(({ weights }) => weights).entries()) {
    const name = `${i}.${weight.originalName.split("/").at(-1)}`;
    (trainable.has(weight) ? parameters : statistics)[name] = weight.read() as Variable;
  }
  return {
    parameters,
    statistics,
    apply: (x, { training, parts, track }) =>
      tidy(() => {
        // A layer in training always follows the batch, so what must not is put back.
        const untracked = training && !track ? Object.values(statistics) : [];
        const before = untracked.map((statistic) => statistic.clone());
        const y = partwise(x, parts, (part) => model.apply(part, { training }) as Tensor);
        for (const [i, statistic] of untracked.entries()) statistic.assign(before[i]);
        return y;
      }),
  };
}

/** Frees a network's variables. */
export function disposeNetwork({ parameters, statistics }: Network): void {
  for (const value of [...Object.values(parameters), ...Object.values(statistics)]) value.dispose();
}

/** Runs `f` while the variables have other values, by the same names. */
export function withValues<T extends Tensor>(
  variables: Readonly<Record<string, Variable>>,
  values: Readonly<Record<string, Tensor>>,
  f: () => T,
): T {
  const all = Object.entries(variables);
  const own = all.map(([, variable]) => variable.clone());
  try {
    for (const [name, variable] of all) variable.assign(values[name]);
    return f();
  } finally {
    for (const [i, [, variable]] of all.entries()) {
      variable.assign(own[i]);
      own[i].dispose();
    }
  }
}
