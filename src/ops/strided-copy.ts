import type { DataType } from "@tensorflow/tfjs-core";
import { itemsPerPiece } from "../backend/executor.ts";
import type { Call } from "../backend/op.ts";
import { checkType } from "../errors.ts";

/** Where the elements of an array lie: index i is at `ptr` + `offset` + Σ iₐ·stridesₐ, counted in elements. */
export interface View {
  readonly ptr: number;
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

interface Dim {
  count: number;
  dst: number;
  src: number;
}

/**
 * The loops that copy an array of this shape, outermost first: axes of one element dropped, order by the
 * destination's strides, neighbours that continue each other in both arrays merged, and the axis along
 * which the source is contiguous next to innermost, where the kernel can transpose in registers.
 */
function planLoops(shape: readonly number[], dst: readonly number[], src: readonly number[]): Dim[] {
  const sorted = shape
    .map((count, axis) => ({ count, dst: dst[axis], src: src[axis] }))
    .filter(({ count }) => count !== 1)
    .sort((a, b) => Math.abs(b.dst) - Math.abs(a.dst));
  const loops: Dim[] = [];
  for (const dim of sorted) {
    const outer = loops.at(-1);
    if (outer && outer.dst === dim.count * dim.dst && outer.src === dim.count * dim.src) {
      loops[loops.length - 1] = { ...dim, count: outer.count * dim.count };
    } else {
      loops.push(dim);
    }
  }
  const unit = loops.findIndex((dim) => dim.src === 1);
  if (unit >= 0 && unit < loops.length - 2) loops.splice(loops.length - 2, 0, ...loops.splice(unit, 1));
  while (loops.length < 2) loops.unshift({ count: 1, dst: 0, src: 0 });
  return loops;
}

/** Copies every element of `src` to the same index of `dst`; both of this shape, any strides, no overlap. */
export function copyStrided(
  call: Call,
  dtype: DataType,
  shape: readonly number[],
  dst: View,
  src: View,
): void {
  if (shape.includes(0)) return;
  const width = widthOf(dtype);
  const loops = planLoops(shape, dst.strides, src.strides);
  const to = dst.ptr + (dst.offset ?? 0) * width;
  const from = src.ptr + (src.offset ?? 0) * width;
  const [outermost, ...inner] = loops;
  if (outermost.count === 1 && inner.length === 1 && inner[0].dst === 1 && inner[0].src === 1) {
    const bytes = inner[0].count * width;
    const piece = itemsPerPiece(bytes, 1 / 8);
    call.sweep("copy", [from, to, bytes], 2, piece, [piece, piece]);
    return;
  }
  const elements = inner.reduce((product, { count }) => product * count, 1);
  const unit = itemsPerPiece(outermost.count, elements);
  const dims = call.ints(loops.flatMap((dim) => [dim.count, dim.dst, dim.src]));
  call.sweep("copyStrided", [to, from, outermost.count, loops.length, dims, width], 2, unit, [
    unit * outermost.dst * width,
    unit * outermost.src * width,
  ]);
}
