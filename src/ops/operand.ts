import { itemsPerPiece } from "../backend/executor.ts";
import type { Call, Operand } from "../backend/op.ts";
import { checkType } from "../errors.ts";
import type { Kernels } from "../wasm/generated/kernels.ts";
import type { GpuOperand } from "../webgpu/shader.ts";
import { type EitherCall, type EitherOperand, isGpuCall } from "./either-device.ts";
import { widthOf } from "./strided-copy.ts";

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

/**
 * Runs a kernel over items that depend on no other, several pieces at once where there are many.
 * @param counted position of the argument that is the number of items
 * @param elements elements of an item, the measure of its work
 * @param bytes how far each argument that is an address moves with an item; default 0
 */
export function sweepItems(
  call: Call,
  kernel: keyof Kernels,
  args: readonly number[],
  counted: number,
  elements: number,
  bytes: readonly number[],
): void {
  const unit = itemsPerPiece(args[counted], elements);
  call.sweep(
    kernel,
    args,
    counted,
    unit,
    bytes.map((step) => step * unit),
  );
}

/** y[i] = f(x[i]) for a kernel of the arguments x, y, n and scalars. */
export function mapElements(
  call: Call,
  kernel: keyof Kernels,
  x: Operand,
  y: Operand,
  ...scalars: number[]
): void {
  const args = [x.ptr, y.ptr, y.size, ...scalars];
  sweepItems(call, kernel, args, 2, 1, [widthOf(x.dtype), widthOf(y.dtype)]);
}

/** x with its values as float32, converted in a workspace where they are not. */
export function asFloat32(call: Call, x: Operand): Operand {
  if (x.dtype === "float32") return x;
  const y: Operand = { ...x, ptr: call.workspace(x.size * 4), dtype: "float32" };
  mapElements(call, x.dtype === "int32" ? "castI32F32" : "castU8F32", x, y);
  return y;
}

/** y = x for so many bytes. */
export function copyBytes(call: Call, x: number, y: number, bytes: number): void {
  sweepItems(call, "copy", [x, y, bytes], 2, 1 / 8, [1, 1]);
}

/** A number as the nearest int32, toward zero. */
export function toInt32(value: number): number {
  return Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Math.trunc(value)));
}

/** Sets every element of y. */
export function fillOperand(call: EitherCall, y: EitherOperand, value: number): void {
  if (isGpuCall(call)) {
    const bound = y.dtype === "float32" ? { floats: { value } } : { ints: { value: toInt32(value) } };
    call.run({
      name: "fill",
      write: { y: y as GpuOperand },
      elements: y.size,
      body: () => "y[i] = u.value;",
      ...bound,
    });
    return;
  }
  const { ptr, size } = y as Operand;
  const fill = (kernel: keyof Kernels, constant: number): void =>
    sweepItems(call, kernel, [ptr, size, constant], 1, 1 / 4, [widthOf(y.dtype)]);
  if (y.dtype === "int32") fill("fillI32", toInt32(value));
  else fill(y.dtype === "bool" ? "fillU8" : "fill", value);
}

/** TensorFlow.js's function for a kernel, as messages show it: `leakyRelu` for `LeakyRelu`. */
export function functionName(kernel: string): string {
  return kernel[0].toLowerCase() + kernel.slice(1);
}
