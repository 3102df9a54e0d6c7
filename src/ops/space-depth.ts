import type { Tensor, Tensor4D } from "@tensorflow/tfjs-core";
import { call as callOp, defineOp, type Op } from "../backend/op.ts";
import { check, showShape } from "../errors.ts";
import { type EitherOperand, onEither } from "./either-device.ts";
import { checkMovable, copyStrided, stridesOf } from "./strided-copy.ts";

interface BlockAttrs {
  blockSize: number;
  /** Default "NHWC". */
  dataFormat?: "NHWC" | "NCHW";
}

/** Positions of height, width and channels in a shape. */
const axesOf = (dataFormat = "NHWC"): [number, number, number] =>
  dataFormat === "NHWC" ? [1, 2, 3] : [2, 3, 1];

function regroup(
  op: string,
  shape: readonly number[],
  { blockSize, dataFormat }: BlockAttrs,
  unpack: boolean,
): number[] {
  const [height, width, channels] = axesOf(dataFormat);
  const area = blockSize * blockSize;
  check(
    shape.length === 4 &&
      Number.isInteger(blockSize) &&
      blockSize > 0 &&
      (unpack ? shape[channels] % area : (shape[height] % blockSize) + (shape[width] % blockSize)) === 0,
    () =>
      unpack
        ? `${op}: expected pictures with a number of channels that ${area} divides, got x ${showShape(shape)} for blockSize ${blockSize}`
        : `${op}: expected pictures with a height and width that blockSize ${blockSize} divides, got x ${showShape(shape)}. Pad or resize them.`,
  );
  const to = [...shape];
  for (const axis of [height, width]) to[axis] = unpack ? shape[axis] * blockSize : shape[axis] / blockSize;
  to[channels] = unpack ? shape[channels] / area : shape[channels] * area;
  return to;
}

/** Strides of [batch, row, row in block, column, column in block, channel] in either array. */
function blockStrides(deep: EitherOperand, wide: EitherOperand, { blockSize: b, dataFormat }: BlockAttrs) {
  const [height, width, channels] = axesOf(dataFormat);
  const d = stridesOf(deep.shape);
  const w = stridesOf(wide.shape);
  const c = wide.shape[channels];
  return {
    shape: [deep.shape[0], deep.shape[height], b, deep.shape[width], b, c],
    deep: [d[0], d[height], b * c * d[channels], d[width], c * d[channels], d[channels]],
    wide: [w[0], b * w[height], w[height], b * w[width], w[width], w[channels]],
  };
}

/** Channels to pixels: y[n, h·b+i, w·b+j, c] = x[n, h, w, (i·b+j)·C + c] for pictures [N, H, W, b·b·C]. */
export const depthToSpace: Op<"x", BlockAttrs> = defineOp<"x", BlockAttrs>({
  name: "DepthToSpace",
  inputs: ["x"],
  infer: ({ x }, attrs) => {
    checkMovable("depthToSpace", x.dtype);
    return { shape: regroup("depthToSpace", x.shape, attrs, true), dtype: x.dtype };
  },
  ...onEither<"x", BlockAttrs>((call, { x }, [y], attrs) => {
    const { shape, deep, wide } = blockStrides(x, y, attrs);
    copyStrided(call, shape, { operand: y, strides: wide }, { operand: x, strides: deep });
  }),
  gradient: (dy, _, attrs) => ({ x: () => callOp(spaceToDepthOp, { x: dy }, attrs) }),
});

/** The inverse of `depthToSpace`, and its adjoint. */
export const spaceToDepthOp: Op<"x", BlockAttrs> = defineOp<"x", BlockAttrs>({
  name: "GanvilSpaceToDepth",
  inputs: ["x"],
  infer: ({ x }, attrs) => {
    checkMovable("spaceToDepth", x.dtype);
    return { shape: regroup("spaceToDepth", x.shape, attrs, false), dtype: x.dtype };
  },
  ...onEither<"x", BlockAttrs>((call, { x }, [y], attrs) => {
    const { shape, deep, wide } = blockStrides(y, x, attrs);
    copyStrided(call, shape, { operand: y, strides: deep }, { operand: x, strides: wide });
  }),
  gradient: (dy, _, attrs) => ({ x: () => callOp(depthToSpace, { x: dy }, attrs) }),
});

/**
 * Pixels to channels (pixel unshuffle): y[n, h, w, (i·b+j)·C + c] = x[n, h·b+i, w·b+j, c], the inverse of
 * `tf.depthToSpace` in NHWC.
 * @param x pictures [N, H, W, C] of float32, int32 or bool; `blockSize` divides H and W.
 * @param blockSize edge b of the blocks, at least 1.
 * @returns [N, H/b, W/b, b·b·C], dtype of `x`.
 * @throws RangeError when `x` is not four-dimensional or `blockSize` does not divide H and W.
 */
export function spaceToDepth(x: Tensor, blockSize: number): Tensor4D {
  return callOp(spaceToDepthOp, { x }, { blockSize, dataFormat: "NHWC" }) as Tensor4D;
}
