import { dispose, type Variable } from "@tensorflow/tfjs-core";
import type { Live } from "../backend/op.ts";
import { type AverageRow, emaSteps, variableLike } from "../ops/in-place.ts";

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
    emaSteps(Object.values(this.rows()), decay);
  }

  /** Each average with what it follows, by name. */
  rows(): Record<string, AverageRow> {
    return Object.fromEntries(
      Object.entries(this.variables).map(([name, average]) => [name, { param: this.#values[name], average }]),
    );
  }

  /** Disposes the averages. */
  dispose(): void {
    dispose(Object.values(this.variables));
  }
}
