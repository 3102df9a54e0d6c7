import type { DataType } from "@tensorflow/tfjs-core";
import { type Call, defineOp, type Operand } from "../backend/op.ts";
import { checkType } from "../errors.ts";

/** Sets every element of `y` to `value`. */
export function fillOperand({ kernels }: Call, y: Operand, value: number): void {
  if (y.dtype === "int32") kernels.fillI32(y.ptr, y.size, value);
  else if (y.dtype === "bool") kernels.fillU8(y.ptr, y.size, value);
  else kernels.fill(y.ptr, y.size, value);
}

/** A tensor of one value: float32 or int32. */
export const fill = defineOp<never, { shape: number[]; value: number; dtype?: DataType }>({
  name: "Fill",
  inputs: [],
  infer: (_, { shape, dtype = "float32" }) => {
    checkType(
      dtype === "float32" || dtype === "int32" || dtype === "bool",
      () => `fill: expected dtype float32, int32 or bool, got ${dtype}`,
    );
    return { shape, dtype };
  },
  wasm: (call, _, [y], { value }) => fillOperand(call, y, value),
});
