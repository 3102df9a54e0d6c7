import { mul, sub, sum, type Tensor, softmax as tfSoftmax } from "@tensorflow/tfjs-core";
import { type Call, call, defineOp, type GpuCall, type Operand, type OutputSpec } from "../backend/op.ts";
import { check, checkType, showShape } from "../errors.ts";
import type { Kernels } from "../wasm/generated/kernels.ts";
import { type GpuOperand, spread } from "../webgpu/shader.ts";
import { mathFor } from "./math.wgsl.ts";
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

/** A workgroup a row: its greatest, Σ e^(x - greatest), then the results. */
function rowsOnGpu(call: GpuCall, name: "softmax" | "logSoftmax", x: GpuOperand, y: GpuOperand): void {
  if (x.size === 0) return;
  const n = x.shape.at(-1) ?? 1;
  const threads = n > 256 ? 256 : 64;
  const joined = (a: string, f: string) => `parts[thread] = ${a};
  for (var half = ${threads / 2}u; half > 0u; half >>= 1u) {
    workgroupBarrier();
    if (thread < half) { parts[thread] = ${f}; }
  }
  workgroupBarrier();`;
  const result = name === "softmax" ? "expF(x[at] - top) / sum" : "x[at] - top - logF(sum)";
  const greater =
    "fn greater(a: f32, b: f32) -> f32 { return select(select(max(a, b), b, isNanF(b)), a, isNanF(a)); }";
  call.run({
    ...{ name: `${name} ${threads}`, read: { x }, write: { y }, words: { n, rows: x.size / n } },
    ...{ workgroupSize: [threads], workgroups: spread(x.size / n) },
    declarations: () => `${mathFor(`expF() ${result} ${greater}`)}
${greater}
var<workgroup> parts: array<f32, ${threads}>;`,
    body: () => `let row = min(group.x + group.y * groups.x, u.rows - 1u);
  let first = row * u.n;
  let end = first + u.n;
  var most = x[first];
  for (var at = first + thread; at < end; at += ${threads}u) { most = greater(most, x[at]); }
  ${joined("most", "greater(parts[thread], parts[thread + half])")}
  let top = parts[0];
  workgroupBarrier();
  var part = 0.0;
  for (var at = first + thread; at < end; at += ${threads}u) { part += expF(x[at] - top); }
  ${joined("part", "parts[thread] + parts[thread + half]")}
  let sum = parts[0];
  for (var at = first + thread; at < end; at += ${threads}u) { y[at] = ${result}; }`,
  });
}

/** e^x / Σ e^x over the last axis, without overflow. */
export const softmax = defineOp<"logits", { dim: number }>({
  name: "Softmax",
  inputs: ["logits"],
  infer: ({ logits }, { dim }) => inferLast("softmax", logits, dim),
  wasm: (context, { logits }, [y]) => sweepRows(context, "softmax", logits, y),
  webgpu: (context, { logits }, [y]) => rowsOnGpu(context, "softmax", logits, y),
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
  webgpu: (context, { logits }, [y]) => rowsOnGpu(context, "logSoftmax", logits, y),
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
