import { add, concat, type Scalar, type Tensor } from "@tensorflow/tfjs-core";
import { logisticLoss } from "../ops/logistic-loss.ts";

/** A loss of real and fake logits. */
export interface PairLoss {
  (real: Tensor, fake: Tensor): Scalar;
  /** The same of both end to end along the first axis, where it can be had without cutting them apart. */
  readonly joined?: (logits: Tensor) => Scalar;
}

/**
 * A loss of the two-player game. Logits are float32 [N] or [N, 1]: high means "real". Each function gives a
 * scalar to minimise.
 */
export interface AdversarialLoss {
  readonly discriminator: PairLoss;
  readonly generator: (fake: Tensor) => Scalar;
}

/**
 * The non-saturating loss (Goodfellow et al. 2014, arXiv 1406.2661).
 *
 * discriminator: E[softplus(-D(x))] + E[softplus(D(G(z)))]; generator: E[softplus(-D(G(z)))].
 */
export const nonSaturating: AdversarialLoss = {
  discriminator: Object.assign(
    (real: Tensor, fake: Tensor) => add(logisticLoss(real, [[-1]]), logisticLoss(fake, [[1]])) as Scalar,
    {
      joined: (logits: Tensor) =>
        logisticLoss(logits, [
          [-1, 0],
          [0, 1],
        ]),
    },
  ),
  generator: (fake) => logisticLoss(fake, [[-1]]),
};

/**
 * The relativistic pairing loss (Jolicoeur-Martineau 2018, arXiv 1807.00734; Huang et al. 2024, arXiv
 * 2501.05441), E[softplus(-(a - b))] over pairs of logits: the discriminator minimises it with a real and b fake,
 * the generator with a fake and b real. Equally many of both.
 */
export const relativisticPairing: PairLoss = Object.assign(
  (a: Tensor, b: Tensor) => logisticLoss(concat([a, b]), [[-1, 1]]),
  { joined: (logits: Tensor) => logisticLoss(logits, [[-1, 1]]) },
);
