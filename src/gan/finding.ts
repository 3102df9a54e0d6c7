import type { Dataset } from "./batch.ts";
import type { Gan } from "./gan.ts";
import type { Report } from "./train.ts";

/** What can be wrong with a training run. */
export type FindingKind =
  | "non-finite"
  | "exploding-gradients"
  | "vanishing-gradients"
  | "large-steps"
  | "oscillation"
  | "dead-discriminator"
  | "collapse"
  | "overfitting"
  | "memorization"
  | "label-leak"
  | "bias";

/** Something wrong with a training run, as `doctor` finds it. */
export interface Finding {
  readonly kind: FindingKind;
  /** A fault spoils the run; a warning may pass by itself. */
  readonly severity: "warning" | "fault";
  /** The network or class that it is about, where it is about one. */
  readonly about?: string;
  /** What was measured, and the bound that it is beyond. */
  readonly measured: number;
  readonly threshold: number;
  /** What was measured, in words, and what it means. */
  readonly message: string;
  /** What to change. */
  readonly remedy: string;
  /** Real pictures seen when it was found. */
  readonly at: number;
  /** Where training went back: what it goes on from, and with what change. */
  readonly rollback?: string;
}

/** Watches training: `doctor` makes one. */
export interface Monitor {
  /**
   * The reports of training, with findings; it may restore the GAN between them.
   * @param reports trains on from the GAN's present state
   */
  watch(gan: Gan, data: Dataset, reports: () => AsyncIterable<Report>): AsyncIterable<Report>;
}
