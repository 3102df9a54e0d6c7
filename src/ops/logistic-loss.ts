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
import { call, defineOp, type GpuCall, type Op } from "../backend/op.ts";
import { check, showShape } from "../errors.ts";
import type { GpuOperand } from "../webgpu/shader.ts";
import { sigmoidGrad } from "./activation-grad.ts";
import { mathFor } from "./math.wgsl.ts";
import { checkFloats } from "./operand.ts";

/** Weights, [terms, parts]. */
type Terms = readonly (readonly number[])[];

interface Attrs {
  terms: Terms;
}

/** The shaders' weights and sizes: `n` logits of each part. */
function gpuTerms(call: GpuCall, logits: GpuOperand, terms: Terms) {
  const parts = terms[0].length;
  const n = logits.size / parts;
  return {
    n,
    weights: call.values(Int32Array.from(terms.flat())),
    words: { parts, terms: terms.length, count: n },
  };
}

/** Σ over parts of weight·logits of the part: what a term is a function of. */
const combined = `
fn combined(term: u32, i: u32) -> f32 {
  var sum = 0.0;
  for (var part = 0u; part < u.parts; part++) {
    sum += f32(weights[term * u.parts + part]) * logits[part * u.count + i];
  }
  return sum;
}`;

const lossThreads = 256;

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
  webgpu: (context, { logits, dy }, [dx], { terms }) => {
    const { n, weights, words } = gpuTerms(context, logits, terms);
    context.run({
      ...{ name: "logisticLossGrad", read: { logits, dy, weights }, write: { dx }, words, elements: n },
      declarations: () => combined + mathFor("sigmoidF()"),
      body: () => `let scale = dy[0] / f32(u.count);
  for (var part = 0u; part < u.parts; part++) {
    var slope = 0.0;
    for (var term = 0u; term < u.terms; term++) {
      let weight = weights[term * u.parts + part];
      if (weight != 0) { slope += f32(weight) * sigmoidF(combined(term, i)); }
    }
    dx[part * u.count + i] = slope * scale;
  }`,
    });
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
  webgpu: (context, { logits }, [y], { terms }) => {
    const { weights, words } = gpuTerms(context, logits, terms);
    context.run({
      ...{ name: "logisticLoss", read: { logits, weights }, write: { y }, words },
      workgroupSize: [lossThreads],
      declarations: () => `${combined}${mathFor("softplusF()")}
var<workgroup> sums: array<f32, ${lossThreads}>;`,
      body: () => `var sum = 0.0;
  for (var i = thread; i < u.count; i += ${lossThreads}u) {
    for (var term = 0u; term < u.terms; term++) { sum += softplusF(combined(term, i)); }
  }
  sums[thread] = sum;
  for (var half = ${lossThreads / 2}u; half > 0u; half >>= 1u) {
    workgroupBarrier();
    if (thread < half) { sums[thread] += sums[thread + half]; }
  }
  if (thread == 0u) { y[0] = sums[0] / f32(u.count); }`,
    });
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
