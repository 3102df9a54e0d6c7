import { mul, sub, sum, type Tensor, softmax as tfSoftmax } from "@tensorflow/tfjs-core";
import { type Call, call, defineOp, type Operand, type OutputSpec } from "../backend/op.ts";
import { check, checkType, showShape } from "../errors.ts";
import type { Kernels } from "../wasm/generated/kernels.ts";
import { sweepItems } from "./operand.ts";

function inferLast(
  op: string,
  { shape, dtype }: { readonly shape: readonly number[]; readonly dtype: string },
  axis: number,
): OutputSpec {
  checkType(dtype === "float32", () => `${op}: expected float32 logits, got ${dtype}`);
  check(
    axis === -1 || axis === shape.length - 1,
    () => `${op}: expected the last axis of logits ${showShape(shape)}, got axis ${axis}. Transpose first.`,
  );
  return { shape };
}

function sweepRows(context: Call, kernel: keyof Kernels, x: Operand, y: Operand): void {
  const n = x.shape.at(-1) ?? 1;
  const args = [x.ptr, y.ptr, n === 0 ? 0 : x.size / n, n];
  // An exponential takes about four times as long as a sum.
  sweepItems(context, kernel, args, 2, 4 * n, [4 * n, 4 * n]);
}

/** e^x / Σ e^x over the last axis, without overflow. */
export const softmax = defineOp<"logits", { dim: number }>({
  name: "Softmax",
  inputs: ["logits"],
  infer: ({ logits }, { dim }) => inferLast("softmax", logits, dim),
  wasm: (context, { logits }, [y]) => sweepRows(context, "softmax", logits, y),
  gradient: (dy, { logits }, { dim }) => ({
    logits: () => {
      const weighted = mul(dy, tfSoftmax(logits, dim));
      return sub(weighted, mul(tfSoftmax(logits, dim), sum(weighted, dim, true)));
    },
  }),
});

/** x - ln Σ e^x over the last axis, without overflow. */
export const logSoftmaxOp = defineOp<"logits", { axis: number }>({
  name: "LogSoftmax",
  inputs: ["logits"],
  infer: ({ logits }, { axis }) => inferLast("logSoftmax", logits, axis),
  wasm: (context, { logits }, [y]) => sweepRows(context, "logSoftmax", logits, y),
  gradient: (dy, { logits }, { axis }) => ({
    logits: () => sub(dy, mul(tfSoftmax(logits, axis), sum(dy, axis, true))),
  }),
});

/**
 * ln softmax(logits) over the last axis: `tf.logSoftmax` as one kernel in place of six.
 * @param logits float32 of rank 1 or more.
 */
export function logSoftmax(logits: Tensor): Tensor {
  return call(logSoftmaxOp, { logits }, { axis: logits.rank - 1 });
}
