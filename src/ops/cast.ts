import { type DataType, cast as tfCast } from "@tensorflow/tfjs-core";
import { defineOp } from "../backend/op.ts";
import { checkType } from "../errors.ts";
import type { Kernels } from "../wasm/generated/kernels.ts";
import { elementwise } from "./elementwise.wgsl.ts";
import { mapElements } from "./operand.ts";

const kernelOf: { readonly [conversion: string]: keyof Kernels } = {
  "float32 int32": "castF32I32",
  "float32 bool": "castF32U8",
  "int32 float32": "castI32F32",
  "int32 bool": "castI32U8",
  "bool float32": "castU8F32",
  "bool int32": "castU8I32",
};

/** x as another dtype. float32 → int32 truncates toward zero (out of range: the nearest int32; NaN: 0). */
export const cast = defineOp<"x", { dtype: DataType }>({
  name: "Cast",
  inputs: ["x"],
  infer: ({ x }, { dtype }) => {
    checkType(
      x.dtype === dtype || `${x.dtype} ${dtype}` in kernelOf,
      () => `cast: expected float32, int32 or bool, got ${x.dtype} to ${dtype}`,
    );
    return { shape: x.shape, dtype };
  },
  wasm: (call, { x }, [y], { dtype }) => {
    mapElements(call, kernelOf[`${x.dtype} ${dtype}`], x, y);
  },
  webgpu: (call, { x }, [y], { dtype }) => elementwise(call, [kernelOf[`${x.dtype} ${dtype}`]], [x], y),
  same: ({ x }, { dtype }) => (x.dtype === dtype ? x : undefined),
  gradient: (dy) => ({ x: () => tfCast(dy, "float32") }),
});
