import { dispose, type NamedTensorMap, type Variable } from "@tensorflow/tfjs-core";
import { check } from "../errors.ts";
import { emaStep, variableLike } from "./in-place.ts";

/** Exponential moving average of named variables: what a generator draws with better than with its own. */
export class Ema {
  /** The averages, by the names of what they average; not trainable. */
  readonly variables: Readonly<Record<string, Variable>>;

  /** Starts at the variables' present values. */
  constructor(variables: Readonly<Record<string, Variable>>) {
    const averages: Record<string, Variable> = {};
    for (const [name, value] of Object.entries(variables)) averages[name] = variableLike(value);
    this.variables = averages;
  }

  /**
   * average ← decay·average + (1 − decay)·value for every variable, in place.
   * @param variables those that the constructor was given, or others of the same names and shapes.
   * @param decay in [0, 1]; see `emaDecay`.
   * @throws RangeError when one is missing, or its shape differs.
   */
  update(variables: Readonly<NamedTensorMap>, decay: number): void {
    for (const [name, average] of Object.entries(this.variables)) {
      const value = variables[name];
      check(value !== undefined, () => `Ema: expected a variable named "${name}", got none`);
      emaStep(average, value, decay);
    }
  }

  dispose(): void {
    dispose(Object.values(this.variables));
  }
}
