import { slice_util, pad as tfPad, stridedSlice as tfStridedSlice } from "@tensorflow/tfjs-core";
import { call as callOp, defineOp, type Op } from "../backend/op.ts";
import { check, showShape } from "../errors.ts";
import { onEither } from "./either-device.ts";
import { fillOperand } from "./operand.ts";
import { checkMovable, copyStrided, stridesOf } from "./strided-copy.ts";

interface SliceAttrs {
  /** First index along each axis; missing ones are 0. */
  begin: number | number[];
  /** Elements along each axis; -1 or a missing one: all that remain. */
  size?: number | number[];
}

function boundsOf(
  shape: readonly number[],
  { begin, size }: SliceAttrs,
): { begin: number[]; size: number[] } {
  const begins = typeof begin === "number" ? [begin] : begin;
  const sizes = typeof size === "number" ? [size] : (size ?? []);
  const first = shape.map((_, axis) => begins[axis] ?? 0);
  const counts = shape.map((n, axis) => ((sizes[axis] ?? -1) === -1 ? n - first[axis] : sizes[axis]));
  check(
    begins.length <= shape.length &&
      sizes.length <= shape.length &&
      shape.every((n, axis) => first[axis] >= 0 && counts[axis] >= 0 && first[axis] + counts[axis] <= n),
    () =>
      `slice: expected begin ≥ 0 (slice() does not support negative begin indexing.) and begin + size within x ${showShape(shape)}, got begin ${JSON.stringify(begin)}, size ${JSON.stringify(size)}`,
  );
  return { begin: first, size: counts };
}

/** The block of `x` that starts at `begin`, of shape `size`. */
export const slice: Op<"x", SliceAttrs> = defineOp<"x", SliceAttrs>({
  name: "Slice",
  inputs: ["x"],
  infer: ({ x }, attrs) => {
    checkMovable("slice", x.dtype);
    return { shape: boundsOf(x.shape, attrs).size, dtype: x.dtype };
  },
  ...onEither<"x", SliceAttrs>((call, { x }, [y], attrs) => {
    const { begin } = boundsOf(x.shape, attrs);
    const strides = stridesOf(x.shape);
    const offset = begin.reduce((sum, i, axis) => sum + i * strides[axis], 0);
    copyStrided(call, y.shape, { operand: y, strides: stridesOf(y.shape) }, { operand: x, strides, offset });
  }),
  gradient: (dy, { x }, attrs) => ({
    x: () => {
      const { begin, size } = boundsOf(x.shape, attrs);
      return tfPad(
        dy,
        begin.map((first, axis): [number, number] => [first, x.shape[axis] - first - size[axis]]),
      );
    },
  }),
});

interface StridedSliceAttrs {
  begin: number[];
  end: number[];
  strides?: number[];
  beginMask: number;
  endMask: number;
  ellipsisMask: number;
  newAxisMask: number;
  shrinkAxisMask: number;
}

/** What a strided slice takes of `x`: its block of `taken` elements at `offset` and `strides`. */
function stridedBlock(shape: readonly number[], attrs: StridedSliceAttrs) {
  const info = slice_util.sliceInfo(
    [...shape],
    attrs.begin,
    attrs.end,
    attrs.strides!,
    attrs.beginMask,
    attrs.endMask,
    attrs.ellipsisMask,
    attrs.newAxisMask,
    attrs.shrinkAxisMask,
  );
  const steps = stridesOf(shape);
  const taken = info.begin.map((begin, a) => Math.max(0, Math.ceil((info.end[a] - begin) / info.strides[a])));
  return {
    taken,
    offset: info.begin.reduce((sum, begin, axis) => sum + begin * steps[axis], 0),
    strides: steps.map((step, axis) => step * info.strides[axis]),
    /** With the new axes, without those of one index. */
    shape: info.finalShape,
  };
}

/** `x[begin:end:stride, ...]` as in NumPy, with TensorFlow's masks. */
export const stridedSlice: Op<"x", StridedSliceAttrs> = defineOp<"x", StridedSliceAttrs>({
  name: "StridedSlice",
  inputs: ["x"],
  infer: ({ x }, attrs) => {
    checkMovable("stridedSlice", x.dtype);
    return { shape: stridedBlock(x.shape, attrs).shape, dtype: x.dtype };
  },
  ...onEither<"x", StridedSliceAttrs>((call, { x }, [y], attrs) => {
    const { taken, offset, strides } = stridedBlock(x.shape, attrs);
    copyStrided(call, taken, { operand: y, strides: stridesOf(taken) }, { operand: x, strides, offset });
  }),
  gradient: (dy, { x }, attrs) => ({
    x: () => callOp(stridedSliceGrad, { dy }, { ...attrs, shape: x.shape }),
  }),
});

/** The adjoint of `stridedSlice`: zeros of `shape` with `dy` at the indices that the slice takes. */
export const stridedSliceGrad: Op<"dy", StridedSliceAttrs & { shape: number[] }> = defineOp<
  "dy",
  StridedSliceAttrs & { shape: number[] }
>({
  name: "GanvilStridedSliceGrad",
  inputs: ["dy"],
  infer: ({ dy }, { shape }) => ({ shape, dtype: dy.dtype }),
  ...onEither<"dy", StridedSliceAttrs & { shape: number[] }>((call, { dy }, [dx], attrs) => {
    const { taken, offset, strides } = stridedBlock(attrs.shape, attrs);
    fillOperand(call, dx, 0);
    copyStrided(call, taken, { operand: dx, strides, offset }, { operand: dy, strides: stridesOf(taken) });
  }),
  gradient: (ddx, _, a) => ({
    dy: () =>
      tfStridedSlice(
        ddx,
        a.begin,
        a.end,
        a.strides,
        a.beginMask,
        a.endMask,
        a.ellipsisMask,
        a.newAxisMask,
        a.shrinkAxisMask,
      ),
  }),
});
