import type { Call, Operand } from "../backend/op.ts";
import { checkType } from "../errors.ts";

/** Checks that an op's tensors are float32. */
export function checkFloats(
  op: string,
  tensors: { readonly [name: string]: { readonly dtype: string } },
): void {
  for (const [name, { dtype }] of Object.entries(tensors)) {
    checkType(
      dtype === "float32",
      () => `${op}: expected ${name} of dtype float32, got ${dtype}. Cast it (tf.cast).`,
    );
  }
}

/** Address of x's values as float32, converted in a workspace where they are not. */
export function asFloat32({ kernels, workspace }: Call, x: Operand): number {
  if (x.dtype === "float32") return x.ptr;
  const ptr = workspace(x.size * 4);
  if (x.dtype === "int32") kernels.castI32F32(x.ptr, ptr, x.size);
  else kernels.castU8F32(x.ptr, ptr, x.size);
  return ptr;
}

/** A number as the nearest int32, toward zero. */
export function toInt32(value: number): number {
  return Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Math.trunc(value)));
}

/** Sets every element of y. */
export function fillOperand({ kernels }: Call, y: Operand, value: number): void {
  if (y.dtype === "int32") kernels.fillI32(y.ptr, y.size, toInt32(value));
  else if (y.dtype === "bool") kernels.fillU8(y.ptr, y.size, value);
  else kernels.fill(y.ptr, y.size, value);
}

/** TensorFlow.js's function for a kernel, as messages show it: `leakyRelu` for `LeakyRelu`. */
export function functionName(kernel: string): string {
  return kernel[0].toLowerCase() + kernel.slice(1);
}
