import { check } from "../errors.ts";
import type { Controls } from "./controller.ts";
import type { OfEach } from "./settings.ts";
import type { TrainingState } from "./state.ts";

/** Factors, each at least 0, that change how a run goes on. */
export interface Adjustment {
  /** Of both players' learning rates, or of one's. */
  readonly learningRate?: number | Partial<OfEach<number>>;
  /** Of the weights of the discriminator's regularisers. */
  readonly penalty?: number;
}

/** What can be adjusted in a game. */
export type Adjustable = `learningRate.${string}` | "penalty";

const prefix = "adjusted.";

/** True for the name, among controls, of a factor that a run has been adjusted by. */
export const isAdjustment = (name: string): boolean => name.startsWith(prefix);

/** The factor that a run has been adjusted by so far. */
export const adjustmentOf = (controls: Controls, what: Adjustable): number => controls[prefix + what] ?? 1;

/**
 * A state from which training goes on with other settings: `gan.restore(adjusted(await gan.state(), { learningRate: 0.5 }))`
 * halves both learning rates, whatever their schedules. Factors multiply those of earlier adjustments; they stand among
 * `report.controls` as `adjusted.learningRate.generator` and so on, and travel with every later state.
 * @throws RangeError for a factor that is negative or no number
 */
export function adjusted(state: TrainingState, { learningRate, penalty }: Adjustment): TrainingState {
  const rates: Partial<OfEach<number>> =
    typeof learningRate === "number"
      ? { generator: learningRate, discriminator: learningRate }
      : (learningRate ?? {});
  const factors: [Adjustable, number | undefined][] = [
    ["learningRate.generator", rates.generator],
    ["learningRate.discriminator", rates.discriminator],
    ["penalty", penalty],
  ];
  const controls: Record<string, number> = JSON.parse(state.metadata.controls);
  for (const [what, factor] of factors) {
    if (factor === undefined) continue;
    check(
      Number.isFinite(factor) && factor >= 0,
      () => `adjusted: expected a factor of at least 0 for ${what}, got ${factor}`,
    );
    controls[prefix + what] = adjustmentOf(controls, what) * factor;
  }
  return { ...state, metadata: { ...state.metadata, controls: JSON.stringify(controls) } };
}
