import { dispose, type NamedTensorMap, type Variable } from "@tensorflow/tfjs-core";
import { onHost } from "../backend/compile.ts";
import type { Live } from "../backend/op.ts";
import { check, showShape } from "../errors.ts";
import { adamStep, zeroVariable } from "../ops/in-place.ts";

export interface AdamOptions {
  /** Decay of the first moment; default 0.5, as GANs do with little momentum. */
  readonly beta1?: number;
  /** Decay of the second moment; default 0.99. */
  readonly beta2?: number;
  /** Added to the root of the second moment; default 1e-8. */
  readonly epsilon?: number;
}

/** Adam (Kingma & Ba 2014, arXiv 1412.6980) over named variables, which it updates in place. */
export class Adam {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Running mean of each gradient, by its variable's name; zero at first. */
  readonly first: Readonly<Record<string, Variable>>;
  /** Running mean of each squared gradient, likewise. */
  readonly second: Readonly<Record<string, Variable>>;
  /** Steps taken. To go on from a saved state, set it and assign the moments. */
  step = 0;
  readonly #variables: Readonly<Record<string, Variable>>;

  /** @throws RangeError for a beta outside [0, 1). */
  constructor(
    variables: Readonly<Record<string, Variable>>,
    { beta1 = 0.5, beta2 = 0.99, epsilon = 1e-8 }: AdamOptions = {},
  ) {
    for (const [name, beta] of Object.entries({ beta1, beta2 })) {
      check(beta >= 0 && beta < 1, () => `Adam: expected ${name} in [0, 1), got ${beta}`);
    }
    this.beta1 = beta1;
    this.beta2 = beta2;
    this.epsilon = epsilon;
    this.#variables = variables;
    const zeros = () =>
      Object.fromEntries(Object.entries(variables).map(([name, variable]) => [name, zeroVariable(variable)]));
    this.first = zeros();
    this.second = zeros();
  }

  /**
   * One step. Call it outside of the tidy that computed the gradients, else each variable that the tape still
   * holds is copied first. The gradients stay the caller's.
   * @param gradients one for each variable, by the same names
   * @throws RangeError when a gradient is missing or of another shape, or the rate is not finite; nothing is
   *   updated then.
   */
  apply(gradients: Readonly<NamedTensorMap>, learningRate: Live<number>): void {
    for (const [name, { shape }] of Object.entries(this.#variables)) {
      const gradient = gradients[name];
      check(
        gradient !== undefined,
        () =>
          `Adam: expected a gradient for "${name}", got none. Leave out variables that no loss depends on.`,
      );
      check(
        gradient.shape.join() === shape.join(),
        () =>
          `Adam: expected the gradient of "${name}" to have its shape ${showShape(shape)}, got ${showShape(gradient.shape)}`,
      );
    }
    onHost([], () => {
      const rate = typeof learningRate === "function" ? learningRate() : learningRate;
      check(Number.isFinite(rate), () => `Adam: expected a finite learning rate, got ${rate}`);
      this.step++;
    });
    const { beta1, beta2, epsilon } = this;
    for (const [name, variable] of Object.entries(this.#variables)) {
      const attrs = { learningRate, beta1, beta2, epsilon, step: () => this.step };
      adamStep(variable, this.first[name], this.second[name], gradients[name], attrs);
    }
  }

  /** Frees the moments. */
  dispose(): void {
    dispose([...Object.values(this.first), ...Object.values(this.second)]);
  }
}
