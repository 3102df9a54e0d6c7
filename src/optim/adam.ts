import { dispose, type NamedTensorMap, tidy, type Variable, zeros } from "@tensorflow/tfjs-core";
import { onHost } from "../backend/compile.ts";
import type { Live } from "../backend/op.ts";
import { check, showShape } from "../errors.ts";
import { type AdamRow, type AverageRow, adamSteps, restoreSteps, zeroVariable } from "../ops/in-place.ts";
import type { Ema } from "./ema.ts";

export interface AdamOptions {
  /** Decay of the first moment; default 0.5, as GANs do with little momentum. */
  readonly beta1?: number;
  /** Decay of the second moment; default 0.99. */
  readonly beta2?: number;
  /** Added to the root of the second moment; default 1e-8. */
  readonly epsilon?: number;
}

/** What is done in the same pass over memory as a step. */
export interface AdamApplyOptions {
  /** Follows the variables' new values, and whatever else it averages. */
  readonly average?: Ema;
  /** For this step instead of the optimizer's own. */
  readonly beta2?: Live<number>;
  /** Of the average, in [0, 1]; default 1: it stays. */
  readonly decay?: Live<number>;
  /** Keep what the variables and moments were, so that `revert` can put it back. Default false. */
  readonly undo?: boolean;
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
  /** Variables and moments before the step that can be reverted. */
  #undo: Variable | undefined;
  #revertible = false;

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
   * One step, in one kernel. Call it outside of the tidy that computed the gradients, else each variable that the
   * tape still holds is copied first. The gradients stay the caller's.
   * @param gradients one for each variable, by the same names
   * @throws RangeError when a gradient is missing or of another shape, or the rate is not finite; nothing is
   *   updated then.
   */
  apply(
    gradients: Readonly<NamedTensorMap>,
    learningRate: Live<number>,
    { average, decay, beta2 = this.beta2, undo = false }: AdamApplyOptions = {},
  ): void {
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
    const rows: (AdamRow | AverageRow)[] = this.#rows(gradients, average);
    for (const [name, row] of Object.entries(average?.rows() ?? {})) {
      if (this.#variables[name] !== row.param) rows.push(row);
    }
    const { beta1, epsilon } = this;
    adamSteps(rows, {
      ...{ learningRate, beta1, beta2, epsilon, decay, step: () => this.step + 1 },
      undo: undo ? this.#undoStorage() : undefined,
    });
    onHost([], () => {
      this.step++;
      this.#revertible = undo;
    });
  }

  /**
   * Puts variables, moments and the number of steps back to before the last step, which must have been made with
   * `undo`. Averages stay.
   * @throws RangeError where there is no such step
   */
  revert(): void {
    check(
      this.#revertible,
      () => "Adam: expected the last step to be one with undo. Apply it with undo: true.",
    );
    restoreSteps(this.#rows(this.first), this.#undoStorage());
    this.step--;
    this.#revertible = false;
  }

  #rows(gradients: Readonly<NamedTensorMap>, average?: Ema): AdamRow[] {
    return Object.entries(this.#variables).map(([name, param]) => {
      const averaged = average?.rows()[name];
      return {
        ...{ param, m: this.first[name], v: this.second[name], gradient: gradients[name] },
        average: averaged?.param === param ? averaged.average : undefined,
      };
    });
  }

  #undoStorage(): Variable {
    if (this.#undo === undefined) {
      const length = Object.values(this.#variables).reduce((total, { size }) => total + size, 0);
      this.#undo = tidy(() => zeroVariable(zeros([3 * length])));
    }
    return this.#undo;
  }

  /** Frees the moments. */
  dispose(): void {
    dispose([...Object.values(this.first), ...Object.values(this.second)]);
    this.#undo?.dispose();
  }
}
