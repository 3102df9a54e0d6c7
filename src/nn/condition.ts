import { add, concat, matMul, mul, sum, type Tensor, type Tensor2D } from "@tensorflow/tfjs-core";
import { checkType } from "../errors.ts";
import type { Layer, Mode, Parameters } from "./network.ts";

/**
 * How a discriminator is told the class: by a projection on its embedding (Miyato & Koyama 2018, arXiv 1802.05637), or by
 * having to name it itself, as an auxiliary classifier (Odena et al. 2016, arXiv 1610.09585).
 */
export type Condition = "projection" | "auxiliary";

function labelsOf({ labels }: Mode): Tensor2D {
  checkType(labels !== undefined, () => "network: expected the class of each row, got none. Give labels.");
  return labels as Tensor2D;
}

/** The rows of a table [classes, width] that the labels name; entries N(0, std²) at first. */
function embedding(to: Parameters, name: string, classes: number, width: number, std: number) {
  const table: Tensor = to.normal(`${name}.embedding`, [classes, width], std);
  return (mode: Mode): Tensor => matMul(labelsOf(mode), table as Tensor2D);
}

/**
 * [N, inputs] → [N, inputs + width]: the class's embedding behind the latents; the latents alone without classes.
 *
 * Its entries are N(0, 1/classes) at first, small beside the latents' (R3GAN has them so). As large as those, classes
 * are all that a generator of MNIST's digits learns: one digit a class, whatever the latents.
 */
export function withClass(to: Parameters, name: string, classes: number, width: number): Layer {
  if (classes === 0) return (z) => z;
  const embed = embedding(to, name, classes, width, 1 / Math.sqrt(classes));
  return (z, mode) => concat([z, embed(mode)], 1);
}

interface LinearShape {
  readonly inputs: number;
  readonly outputs: number;
}

interface LogitOptions {
  readonly inputs: number;
  /** 0: none. */
  readonly classes: number;
  readonly condition: Condition;
  /** Makes the linear layer. Default: one without a bias, weights N(0, 1/inputs). */
  readonly linear?: (to: Parameters, name: string, shape: LinearShape) => Layer;
}

function plainLinear(to: Parameters, name: string, { inputs, outputs }: LinearShape): Layer {
  const weight: Tensor = to.normal(`${name}.weight`, [inputs, outputs], 1 / Math.sqrt(inputs));
  return (h) => matMul(h as Tensor2D, weight as Tensor2D);
}

/**
 * A discriminator's last layer, features h [N, inputs] → w·h [N, 1]; with a projection w·h + e(class)·h [N, 1], as an
 * auxiliary classifier [N, 1 + classes], logits of the classes behind. Embeddings are zero at first.
 */
export function logitLayer(to: Parameters, name: string, options: LogitOptions): Layer {
  const { inputs, classes, condition, linear = plainLinear } = options;
  const outputs = condition === "auxiliary" ? 1 + classes : 1;
  const logits = linear(to, name, { inputs, outputs });
  if (classes === 0 || condition === "auxiliary") return logits;
  const embed = embedding(to, name, classes, inputs, 0);
  return (h, mode) => add(logits(h, mode), sum(mul(embed(mode), h), 1, true));
}
