import {
  div,
  matMul,
  mul,
  ones,
  reshape,
  type Scalar,
  sum,
  type Tensor,
  type Tensor2D,
  tensor2d,
} from "@tensorflow/tfjs-core";
import { call, defineOp, type Op } from "../backend/op.ts";
import { check, showShape } from "../errors.ts";
import { sigmoidGrad } from "./activation-grad.ts";
import { checkFloats } from "./operand.ts";

/** Weights, [terms, parts]. */
type Terms = readonly (readonly number[])[];

interface Attrs {
  terms: Terms;
}

/** dy·∂loss/∂logits for a scalar dy. */
export const logisticLossGrad: Op<"logits" | "dy", Attrs> = defineOp<"logits" | "dy", Attrs>({
  name: "GanvilLogisticLossGrad",
  inputs: ["logits", "dy"],
  infer: ({ logits }) => ({ shape: logits.shape }),
  wasm: ({ kernels, ints }, { logits, dy }, [dx], { terms }) => {
    const parts = terms[0].length;
    const n = logits.size / parts;
    kernels.logisticLossGrad(logits.ptr, ints(terms.flat()), dy.ptr, dx.ptr, n, parts, terms.length);
  },
  // With u = W·logits the gradient is Wᵀ·σ(u)·dy/n.
  gradient: (c, { logits, dy }, { terms }) => ({
    logits: () => {
      const weights = tensor2d(terms.map((term) => [...term]));
      const rows = (z: Tensor) => reshape(z, [terms[0].length, -1]) as Tensor2D;
      const [x, along] = [matMul(weights, rows(logits)), matMul(weights, rows(c))];
      const bent = matMul(weights, call(sigmoidGrad, { x, dy: along }, {}) as Tensor2D, true);
      return reshape(mul(bent, div(dy, logits.size / terms[0].length)), logits.shape);
    },
    dy: () => sum(mul(c, call(logisticLossGrad, { logits, dy: ones([]) }, { terms }))),
  }),
});

/** See `logisticLoss()`. */
export const logisticLossOp = defineOp<"logits", Attrs>({
  name: "GanvilLogisticLoss",
  inputs: ["logits"],
  infer: ({ logits }, { terms }) => {
    checkFloats("logisticLoss", { logits });
    const parts = terms[0]?.length ?? 0;
    check(
      parts > 0 && terms.every((term) => term.length === parts && term.every(Number.isInteger)),
      () =>
        `logisticLoss: expected terms of equally many whole numbers each, got ${terms.map(showShape).join(", ") || "none"}`,
    );
    check(
      logits.shape.length > 0 && logits.shape[0] % parts === 0,
      () => `logisticLoss: expected logits in ${parts} equal parts, got ${showShape(logits.shape)}`,
    );
    return { shape: [] };
  },
  wasm: ({ kernels, ints }, { logits }, [y], { terms }) => {
    const parts = terms[0].length;
    const n = logits.size / parts;
    kernels.logisticLoss(logits.ptr, ints(terms.flat()), y.ptr, n, parts, terms.length);
  },
  gradient: (dy, { logits }, attrs) => ({ logits: () => call(logisticLossGrad, { logits, dy }, attrs) }),
});

/**
 * Σ over terms of mean softplus(Σ over parts of weight·logits of the part): every logistic loss of a GAN as one
 * kernel. [[-1, 0], [0, 1]] of real and fake logits is the discriminator's non-saturating loss, [[-1, 1]] the
 * relativistic one.
 * @param logits float32 of any rank, the leading axis as many equal parts end to end as a term has weights.
 * @param terms whole numbers, a row each.
 * @throws RangeError for logits that do not divide, or terms of unequal length.
 */
export function logisticLoss(logits: Tensor, terms: Terms): Scalar {
  return call(logisticLossOp, { logits }, { terms }) as Scalar;
}
