import { engine, type Scalar, type Tensor } from "@tensorflow/tfjs-core";
import { defineOp } from "../backend/op.ts";
import { checkFloats } from "./operand.ts";
import { unitTable } from "./unit-table.ts";

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
});

/**
 * Euclidean norm of all tensors' elements together, in one kernel; not differentiable. Infinite where the sum of
 * squares is beyond float32.
 * @param tensors float32 of any shapes.
 */
export function globalNorm(tensors: readonly Tensor[]): Scalar {
  return engine().runKernel(globalNormOp.name, tensors as never, {}) as unknown as Scalar;
}
