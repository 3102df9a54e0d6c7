// Reductions over any axes. A reduction is a chain of passes, each over the middle axis of [outer, n, inner],
// the innermost reduced axes first, so that no transpose is needed.
import {
  cast,
  div,
  equal,
  fill,
  max,
  min,
  mul,
  reshape,
  type Tensor,
  transpose,
  util,
} from "@tensorflow/tfjs-core";
import { itemsPerPiece } from "../backend/executor.ts";
import { type AnyOp, type Call, defineOp } from "../backend/op.ts";
import { checkType } from "../errors.ts";
import type { Kernels } from "../wasm/generated/kernels.ts";
import { broadcastTo } from "./broadcast-to.ts";
import { asFloat32, fillOperand, functionName, sweepItems } from "./operand.ts";
import { argExtremeOnGpu, type Combination, type Pass, reduceOnGpu } from "./reduce.wgsl.ts";
import { productOfOthers } from "./scan.ts";
import { widthOf } from "./strided-copy.ts";

/** The passes that reduce `axes` of `shape`; one that changes nothing where there are no axes. */
function planReduction(shape: readonly number[], axes: readonly number[]): Pass[] {
  const groups: { size: number; reduced: boolean }[] = [];
  for (const [axis, size] of shape.entries()) {
    if (size === 1) continue;
    const reduced = axes.includes(axis);
    const last = groups.at(-1);
    if (last?.reduced === reduced) last.size *= size;
    else groups.push({ size, reduced });
  }
  const product = (list: typeof groups) => list.reduce((total, { size }) => total * size, 1);
  const passes: Pass[] = [];
  for (let i = groups.length - 1; i >= 0; i--) {
    if (!groups[i].reduced) continue;
    passes.push({
      outer: product(groups.slice(0, i)),
      n: groups[i].size,
      inner: product(groups.slice(i + 1)),
    });
    groups.splice(i, 1);
  }
  return passes.length > 0 ? passes : [{ outer: 1, n: 1, inner: product(groups) }];
}

/** x's shape without the axes, or with 1 in their place. */
function reducedShape(shape: readonly number[], axes: readonly number[], keepDims: boolean): number[] {
  return shape.flatMap((size, axis) => (axes.includes(axis) ? (keepDims ? [1] : []) : [size]));
}

interface Attrs {
  axis?: number | number[] | null;
  /** Max's name for `axis`. */
  reductionIndices?: number | number[] | null;
  keepDims?: boolean;
}

const axesOf = (attrs: Attrs, shape: readonly number[]): number[] =>
  util.parseAxisParam((attrs.axis ?? attrs.reductionIndices) as number[], shape as number[]);

/** dy with the reduced axes back, of size 1. */
const keepAxes = (dy: Tensor, x: Tensor, axes: readonly number[]): Tensor =>
  reshape(dy, reducedShape(x.shape, axes, true));

interface ReduceRow {
  readonly name: string;
  /** dtypes of x that the op takes, and the result's for each. */
  readonly dtypes: { readonly float32?: string; readonly int32?: string; readonly bool?: string };
  /** Value of an empty reduction. */
  readonly empty: number;
  /** The kernel for the result's dtype. */
  readonly kernel: {
    readonly float32?: keyof Kernels;
    readonly int32?: keyof Kernels;
    readonly bool?: keyof Kernels;
  };
  /** The shader's. */
  readonly combination: Combination;
  /** The result is divided by the number of elements. */
  readonly mean?: boolean;
  readonly gradient?: (dy: Tensor, x: Tensor, axes: number[]) => Tensor;
}

/**
 * One pass, y [outer, inner] from x [outer, n, inner]. A long one over a single block has two steps: its pieces,
 * then what they gave; how it is cut depends on its shape alone.
 * @param scale factor of the result, where the kernel sums float32
 */
function runPass(
  call: Call,
  kernel: keyof Kernels,
  x: number,
  y: number,
  { outer, n, inner }: Pass,
  width: number,
  scale: number,
): void {
  const row = inner * width;
  const unit = itemsPerPiece(n, inner);
  const pieces = Math.ceil(n / unit);
  if (outer > 1 || pieces < 2) {
    const blocks = itemsPerPiece(outer, n * inner);
    const totals = kernel === "sum" && inner > 1 ? 8 * inner : 0;
    const scratch = totals > 0 ? call.workspace(totals * Math.ceil(outer / blocks)) : 0;
    const args = [x, y, outer, n, inner, ...(kernel === "sum" ? [scale, scratch] : [])];
    const steps = [blocks * n * row, blocks * row, 0, 0, 0, 0, totals];
    call.sweep(kernel, args, 2, blocks, steps.slice(0, args.length));
  } else if (kernel === "sum") {
    const totals = call.workspace(8 * pieces * inner);
    call.sweep("sumPartial", [x, totals, n, inner], 2, unit, [unit * row, 8 * inner]);
    call.kernels.sumTotals(totals, y, pieces, inner, scale);
  } else {
    const parts = call.workspace(pieces * row);
    call.sweep(kernel, [x, parts, outer, n, inner], 3, unit, [unit * row, row]);
    runPass(call, kernel, parts, y, { outer, n: pieces, inner }, width, scale);
  }
}

const floatAndInt = { float32: "float32", int32: "int32" };

/** Gradient of an extremum: dy to every element that equals it, as TensorFlow.js has it. */
const toExtremum =
  (extremum: typeof max) =>
  (dy: Tensor, x: Tensor, axes: number[]): Tensor =>
    mul(keepAxes(dy, x, axes), cast(equal(x, extremum(x, axes, true)), "float32"));

const rows: readonly ReduceRow[] = [
  {
    name: "Sum",
    dtypes: floatAndInt,
    empty: 0,
    kernel: { float32: "sum", int32: "sumI32" },
    combination: "sum",
    gradient: (dy, x, axes) => broadcastTo(keepAxes(dy, x, axes), x.shape),
  },
  {
    name: "Mean",
    dtypes: { float32: "float32", int32: "float32", bool: "float32" },
    empty: Number.NaN,
    kernel: { float32: "sum" },
    combination: "sum",
    mean: true,
    gradient: (dy, x, axes) => {
      const count = axes.reduce((total, axis) => total * x.shape[axis], 1);
      return broadcastTo(keepAxes(div(dy, count), x, axes), x.shape);
    },
  },
  {
    name: "Max",
    dtypes: floatAndInt,
    empty: Number.NEGATIVE_INFINITY,
    kernel: { float32: "max", int32: "maxI32" },
    combination: "max",
    gradient: toExtremum(max),
  },
  {
    name: "Min",
    dtypes: floatAndInt,
    empty: Number.POSITIVE_INFINITY,
    kernel: { float32: "min", int32: "minI32" },
    combination: "min",
    gradient: toExtremum(min),
  },
  {
    name: "Prod",
    dtypes: floatAndInt,
    empty: 1,
    kernel: { float32: "prod", int32: "prodI32" },
    combination: "prod",
    gradient: (dy, x, axes) => {
      const kept = x.shape.flatMap((_, axis) => (axes.includes(axis) ? [] : [axis]));
      const order = [...kept, ...axes];
      const moved = transpose(x, order);
      const others = productOfOthers(reshape(moved, [dy.size, axes.reduce((n, a) => n * x.shape[a], 1)]), 1);
      const dx = reshape(mul(reshape(dy, [dy.size, 1]), others), moved.shape);
      return transpose(
        dx,
        order.map((_, axis) => order.indexOf(axis)),
      );
    },
  },
  { name: "All", dtypes: { bool: "bool" }, empty: 1, kernel: { bool: "all" }, combination: "all" },
  { name: "Any", dtypes: { bool: "bool" }, empty: 0, kernel: { bool: "any" }, combination: "any" },
];

function reduce(row: ReduceRow): AnyOp {
  const label = functionName(row.name);
  return defineOp<"x", Attrs>({
    name: row.name,
    inputs: ["x"],
    infer: ({ x }, attrs) => {
      const dtype = row.dtypes[x.dtype as keyof ReduceRow["dtypes"]];
      checkType(
        dtype !== undefined,
        () =>
          `${label}: expected dtype ${Object.keys(row.dtypes).join(" or ")}, got ${x.dtype}. Convert it with tf.cast.`,
      );
      return {
        shape: reducedShape(x.shape, axesOf(attrs, x.shape), attrs.keepDims ?? false),
        dtype: dtype as "float32" | "int32" | "bool",
      };
    },
    wasm: (context, { x }, [y], attrs) => {
      if (x.size === 0) {
        fillOperand(context, y, row.empty);
        return;
      }
      const passes = planReduction(x.shape, axesOf(attrs, x.shape));
      const kernel = row.kernel[y.dtype as keyof ReduceRow["kernel"]]!;
      let source = (y.dtype === "float32" ? asFloat32(context, x) : x).ptr;
      for (const [i, pass] of passes.entries()) {
        const last = i === passes.length - 1;
        const target = last ? y.ptr : context.workspace(pass.outer * pass.inner * 4);
        const scale = last && row.mean ? y.size / x.size : 1;
        runPass(context, kernel, source, target, pass, widthOf(y.dtype), scale);
        source = target;
      }
    },
    webgpu: (context, { x }, [y], attrs) => {
      if (x.size === 0) {
        fillOperand(context, y, row.empty);
        return;
      }
      const passes = planReduction(x.shape, axesOf(attrs, x.shape));
      let source = x;
      for (const [i, pass] of passes.entries()) {
        const last = i === passes.length - 1;
        const target = last ? y : context.workspace(pass.outer * pass.inner, y.dtype);
        reduceOnGpu(context, row.combination, source, target, pass, last && row.mean ? y.size / x.size : 1);
        source = target;
      }
    },
    gradient:
      row.gradient && ((dy, { x }, attrs) => ({ x: () => row.gradient!(dy, x, axesOf(attrs, x.shape)) })),
  });
}

/** The pass along one axis, the first of a list. */
function passOf(shape: readonly number[], axis: number | number[]): Pass {
  const [first] = util.parseAxisParam(axis, [...shape]);
  return {
    outer: util.sizeFromShape(shape.slice(0, first)),
    n: shape[first] ?? 1,
    inner: util.sizeFromShape(shape.slice(first + 1)),
  };
}

/** Position of the first extremum along one axis (the first of a list), int32. NaN is passed over. */
function argReduce(name: "ArgMax" | "ArgMin"): AnyOp {
  const label = functionName(name);
  return defineOp<"x", { axis: number | number[] }>({
    name,
    inputs: ["x"],
    infer: ({ x }, { axis }) => {
      const [first] = util.parseAxisParam(axis, [...x.shape]);
      checkType(
        x.dtype !== "string" && x.dtype !== "complex64" && x.shape[first] !== 0,
        () => `${label}: expected numbers along axis ${first}, got ${x.dtype} [${x.shape}]`,
      );
      return { shape: reducedShape(x.shape, [first], false), dtype: "int32" };
    },
    wasm: (context, { x }, [y], { axis }) => {
      const { outer, n, inner } = passOf(x.shape, axis);
      const int = x.dtype === "int32";
      const kernel = name === "ArgMax" ? (int ? "argMaxI32" : "argMax") : int ? "argMinI32" : "argMin";
      const args = [(int ? x : asFloat32(context, x)).ptr, y.ptr, outer, n, inner];
      sweepItems(context, kernel, args, 2, 4 * n * inner, [4 * n * inner, 4 * inner]);
    },
    webgpu: (context, { x }, [y], { axis }) => argExtremeOnGpu(context, name, x, y, passOf(x.shape, axis)),
    gradient: (_, { x }) => ({ x: () => fill(x.shape, 0) }),
  });
}

export const reduceOps: readonly AnyOp[] = [...rows.map(reduce), argReduce("ArgMax"), argReduce("ArgMin")];
