import { engine, type Scalar, type Tensor } from "@tensorflow/tfjs-core";
import { defineOp } from "../backend/op.ts";
import { spread } from "../webgpu/shader.ts";
import { checkFloats, fillOperand } from "./operand.ts";
import { reduceOnGpu } from "./reduce.wgsl.ts";
import { blocksOf, eachInBlock, pickRow, rowSource, rowThreads } from "./rows.wgsl.ts";
import { unitTable } from "./unit-table.ts";

/** Tensors that a shader binds beside what it writes. */
const rowsAtOnce = 7;

/** See `globalNorm()`. */
export const globalNormOp = defineOp<string>({
  name: "GanvilGlobalNorm",
  inputs: "list",
  infer: (tensors) => {
    checkFloats("globalNorm", tensors);
    return { shape: [] };
  },
  wasm: ({ kernels, split, ints, workspace }, tensors, [y]) => {
    const runs = Object.values(tensors).map(({ ptr, size }) => ({ addresses: [ptr], length: size }));
    const table = unitTable(runs, ([address], length) => [address, length]);
    const units = table.length / 2;
    const sums = workspace(8 * units);
    split("squareSums", units, 0, [ints(table), sums]);
    kernels.rootOfSums(sums, y.ptr, units);
  },
  webgpu: (call, inputs, [y]) => {
    const tensors = Object.values(inputs).filter(({ size }) => size > 0);
    const blocks = tensors.map(({ size }) => blocksOf(size));
    const total = blocks.reduce((a, b) => a + b, 0);
    if (total === 0) {
      fillOperand(call, y, 0);
      return;
    }
    const sums = call.workspace(total);
    let at = 0;
    for (let start = 0; start < tensors.length; start += rowsAtOnce) {
      const rows = tensors.slice(start, start + rowsAtOnce);
      const words: Record<string, number> = { at };
      let groups = 0;
      for (const [k, { size }] of rows.entries()) {
        words[`first${k}`] = groups;
        words[`n${k}`] = size;
        groups += blocks[start + k];
      }
      call.run({
        ...{ name: `squareSums ${rows.length}`, write: { sums }, words: { ...words, groups } },
        read: Object.fromEntries(rows.map((row, k) => [`source${k}`, row])),
        ...{ workgroupSize: [rowThreads], workgroups: spread(groups) },
        declarations: () => `${rowSource(rows.length)}\nvar<workgroup> parts: array<f32, ${rowThreads}>;`,
        body: () => `${pickRow(rows.length, ["first", "n"])}
  var total = 0.0;
  ${eachInBlock("let x = source(row, i);\n      total += x * x;")}
  parts[thread] = total;
  for (var half = ${rowThreads / 2}u; half > 0u; half >>= 1u) {
    workgroupBarrier();
    if (thread < half) { parts[thread] += parts[thread + half]; }
  }
  if (thread == 0u && block < u.groups) { sums[u.at + block] = parts[0]; }`,
      });
      at += groups;
    }
    const square = call.workspace(1);
    reduceOnGpu(call, "sum", sums, square, { outer: 1, n: total, inner: 1 }, 1);
    call.run({
      name: "root",
      read: { square },
      write: { y },
      elements: 1,
      body: () => "y[i] = sqrt(square[i]);",
    });
  },
});

/**
 * Euclidean norm of all tensors' elements together, in one kernel; not differentiable. Infinite where the sum of
 * squares is beyond float32.
 * @param tensors float32 of any shapes.
 */
export function globalNorm(tensors: readonly Tensor[]): Scalar {
  return engine().runKernel(globalNormOp.name, tensors as never, {}) as unknown as Scalar;
}
