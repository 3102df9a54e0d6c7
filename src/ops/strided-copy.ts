import type { DataType } from "@tensorflow/tfjs-core";
import { itemsPerPiece } from "../backend/executor.ts";
import type { Call, Operand } from "../backend/op.ts";
import { checkType } from "../errors.ts";
import type { GpuOperand } from "../webgpu/shader.ts";
import { type EitherCall, type EitherOperand, isGpuCall } from "./either-device.ts";
import { copyLoops, type Loop } from "./strided-copy.wgsl.ts";

/** Where the elements of an array lie: index i is at `offset` + Σ iₐ·stridesₐ in the operand, counted in elements. */
export interface View<Held = EitherOperand> {
  readonly operand: Held;
  readonly strides: readonly number[];
  /** Default 0. */
  readonly offset?: number;
}

/** Elements to the next index along each axis of a row-major array. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1] * shape[axis + 1];
  return strides;
}

/** Bytes of one element. */
export function widthOf(dtype: DataType): 1 | 4 {
  return dtype === "bool" ? 1 : 4;
}

/** Throws unless the elements lie in the Wasm heap. */
export function checkMovable(op: string, dtype: DataType): void {
  checkType(
    dtype === "float32" || dtype === "int32" || dtype === "bool",
    () => `${op}: expected dtype float32, int32 or bool, got ${dtype}`,
  );
}

/**
 * The loops that copy an array of this shape, innermost first: axes of one element dropped, order by the
 * destination's strides, neighbours that continue each other in both arrays merged.
 */
function planLoops(shape: readonly number[], dst: readonly number[], src: readonly number[]): Loop[] {
  const sorted = shape
    .map((count, axis) => ({ count, dst: dst[axis], src: src[axis] }))
    .filter(({ count }) => count !== 1)
    .sort((a, b) => Math.abs(b.dst) - Math.abs(a.dst));
  const loops: Loop[] = [];
  for (const loop of sorted) {
    const [outer] = loops;
    if (outer && outer.dst === loop.count * loop.dst && outer.src === loop.count * loop.src) {
      loops[0] = { ...loop, count: outer.count * loop.count };
    } else {
      loops.unshift(loop);
    }
  }
  return loops;
}

/** Copies every element of `src` to the same index of `dst`; both of this shape, any strides, no overlap. */
export function copyStrided(call: EitherCall, shape: readonly number[], dst: View, src: View): void {
  if (shape.includes(0)) return;
  const loops = planLoops(shape, dst.strides, src.strides);
  if (isGpuCall(call)) {
    const place = ({ operand, offset = 0 }: View) => ({ operand: operand as GpuOperand, offset });
    copyLoops(call, loops, place(dst), place(src));
  } else {
    copyOnWasm(call, loops.reverse(), dst as View<Operand>, src as View<Operand>);
  }
}

/** Copies bits along loops, outermost first. */
function copyOnWasm(call: Call, loops: Loop[], dst: View<Operand>, src: View<Operand>): void {
  const width = widthOf(src.operand.dtype);
  // The axis along which the source is contiguous goes next to innermost, where the kernel transposes in registers.
  const unit = loops.findIndex((loop) => loop.src === 1);
  if (unit >= 0 && unit < loops.length - 2) loops.splice(loops.length - 2, 0, ...loops.splice(unit, 1));
  while (loops.length < 2) loops.unshift({ count: 1, dst: 0, src: 0 });
  const to = dst.operand.ptr + (dst.offset ?? 0) * width;
  const from = src.operand.ptr + (src.offset ?? 0) * width;
  const [outermost, ...inner] = loops;
  if (outermost.count === 1 && inner.length === 1 && inner[0].dst === 1 && inner[0].src === 1) {
    const bytes = inner[0].count * width;
    const piece = itemsPerPiece(bytes, 1 / 8);
    call.sweep("copy", [from, to, bytes], 2, piece, [piece, piece]);
    return;
  }
  const elements = inner.reduce((product, { count }) => product * count, 1);
  const unitItems = itemsPerPiece(outermost.count, elements);
  const dims = call.ints(loops.flatMap((loop) => [loop.count, loop.dst, loop.src]));
  call.sweep("copyStrided", [to, from, outermost.count, loops.length, dims, width], 2, unitItems, [
    unitItems * outermost.dst * width,
    unitItems * outermost.src * width,
  ]);
}
