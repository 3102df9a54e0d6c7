import { fill } from "@tensorflow/tfjs-core";
import { type Call, call as callOp, defineOp, type Op, type Operand } from "../backend/op.ts";
import { check, checkType, showShape } from "../errors.ts";
import {
  averageWindows,
  largestOfWindows,
  pickFromWindows,
  returnToLargest,
  spreadWindows,
} from "./pool.wgsl.ts";

export interface PoolAttrs {
  /** Edge of the window, or [height, width]. */
  filterSize: number | [number, number];
  strides: number | [number, number];
  /** "same", "valid", a number for all four sides, or [[0, 0], [top, bottom], [left, right], [0, 0]]. */
  pad: "same" | "valid" | number | readonly (readonly [number, number])[];
  /** How a number of windows that is no integer is rounded, where `pad` is given in numbers. Default: down. */
  dimRoundingMode?: "floor" | "round" | "ceil";
}

type Shaped = Pick<Operand, "shape" | "dtype">;

const pairOf = (value: number | readonly number[]): readonly number[] =>
  typeof value === "number" ? [value, value] : value;

/** Number of windows along an axis, and the padding before it. */
export function windowsAlong(size: number, filter: number, stride: number, axis: 1 | 2, attrs: PoolAttrs) {
  const { pad, dimRoundingMode = "floor" } = attrs;
  if (pad === "same") {
    const count = Math.ceil(size / stride);
    return { count, before: Math.floor(Math.max(0, (count - 1) * stride + filter - size) / 2) };
  }
  const [before, after] = pad === "valid" ? [0, 0] : typeof pad === "number" ? [pad, pad] : pad[axis];
  const steps = (size + before + after - filter) / stride;
  return { count: Math.max(0, Math[pad === "valid" ? "floor" : dimRoundingMode](steps) + 1), before };
}

/** Shape of the result, and the kernels' table (see assembly/ops/pool.ts). */
function poolPlan(op: string, x: Shaped, attrs: PoolAttrs): { shape: number[]; geometry: number[] } {
  checkType(
    x.dtype === "float32",
    () => `${op}: expected x of dtype float32, got ${x.dtype}. Cast it (tf.cast).`,
  );
  const [filterHeight, filterWidth] = pairOf(attrs.filterSize);
  const [strideHeight, strideWidth] = pairOf(attrs.strides);
  check(
    x.shape.length === 4 && [filterHeight, filterWidth, strideHeight, strideWidth].every((n) => n >= 1),
    () =>
      `${op}: expected pictures [batch, height, width, channels] and windows and strides of at least 1, got x ${showShape(x.shape)}, filterSize ${attrs.filterSize}, strides ${attrs.strides}`,
  );
  const [batch, height, width, channels] = x.shape;
  const rows = windowsAlong(height, filterHeight, strideHeight, 1, attrs);
  const cols = windowsAlong(width, filterWidth, strideWidth, 2, attrs);
  check(
    (rows.count > 0 || height === 0) && (cols.count > 0 || width === 0),
    () =>
      `${op}: expected a window no larger than the padded picture, got x ${showShape(x.shape)}, filterSize ${attrs.filterSize}, pad ${JSON.stringify(attrs.pad)}`,
  );
  return {
    shape: [batch, rows.count, cols.count, channels],
    geometry: [
      ...[batch, channels, height, width, rows.count, cols.count],
      ...[filterHeight, filterWidth, strideHeight, strideWidth, rows.before, cols.before],
    ],
  };
}

function checkGradient(op: string, dy: Shaped, x: Shaped, attrs: PoolAttrs): void {
  const { shape } = poolPlan(op, x, attrs);
  check(
    dy.shape.join() === shape.join(),
    () => `${op}: expected dy ${showShape(shape)} for x ${showShape(x.shape)}, got ${showShape(dy.shape)}`,
  );
}

/** Runs a kernel over the windows of pictures like `x`: `result` from `source`. */
function runPool(
  context: Call,
  kernel: "avgPool" | "avgPoolGrad" | "maxPool" | "maxPoolPositions",
  result: number,
  source: number,
  x: Operand,
  attrs: PoolAttrs,
): void {
  const geometry = context.ints(poolPlan(kernel, x, attrs).geometry);
  context.split(kernel, x.shape[0], 0, [result, source, geometry]);
}

/** The mean of each window of pictures [N, H, W, C], float32; padding is not counted, and alone gives 0. */
export const avgPool: Op<"x", PoolAttrs> = defineOp({
  name: "AvgPool",
  inputs: ["x"],
  infer: ({ x }, attrs) => ({ shape: poolPlan("avgPool", x, attrs).shape }),
  wasm: (context, { x }, [y], attrs) => runPool(context, "avgPool", y.ptr, x.ptr, x, attrs),
  webgpu: (context, { x }, [y], attrs) =>
    averageWindows(context, x, y, poolPlan("avgPool", x, attrs).geometry),
  gradient: (dy, { x }, attrs) => ({ x: () => callOp(avgPoolGrad, { dy, input: x }, attrs) }),
});

/** The adjoint of `avgPool`; of `input` only the shape counts. */
export const avgPoolGrad: Op<"dy" | "input", PoolAttrs> = defineOp({
  name: "AvgPoolGrad",
  inputs: ["dy", "input"],
  infer: ({ dy, input }, attrs) => {
    checkGradient("avgPoolGrad", dy, input, attrs);
    return { shape: input.shape };
  },
  wasm: (context, { dy, input }, [dx], attrs) =>
    runPool(context, "avgPoolGrad", dx.ptr, dy.ptr, input, attrs),
  webgpu: (context, { dy, input }, [dx], attrs) =>
    spreadWindows(context, dy, dx, poolPlan("avgPoolGrad", input, attrs).geometry),
  gradient: (ddx, { input }, attrs) => ({
    dy: () => callOp(avgPool, { x: ddx }, attrs),
    input: () => fill(input.shape, 0),
  }),
});

/**
 * The largest value of each window of pictures [N, H, W, C], float32; padding never wins, and alone gives -∞.
 * A NaN shows, where TensorFlow.js's own backends pass over it.
 */
export const maxPool: Op<"x", PoolAttrs> = defineOp({
  name: "MaxPool",
  inputs: ["x"],
  infer: ({ x }, attrs) => ({ shape: poolPlan("maxPool", x, attrs).shape }),
  wasm: (context, { x }, [y], attrs) => runPool(context, "maxPool", y.ptr, x.ptr, x, attrs),
  webgpu: (context, { x }, [y], attrs) =>
    largestOfWindows(context, x, y, poolPlan("maxPool", x, attrs).geometry),
  gradient: (dy, { x }, attrs) => ({ x: () => callOp(maxPoolGrad, { dy, input: x }, attrs) }),
});

/**
 * The adjoint of picking the first largest value of each window of `input`. TensorFlow.js hands it the pooled
 * values too; they are not used, so that nothing but inputs needs saving.
 */
export const maxPoolGrad: Op<"dy" | "input", PoolAttrs> = defineOp({
  name: "MaxPoolGrad",
  inputs: ["dy", "input"],
  infer: ({ dy, input }, attrs) => {
    checkGradient("maxPoolGrad", dy, input, attrs);
    return { shape: input.shape };
  },
  wasm: (context, { dy, input }, [dx], attrs) => {
    const positions = context.workspace(dy.size * 4);
    runPool(context, "maxPoolPositions", positions, input.ptr, input, attrs);
    context.kernels.scatterAdd(dx.ptr, dy.ptr, positions, 1, 1, dx.size, dy.size, 1);
  },
  webgpu: (context, { dy, input }, [dx], attrs) =>
    returnToLargest(context, dy, input, dx, poolPlan("maxPoolGrad", input, attrs).geometry),
  gradient: (ddx, { input }, attrs) => ({
    dy: () => callOp(maxPoolPick, { x: ddx, input }, attrs),
    input: () => fill(input.shape, 0),
  }),
});

/** The value of `x` where `input`, of its shape, is largest (first) in each window. */
export const maxPoolPick: Op<"x" | "input", PoolAttrs> = defineOp({
  name: "GanvilMaxPoolPick",
  inputs: ["x", "input"],
  infer: ({ input }, attrs) => ({ shape: poolPlan("maxPoolPick", input, attrs).shape }),
  wasm: (context, { x, input }, [y], attrs) => {
    const positions = context.workspace(y.size * 4);
    runPool(context, "maxPoolPositions", positions, input.ptr, input, attrs);
    context.kernels.gather(y.ptr, x.ptr, positions, 1, 1, x.size, y.size, 4);
  },
  webgpu: (context, { x, input }, [y], attrs) =>
    pickFromWindows(context, x, input, y, poolPlan("maxPoolPick", input, attrs).geometry),
  gradient: (dy, { input }, attrs) => ({
    x: () => callOp(maxPoolGrad, { dy, input }, attrs),
    input: () => fill(input.shape, 0),
  }),
});
