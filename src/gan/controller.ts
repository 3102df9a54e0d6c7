/** What a step observed: means over its batch, by name. */
export type Signals = Readonly<Record<string, number>>;

/** Numbers that controllers hold at present, by name. */
export type Controls = Readonly<Record<string, number>>;

/** A number that training itself adapts from what it observes; it is part of the state, so that resuming is exact. */
export interface Controller {
  readonly name: string;
  /** The number at the start of training. */
  readonly initial: number;
  /**
   * The number after a step; called on the host, once a step.
   * @param images real pictures of that step
   */
  next(value: number, signals: Signals, images: number): number;
}

export interface GammaControllerOptions {
  /** Wanted ratio of penalty to adversarial loss. Default 0.3. */
  readonly target?: number;
  /** Real pictures, of steps with a penalty, in which γ grows or shrinks e-fold at most. Default 4000. */
  readonly images?: number;
  /** γ stays within this factor of where it began, either way. Default 100. */
  readonly range?: number;
}

/**
 * Adapts γ, the weight of R1 and R2, from the discriminator's gradient norms: it multiplies γ by a factor, 1 at first.
 *
 * Where scaling D up no longer lowers A + P, with A the adversarial loss and P = γ/2·(E‖∇D(x)‖² + E‖∇D(G(z))‖²), a
 * logistic loss has P = ½E[σ(−Δ)Δ] for the lead Δ of real over fake: P/A says how well D tells them apart whatever γ's
 * unit. Far below the target D is held so flat that it teaches nothing (A stays near ln 2): γ shrinks; above it γ grows.
 */
export function gammaController(options: GammaControllerOptions = {}): Controller {
  const { target = 0.3, images: constant = 4000, range = 100 } = options;
  return {
    name: "gamma",
    initial: 1,
    next(value, { penalty, adversarial }, images) {
      // Steps without a penalty say nothing.
      if (penalty === undefined || !(penalty > 0 && adversarial > 0)) return value;
      const pull = Math.max(-1, Math.min(1, Math.log(penalty / adversarial / target)));
      return Math.max(1 / range, Math.min(range, value * Math.exp((pull * images) / constant)));
    },
  };
}
