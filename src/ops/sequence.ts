import { type DataType, fill as tfFill } from "@tensorflow/tfjs-core";
import { defineOp, type GpuCall } from "../backend/op.ts";
import { check, checkType } from "../errors.ts";
import type { GpuOperand } from "../webgpu/shader.ts";
import { fillOperand } from "./operand.ts";
import { widthOf } from "./strided-copy.ts";

/** start, start + step, ... up to but without stop; a step of 1 turns to -1 where stop lies below start. */
export const range = defineOp<
  never,
  { start: number; stop: number; step?: number; dtype?: "float32" | "int32" }
>({
  name: "Range",
  inputs: [],
  infer: (_, { start, stop, step = 1, dtype = "float32" }) => {
    checkType(
      dtype === "float32" || dtype === "int32",
      () => `range: expected dtype float32 or int32, got ${dtype}`,
    );
    check(step !== 0, () => "range: expected a step other than 0");
    return { shape: [Math.max(0, Math.ceil((stop - start) / signed(start, stop, step)))], dtype };
  },
  wasm: ({ kernels }, _, [y], { start, stop, step = 1 }) => {
    const by = signed(start, stop, step);
    if (y.dtype === "int32") kernels.rangeI32(y.ptr, y.size, start, by);
    else kernels.range(y.ptr, y.size, start, by);
  },
  webgpu: (call, _, [y], { start, stop, step = 1 }) => writeRange(call, y, start, signed(start, stop, step)),
});

/** Values of float64, which shaders do not compute in. */
function writeRange(call: GpuCall, y: GpuOperand, start: number, step: number): void {
  if (y.size === 0) return;
  const values = y.dtype === "int32" ? new Int32Array(y.size) : new Float32Array(y.size);
  for (let i = 0; i < y.size; i++) values[i] = start + i * step;
  call.copy(call.values(values), y);
}

const signed = (start: number, stop: number, step: number): number =>
  stop < start && step === 1 ? -1 : step;

const spacing = (start: number, stop: number, num: number): number =>
  num === 1 ? 0 : (stop - start) / (num - 1);

/** `num` float32 values at equal distances, the first `start`, the last `stop`. */
export const linSpace = defineOp<never, { start: number; stop: number; num: number }>({
  name: "LinSpace",
  inputs: [],
  infer: (_, { num }) => {
    check(
      Number.isInteger(num) && num > 0,
      () => `linspace: expected a positive number of values, got ${num}`,
    );
    return { shape: [num] };
  },
  wasm: ({ kernels }, _, [y], { start, stop, num }) =>
    kernels.range(y.ptr, num, start, spacing(start, stop, num)),
  webgpu: (call, _, [y], { start, stop, num }) => writeRange(call, y, start, spacing(start, stop, num)),
});

/** `onValue` where the last axis, of length `depth`, equals the index; `offValue` elsewhere. */
export const oneHot = defineOp<
  "indices",
  { depth: number; onValue: number; offValue: number; dtype?: DataType }
>({
  name: "OneHot",
  inputs: ["indices"],
  infer: ({ indices }, { depth, dtype = "int32" }) => {
    checkType(
      indices.dtype === "int32" && dtype !== "string" && dtype !== "complex64",
      () =>
        `oneHot: expected int32 indices and dtype float32, int32 or bool, got ${indices.dtype} and ${dtype}`,
    );
    check(Number.isInteger(depth) && depth > 0, () => `oneHot: expected a positive depth, got ${depth}`);
    return { shape: [...indices.shape, depth], dtype };
  },
  wasm: (call, { indices }, [y], { depth, onValue, offValue }) => {
    fillOperand(call, y, offValue);
    const bits = y.dtype === "float32" ? new Int32Array(Float32Array.of(onValue).buffer)[0] : onValue;
    call.kernels.markOneHot(y.ptr, indices.ptr, indices.size, depth, bits, widthOf(y.dtype));
  },
  webgpu: (call, { indices }, [y], { depth, onValue, offValue }) => {
    const marks = { on: onValue, off: offValue };
    call.run({
      name: "oneHot",
      read: { indices },
      write: { y },
      words: { depth },
      ...(y.dtype === "float32" ? { floats: marks } : { ints: marks }),
      elements: y.size,
      body: () => "y[i] = select(u.off, u.on, indices[i / u.depth] == i32(i % u.depth));",
    });
  },
  // Constant in the indices, which a caller may still differentiate through.
  gradient: (_, { indices }) => ({ indices: () => tfFill(indices.shape, 0) }),
});
