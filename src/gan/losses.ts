import {
  add,
  concat,
  mean,
  mul,
  neg,
  relu,
  type Scalar,
  square,
  sub,
  type Tensor,
} from "@tensorflow/tfjs-core";
import { logisticLoss } from "../ops/logistic-loss.ts";

/** A loss of real and fake logits. */
export interface PairLoss {
  (real: Tensor, fake: Tensor): Scalar;
  /** The same of both end to end along the first axis, where it can be had without cutting them apart. */
  readonly joined?: (logits: Tensor) => Scalar;
}

/**
 * A loss of the two-player game. Logits are float32 [N, 1]: high means "real". Each function gives a
 * scalar to minimise.
 */
export interface AdversarialLoss {
  /** Stable: states and reports say it. */
  readonly name: string;
  readonly discriminator: PairLoss;
  /** @param real computes the real pictures' logits; a loss that does not call it does not pay for it. */
  readonly generator: (fake: Tensor, real: () => Tensor) => Scalar;
  /** The discriminator's loss where it cannot tell real from fake (all logits 0): what its present loss is held against. */
  readonly indifference: number;
  /** Logits count by their difference only: "real" is what is above the generated picture beside it. Default false. */
  readonly relative?: true;
}

/**
 * The non-saturating loss (Goodfellow et al. 2014, arXiv 1406.2661).
 *
 * discriminator: E[softplus(-D(x))] + E[softplus(D(G(z)))]; generator: E[softplus(-D(G(z)))].
 */
export const nonSaturating: AdversarialLoss = {
  name: "non-saturating",
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
  indifference: 2 * Math.LN2,
};

/**
 * Least squares (Mao et al. 2017, arXiv 1611.04076), with the targets −1, 1 and 0 of the paper's equation 8.
 *
 * discriminator: ½E[(D(x) − 1)²] + ½E[(D(G(z)) + 1)²]; generator: ½E[D(G(z))²].
 */
export const leastSquares: AdversarialLoss = {
  name: "least-squares",
  discriminator: (real, fake) =>
    mul(add(mean(square(sub(real, 1))), mean(square(add(fake, 1)))), 0.5) as Scalar,
  generator: (fake) => mul(mean(square(fake)), 0.5) as Scalar,
  indifference: 1,
};

/**
 * The hinge loss (Lim & Ye 2017, arXiv 1705.02894; Miyato et al. 2018, arXiv 1802.05957).
 *
 * discriminator: E[max(0, 1 − D(x))] + E[max(0, 1 + D(G(z)))]; generator: −E[D(G(z))].
 */
export const hinge: AdversarialLoss = {
  name: "hinge",
  discriminator: (real, fake) => add(mean(relu(sub(1, real))), mean(relu(add(1, fake)))) as Scalar,
  generator: (fake) => neg(mean(fake)) as Scalar,
  indifference: 2,
};

/**
 * The Wasserstein loss (Arjovsky et al. 2017, arXiv 1701.07875); the critic's slope must be bounded by a regulariser.
 *
 * discriminator: E[D(G(z))] − E[D(x)]; generator: −E[D(G(z))].
 */
export const wasserstein: AdversarialLoss = {
  name: "wasserstein",
  discriminator: (real, fake) => sub(mean(fake), mean(real)) as Scalar,
  generator: (fake) => neg(mean(fake)) as Scalar,
  indifference: 0,
};

/**
 * The relativistic pairing loss RpGAN (Jolicoeur-Martineau 2018, arXiv 1807.00734; Huang et al. 2024, arXiv
 * 2501.05441), over pairs of a real and a fake picture.
 *
 * discriminator: E[softplus(−(D(x) − D(G(z))))]; generator: E[softplus(−(D(G(z)) − D(x)))].
 */
export const relativisticPairing: AdversarialLoss = {
  name: "relativistic-pairing",
  discriminator: Object.assign(
    (real: Tensor, fake: Tensor) => logisticLoss(concat([real, fake]), [[-1, 1]]),
    { joined: (logits: Tensor) => logisticLoss(logits, [[-1, 1]]) },
  ),
  generator: (fake, real) => logisticLoss(concat([fake, real()]), [[-1, 1]]),
  indifference: Math.LN2,
  relative: true,
};
