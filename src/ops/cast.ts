import { type DataType, cast as tfCast } from "@tensorflow/tfjs-core";
import { defineOp } from "../backend/op.ts";
import { checkType } from "../errors.ts";
import type { Kernels } from "../wasm/generated/kernels.ts";

type Kernel = Kernels["castF32I32"];

const kernelOf: { readonly [conversion: string]: (kernels: Kernels) => Kernel } = {
  "float32 int32": (k) => k.castF32I32,
  "float32 bool": (k) => k.castF32U8,
  "int32 float32": (k) => k.castI32F32,
  "int32 bool": (k) => k.castI32U8,
  "bool float32": (k) => k.castU8F32,
  "bool int32": (k) => k.castU8I32,
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
  wasm: ({ kernels }, { x }, [y], { dtype }) => {
    if (x.dtype !== dtype) kernelOf[`${x.dtype} ${dtype}`](kernels)(x.ptr, y.ptr, x.size);
    else kernels.copy(x.ptr, y.ptr, x.size * (dtype === "bool" ? 1 : 4));
  },
  gradient: (dy) => ({ x: () => tfCast(dy, "float32") }),
});
