import { add, mean, neg, type Scalar, softplus, type Tensor } from "@tensorflow/tfjs-core";

/**
 * A loss of the two-player game. Logits are float32 [N] or [N, 1]: high means "real". Each function gives a
 * scalar to minimise.
 */
export interface AdversarialLoss {
  readonly discriminator: (real: Tensor, fake: Tensor) => Scalar;
  readonly generator: (fake: Tensor) => Scalar;
}

/**
 * The non-saturating loss (Goodfellow et al. 2014, arXiv 1406.2661).
 *
 * discriminator: E[softplus(-D(x))] + E[softplus(D(G(z)))]; generator: E[softplus(-D(G(z)))].
 */
export const nonSaturating: AdversarialLoss = {
  discriminator: (real, fake) => add(mean(softplus(neg(real))), mean(softplus(fake))) as Scalar,
  generator: (fake) => mean(softplus(neg(fake))) as Scalar,
};
