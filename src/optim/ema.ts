import { dispose, type Variable } from "@tensorflow/tfjs-core";
import type { Live } from "../backend/op.ts";
import { emaStep, variableLike } from "../ops/in-place.ts";

/** Exponential moving average of named variables: what a generator draws with better than with its own. */
export class Ema {
  /** The averages, by the names of what they average; not trainable. */
  readonly variables: Readonly<Record<string, Variable>>;

  readonly #values: Readonly<Record<string, Variable>>;

  /** Starts at the variables' present values; the variables stay the caller's. */
  constructor(variables: Readonly<Record<string, Variable>>) {
    const averages: Record<string, Variable> = {};
    for (const [name, value] of Object.entries(variables)) averages[name] = variableLike(value);
    this.variables = averages;
    this.#values = variables;
  }

  /**
   * average ← decay·average + (1 − decay)·value for every variable, in place.
   * @param decay in [0, 1]; see `emaDecay`.
   * @throws RangeError for another decay.
   */
  update(decay: Live<number>): void {
    for (const [name, average] of Object.entries(this.variables)) {
      emaStep(average, this.#values[name], decay);
    }
  }

  /** Disposes the averages. */
  dispose(): void {
    dispose(Object.values(this.variables));
  }
}
