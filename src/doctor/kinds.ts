import type { Adjustment } from "../gan/adjust.ts";
import type { Finding, FindingKind } from "../gan/finding.ts";

/** What a kind of finding comes to. */
interface Nature {
  readonly severity: Finding["severity"];
  readonly means: string;
  readonly remedy: string;
  /** What training goes on with after going back; absent where nothing that can be changed on the way helps. */
  readonly change?: Adjustment;
}

export const natures: Readonly<Record<FindingKind, Nature>> = {
  "non-finite": {
    severity: "fault",
    means: "A loss or gradient is no number; the step was not taken.",
    remedy:
      "Lower the learning rates, clip gradients (clipNorm), or look for a logarithm, root or quotient at 0 in a network or loss of your own.",
    change: { learningRate: 0.3 },
  },
  "exploding-gradients": {
    severity: "fault",
    means: "Steps are no longer small: weights are thrown about, not trained.",
    remedy: "Lower the learning rates (a third or less), or clip gradients (clipNorm).",
    change: { learningRate: 0.3 },
  },
  "vanishing-gradients": {
    severity: "fault",
    means: "Nothing of the loss reaches this network's weights: it no longer learns.",
    remedy:
      "Where units are saturated or dead (ReLU, tanh), use leaky ones and smaller weights; where the discriminator wins outright, add R1 or lower its learning rate.",
    change: { learningRate: { discriminator: 0.3 }, penalty: 3 },
  },
  "large-steps": {
    severity: "fault",
    means:
      "Each step undoes what the steps before have learned, though losses and gradients may look harmless.",
    remedy:
      "Lower this network's learning rate, by about as much as the measured is above the bound, or more.",
    change: { learningRate: 0.1 },
  },
  oscillation: {
    severity: "warning",
    means: "The players undo each other's progress in turns, without coming to rest.",
    remedy: "Lower the learning rates or beta1 (to 0), add R1, or take larger batches.",
    change: { learningRate: 0.5 },
  },
  "dead-discriminator": {
    severity: "fault",
    means:
      "The discriminator does not tell real pictures from generated ones, so the generator learns nothing.",
    remedy:
      "See that its learning rate is above 0 and its units alive (leaky ReLU), lower its penalties (gamma) or the generator's learning rate, and that data are in [-1, 1].",
    change: { learningRate: { generator: 0.3 }, penalty: 0.3 },
  },
  collapse: {
    severity: "fault",
    means: "Samples are too much alike: the generator has settled on few pictures (mode collapse).",
    remedy:
      "Lower the generator's learning rate, add R1 (or more gamma), minibatchStddev in the discriminator or larger batches; go back to a checkpoint from before.",
    change: { learningRate: { generator: 0.3 }, penalty: 3 },
  },
  overfitting: {
    severity: "fault",
    means:
      "The discriminator knows its pictures by heart: what it teaches is no longer what real pictures are like.",
    remedy:
      "Use more pictures or mirrored ones, augmentation (diffAugment, ada), more R1, or stop training here.",
    change: { learningRate: { discriminator: 0.3 }, penalty: 3 },
  },
  memorization: {
    severity: "fault",
    means: "Samples are copies of pictures trained on.",
    remedy:
      "Use more pictures, augmentation, a smaller generator, or a checkpoint from before. Do not publish samples.",
  },
  "label-leak": {
    severity: "fault",
    means:
      "A mark in the pictures gives their class away, so a discriminator told the class need only look there, and samples will bear the mark.",
    remedy: "Crop or paint over the mark in the data (a stamp, border or tag), and train anew.",
  },
  bias: {
    severity: "warning",
    means:
      "Samples have this attribute in another part than the data: the generator favours some of the data.",
    remedy:
      "Train on, or balance the data; check that truncation is off; a class-conditional GAN draws each class as often as asked.",
  },
};

/** A finding of a kind, with the kind's meaning after what was measured. */
export function found(
  kind: FindingKind,
  {
    saying,
    ...numbers
  }: Pick<Finding, "measured" | "threshold" | "at" | "about"> & { readonly saying: string },
): Finding {
  const { severity, means, remedy } = natures[kind];
  return { kind, severity, ...numbers, message: `${saying}. ${means}`, remedy };
}
