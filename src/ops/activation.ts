import { check, checkType, show } from "../errors.ts";

/** Activations that are fused into what comes before them: v where v > 0, else slope·v. */
export interface ActivationOptions {
  readonly activation?: "linear" | "relu" | "leakyRelu";
  /** Slope of leakyRelu below zero; default 0.2. */
  readonly alpha?: number;
}

/**
 * The activation's slope below zero.
 * @throws TypeError in the name of `op` for an unknown activation, RangeError for an alpha that is not finite.
 */
export function slopeOf(op: string, { activation = "linear", alpha = 0.2 }: ActivationOptions): number {
  const slopes = { linear: 1, relu: 0, leakyRelu: alpha };
  checkType(
    Object.hasOwn(slopes, activation),
    () => `${op}: expected activation ${Object.keys(slopes).join(", ")}, got ${show(activation)}`,
  );
  check(Number.isFinite(alpha), () => `${op}: expected a finite alpha, got ${show(alpha)}`);
  return slopes[activation];
}
