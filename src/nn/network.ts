import { concat, fill, split, type Tensor, tidy, type Variable, variable } from "@tensorflow/tfjs-core";
import { checkType } from "../errors.ts";
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
    return this.#add(this.parameters, name, true, () =>
      randomNormal([...shape], { key: this.#key(name), std, mean }),
    );
  }

  /** float32, every element `value`. */
  constant(name: string, shape: readonly number[], value: number): Variable {
    return this.#add(this.parameters, name, true, () => fill([...shape], value));
  }

  /** A running statistic, every element `value` at first. */
  statistic(name: string, shape: readonly number[], value: number): Variable {
    return this.#add(this.statistics, name, false, () => fill([...shape], value));
  }

  #add(to: Record<string, Variable>, name: string, trainable: boolean, initial: () => Tensor): Variable {
    checkType(
      !(name in this.parameters || name in this.statistics),
      () => `network: two variables are named "${name}". Give each layer its own name.`,
    );
    to[name] = tidy(() => variable(initial(), trainable));
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
  const to = new Parameters((variable) => deriveKey(seed, "initial", name, variable));
  const apply = build(to);
  return {
    parameters: to.parameters,
    statistics: to.statistics,
    apply: (x, mode) => tidy(() => apply(x, mode)),
  };
}

/** Applies a function to each part of a batch by itself, for networks that know nothing of parts. */
function partwise(x: Tensor, parts: number, apply: (part: Tensor) => Tensor): Tensor {
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
  for (const [name, value] of Object.entries(parameters)) {
    checkType(
      typeof value?.assign === "function",
      () => `network: expected a tf.Variable under "${name}", got ${value === null ? "null" : typeof value}`,
    );
  }
  return {
    parameters,
    statistics: {},
    apply: (x, { training, parts }) => tidy(() => partwise(x, parts, (part) => apply(part, { training }))),
  };
}

/** What is used of a TensorFlow.js layers model, so that the library need not depend on tfjs-layers. */
export interface LayersModel {
  readonly trainableWeights: readonly { readonly name: string; read(): Tensor }[];
  readonly nonTrainableWeights: readonly { readonly name: string; read(): Tensor }[];
  apply(x: Tensor, options: { training: boolean }): unknown;
}

/** A network from a `tf.LayersModel` with one input and one output. */
export function fromLayersModel(model: LayersModel): Network {
  const named = (weights: LayersModel["trainableWeights"]): Record<string, Variable> =>
    Object.fromEntries(weights.map((weight) => [weight.name, weight.read() as Variable]));
  return {
    parameters: named(model.trainableWeights),
    statistics: named(model.nonTrainableWeights),
    apply: (x, { training, parts }) =>
      tidy(() => partwise(x, parts, (part) => model.apply(part, { training }) as Tensor)),
  };
}

/** Frees a network's variables. */
export function disposeNetwork({ parameters, statistics }: Network): void {
  for (const value of [...Object.values(parameters), ...Object.values(statistics)]) value.dispose();
}
