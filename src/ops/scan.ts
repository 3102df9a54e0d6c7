// Running sums and products along an axis.
import {
  greater,
  greaterEqual,
  less,
  lessEqual,
  mul,
  onesLike,
  range,
  reshape,
  sum,
  type Tensor,
  cumprod as tfCumprod,
  cumsum as tfCumsum,
  where,
  zerosLike,
} from "@tensorflow/tfjs-core";
import { defineOp, type Op } from "../backend/op.ts";
import { checkType } from "../errors.ts";
import type { Kernels } from "../wasm/generated/kernels.ts";
import { aroundAxis, axisIn } from "./axis.ts";
import { scanOnGpu } from "./scan.wgsl.ts";

interface ScanAttrs {
  axis: number;
  /** Each result leaves its own element out. */
  exclusive: boolean;
  /** From the last element to the first. */
  reverse: boolean;
}

/** A scalar is a line of one element. */
const linesOf = (op: string, shape: readonly number[], axis: number) =>
  shape.length === 0 ? { outer: 1, size: 1, inner: 1 } : aroundAxis(shape, axisIn(op, axis, shape));

function scan(
  name: string,
  op: "cumsum" | "cumprod",
  gradient: (dy: Tensor, x: Tensor, attrs: ScanAttrs) => Tensor,
): Op<"x", ScanAttrs> {
  return defineOp({
    name,
    inputs: ["x"],
    infer: ({ x }, { axis }) => {
      checkType(
        x.dtype === "float32" || x.dtype === "int32",
        () => `${op}: expected dtype float32 or int32, got ${x.dtype}. Convert it with tf.cast.`,
      );
      if (x.shape.length > 0) axisIn(op, axis, x.shape);
      return x;
    },
    wasm: ({ kernels }, { x }, [y], { axis, exclusive, reverse }) => {
      const { outer, size, inner } = linesOf(op, x.shape, axis);
      const kernel: Kernels["cumsum"] = kernels[x.dtype === "int32" ? (`${op}I32` as const) : op];
      kernel(x.ptr, y.ptr, outer, size, inner, Number(exclusive), Number(reverse));
    },
    webgpu: (context, { x }, [y], { axis, ...order }) =>
      scanOnGpu(context, op === "cumsum" ? "sum" : "product", x, y, {
        ...linesOf(op, x.shape, axis),
        ...order,
      }),
    gradient: (dy, { x }, attrs) => ({ x: () => gradient(dy, x, attrs) }),
  });
}

/** For each element along an axis the product of all the others: the derivative of their product. */
export function productOfOthers(x: Tensor, axis: number): Tensor {
  return mul(tfCumprod(x, axis, true), tfCumprod(x, axis, true, true));
}

/**
 * Running products read as products along a new axis, of n·n elements: exact at zeros, where dividing the
 * running products by x is not.
 */
function cumprodGradient(dy: Tensor, x: Tensor, { axis, exclusive, reverse }: ScanAttrs): Tensor {
  if (x.size === 0) return zerosLike(dy);
  if (x.rank === 0) return exclusive ? zerosLike(dy) : dy.clone();
  const { outer, size, inner } = aroundAxis(x.shape, axisIn("cumprod", axis, x.shape));
  const position = range(0, size, 1, "int32");
  const factor = reshape(position, [1, size, 1, 1]);
  const product = reshape(position, [1, 1, size, 1]);
  const before = exclusive ? less : lessEqual;
  const after = exclusive ? greater : greaterEqual;
  const taken = (reverse ? after : before)(factor, product);
  const factors = reshape(x, [outer, size, 1, inner]);
  const all = where(taken, factors, onesLike(factors));
  const each = mul(reshape(dy, [outer, 1, size, inner]), productOfOthers(all, 1));
  return reshape(sum(where(taken, each, zerosLike(each)), 2), x.shape);
}

/** Sums of the elements up to each one along an axis. */
export const cumsum = scan("Cumsum", "cumsum", (dy, _, { axis, exclusive, reverse }) =>
  tfCumsum(dy, axis, exclusive, !reverse),
);

/** Products of the elements up to each one along an axis. */
export const cumprod = scan("Cumprod", "cumprod", cumprodGradient);
