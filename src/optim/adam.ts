import { dispose, type NamedTensorMap, type Variable } from "@tensorflow/tfjs-core";
import { check, showShape } from "../errors.ts";
import { adamStep, variableLike, zeroVariable } from "./in-place.ts";

export interface AdamOptions {
  readonly learningRate: number;
  /** Decay of the first moment; default 0.5, as GANs do with little momentum. */
  readonly beta1?: number;
  /** Decay of the second moment; default 0.99. */
  readonly beta2?: number;
  /** Default 1e-8. */
  readonly epsilon?: number;
}

/**
 * Adam (Kingma & Ba 2014, arXiv 1412.6980) over named variables, which it updates in place. Moments start at
 * zero when a name is first seen; all names share one step number.
 */
export class Adam {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly #first: Record<string, Variable> = {};
  readonly #second: Record<string, Variable> = {};
  #step = 0;

  constructor({ learningRate, beta1 = 0.5, beta2 = 0.99, epsilon = 1e-8 }: AdamOptions) {
    for (const [name, beta] of Object.entries({ beta1, beta2 })) {
      check(beta >= 0 && beta < 1, () => `Adam: expected ${name} in [0, 1), got ${beta}`);
    }
    this.learningRate = learningRate;
    this.beta1 = beta1;
    this.beta2 = beta2;
    this.epsilon = epsilon;
  }

  /** Steps taken so far. */
  get step(): number {
    return this.#step;
  }

  /** The moments, live: `first/NAME` and `second/NAME`, each of its variable's shape. */
  get tensors(): Record<string, Variable> {
    const named: Record<string, Variable> = {};
    for (const name of Object.keys(this.#first)) {
      named[`first/${name}`] = this.#first[name];
      named[`second/${name}`] = this.#second[name];
    }
    return named;
  }

  /**
   * One step. Call it outside of the tidy that computed the gradients, else each variable that the tape still
   * holds is copied first. The gradients stay the caller's.
   * @param gradients one for each variable, by the same names.
   * @param learningRate of this step; default: the constructor's.
   * @throws RangeError when a gradient is missing or of another shape; nothing is updated then.
   */
  apply(
    variables: Readonly<Record<string, Variable>>,
    gradients: Readonly<NamedTensorMap>,
    learningRate: number = this.learningRate,
  ): void {
    for (const [name, { shape }] of Object.entries(variables)) {
      const gradient = gradients[name];
      check(gradient !== undefined, () => `Adam: expected a gradient for "${name}", got none`);
      check(
        gradient.shape.join() === shape.join(),
        () =>
          `Adam: expected the gradient of "${name}" to have its shape ${showShape(shape)}, got ${showShape(gradient.shape)}`,
      );
    }
    this.#step++;
    const { beta1, beta2, epsilon } = this;
    for (const [name, param] of Object.entries(variables)) {
      this.#first[name] ??= zeroVariable(param);
      this.#second[name] ??= zeroVariable(param);
      const attrs = { learningRate, beta1, beta2, epsilon, step: this.#step };
      adamStep(param, this.#first[name], this.#second[name], gradients[name], attrs);
    }
  }

  /**
   * Goes on from a saved state.
   * @param step `step` as saved.
   * @param tensors `tensors` as saved; they are copied and stay the caller's.
   * @throws RangeError when a first moment lacks its second, or the other way round.
   */
  restore(step: number, tensors: Readonly<NamedTensorMap>): void {
    const names = Object.keys(tensors).map((name) => name.replace(/^(first|second)\//, ""));
    for (const name of names) {
      check(
        `first/${name}` in tensors && `second/${name}` in tensors,
        () => `Adam: expected moments "first/${name}" and "second/${name}", got ${Object.keys(tensors)}`,
      );
    }
    this.dispose();
    for (const name of new Set(names)) {
      this.#first[name] = variableLike(tensors[`first/${name}`]);
      this.#second[name] = variableLike(tensors[`second/${name}`]);
    }
    this.#step = step;
  }

  /** Forgets the moments and the step number. */
  dispose(): void {
    for (const moments of [this.#first, this.#second]) {
      dispose(Object.values(moments));
      for (const name of Object.keys(moments)) delete moments[name];
    }
    this.#step = 0;
  }
}
