import { avgPool, mul, reshape, sigmoid, type Tensor, type Tensor4D } from "@tensorflow/tfjs-core";
import { check, showShape } from "../errors.ts";
import { dense } from "./layers.ts";
import type { Mode, Parameters } from "./network.ts";

interface ExcitationOptions {
  /** Channels of the low resolution, and of the high one. */
  readonly inputs: number;
  readonly outputs: number;
}

/** Height and width that low resolutions are averaged to. */
const pooled = 4;

/**
 * Skip-layer excitation (Liu et al. 2021, arXiv 2101.04775): each channel of a high resolution times a gate from a low one,
 * averaged to 4×4: σ(W₂·swish(W₁·low)). A shortcut over many layers that costs next to nothing.
 * @returns a function of low float32 [N, h, h, inputs], h a multiple of 4, and high [N, H, W, outputs], to high's shape
 */
export function skipExcitation(
  to: Parameters,
  name: string,
  { inputs, outputs }: ExcitationOptions,
): (low: Tensor, high: Tensor, mode: Mode) => Tensor {
  const first = dense(to, `${name}.1`, { inputs: pooled * pooled * inputs, outputs, bias: false });
  const second = dense(to, `${name}.2`, { inputs: outputs, outputs, bias: false });
  return (low, high, mode) => {
    const [batch, height] = low.shape;
    check(
      height % pooled === 0,
      () => `skipExcitation: expected a height that ${pooled} divides, got ${showShape(low.shape)}`,
    );
    const by = height / pooled;
    const small = by === 1 ? low : avgPool(low as Tensor4D, by, by, "valid");
    const hidden = first(reshape(small, [batch, -1]), mode);
    const gate = sigmoid(second(mul(hidden, sigmoid(hidden)), mode));
    return mul(high, reshape(gate, [batch, 1, 1, outputs]));
  };
}
