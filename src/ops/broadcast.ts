import { reshape, sum, type Tensor, util } from "@tensorflow/tfjs-core";
import { itemsPerPiece } from "../backend/executor.ts";
import type { Call, Operand } from "../backend/op.ts";
import { check, showShape } from "../errors.ts";
import type { Kernels } from "../wasm/generated/kernels.ts";
import { widthOf } from "./strided-copy.ts";

/** Whether two shapes are equal, size by size. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/**
 * Shape that the operands of an elementwise op broadcast to, NumPy's way: aligned at the last axis, an axis
 * of size 1 is repeated.
 * @throws RangeError naming every operand's shape when they do not fit.
 */
export function broadcastShapes(
  op: string,
  operands: { readonly [name: string]: { readonly shape: readonly number[] } },
): number[] {
  const shapes = Object.values(operands).map(({ shape }) => shape);
  const rank = Math.max(...shapes.map(({ length }) => length));
  return Array.from({ length: rank }, (_, axis) => {
    let size = 1;
    for (const shape of shapes) {
      const own = shape[axis - rank + shape.length] ?? 1;
      if (own === 1) continue;
      check(
        size === 1 || size === own,
        () =>
          `${op}: expected shapes that broadcast, got ${Object.entries(operands)
            .map(([name, { shape: s }]) => `${name} ${showShape(s)}`)
            .join(", ")}. Make the sizes of each axis, counted from the last, equal or 1.`,
      );
      size = own;
    }
    return size;
  });
}

/** How a kernel walks through broadcast operands: `rows` runs of `n` elements, see assembly/lib/walk.ts. */
export interface Walk {
  readonly n: number;
  readonly rows: number;
  /** 1 where the operand is contiguous within a run, 0 where one element is repeated. */
  readonly aStep: number;
  readonly bStep: number;
  /** Axes outside a run. */
  readonly rank: number;
  /** For each of these from the innermost out: size, step of a, step of b in bytes, 0. */
  readonly axes: readonly number[];
}

/** Elements from one index to the next along each axis of `shape`, for an operand repeated along some. */
export function stridesIn(shape: readonly number[], operand: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(0);
  let stride = 1;
  for (let axis = operand.length - 1; axis >= 0; axis--) {
    const size = operand[axis];
    strides[axis + shape.length - operand.length] = size === 1 ? 0 : stride;
    stride *= size;
  }
  return strides;
}

/** Merges the axes of a broadcast into as few as they can be; `bytes` is an operand's element size. */
export function planWalk(
  shape: readonly number[],
  a: readonly number[],
  b: readonly number[],
  bytes: number,
): Walk {
  if (sameShape(a, shape) && sameShape(b, shape)) {
    return { n: util.sizeFromShape([...shape]), rows: 1, aStep: 1, bStep: 1, rank: 0, axes: [] };
  }
  const aStrides = stridesIn(shape, a);
  const bStrides = stridesIn(shape, b);
  const merged: { size: number; a: number; b: number }[] = [];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis];
    if (size === 1) continue;
    const [aStride, bStride] = [aStrides[axis], bStrides[axis]];
    const inner = merged.at(-1);
    if (inner && aStride === inner.a * inner.size && bStride === inner.b * inner.size) inner.size *= size;
    else merged.push({ size, a: aStride, b: bStride });
  }
  const [run = { size: 1, a: 1, b: 1 }, ...outer] = merged;
  return {
    n: run.size,
    rows: outer.reduce((rows, { size }) => rows * size, 1),
    aStep: run.a,
    bStep: run.b,
    rank: outer.length,
    axes: outer.flatMap((axis) => [axis.size, axis.a * bytes, axis.b * bytes, 0]),
  };
}

/** A walk cut into pieces: of its run where it is one, else of whole steps along its outermost axis. */
export interface WalkPieces {
  /** What a piece has at most so many of: elements of the run, or rows. */
  readonly along: "n" | "rows";
  readonly unit: number;
  /** Bytes from piece to piece in a, b and y. */
  readonly steps: readonly [a: number, b: number, y: number];
  /** The first of the pieces' plans, which a kernel writes to, so each has its own; bytes between them. */
  readonly plan: number;
  readonly planBytes: number;
}

/** Cuts a walk, for a kernel whose plan begins with `lead` words of scratch. Element sizes in bytes. */
export function cutWalk(
  call: Call,
  { n, rows, aStep, bStep, rank, axes }: Walk,
  lead: number,
  width: number,
  yWidth: number,
): WalkPieces {
  const [size, aBytes, bBytes] = rank > 0 ? axes.slice(-4) : [n, aStep * width, bStep * width];
  const inner = rank > 0 ? rows / size : 1;
  const elements = rank > 0 ? inner * n : 1;
  const items = itemsPerPiece(size, elements);
  const words = Math.ceil((lead + axes.length) / 16) * 16;
  const plan = new Int32Array(words * Math.ceil(size / items));
  for (let at = lead; at < plan.length; at += words) plan.set(axes, at);
  return {
    along: rank > 0 ? "rows" : "n",
    unit: items * inner,
    steps: [items * aBytes, items * bBytes, items * elements * yWidth],
    plan: call.ints(plan),
    planBytes: 4 * words,
  };
}

/**
 * y = f(a, b), element by element with broadcasting, for a kernel of the elementwise family with these scalar
 * parameters; y may be a.
 */
export function broadcastKernel(
  call: Call,
  kernel: keyof Kernels,
  a: Operand,
  b: Operand,
  y: Operand,
  ...scalars: number[]
): void {
  if (y.size === 0) return;
  const width = widthOf(a.dtype);
  const walk = planWalk(y.shape, a.shape, b.shape, width);
  const { n, aStep, bStep, rows, rank } = walk;
  // Eight words of scratch, two of addresses, then the axes.
  const { along, unit, steps, plan, planBytes } = cutWalk(call, walk, 10, width, widthOf(y.dtype));
  call.sweep(
    kernel,
    [a.ptr, b.ptr, y.ptr, n, aStep, bStep, rows, rank, plan, ...scalars],
    along === "n" ? 3 : 6,
    unit,
    [...steps, 0, 0, 0, 0, 0, planBytes],
  );
}

/**
 * Sums `x` over the axes along which `shape` was broadcast to x's shape: the adjoint of broadcasting. Gives x
 * itself where there are none.
 */
export function sumTo(x: Tensor, shape: readonly number[]): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const lead = x.rank - shape.length;
  const axes = x.shape.flatMap((size, axis) =>
    axis < lead || (shape[axis - lead] === 1 && size !== 1) ? [axis] : [],
  );
  return reshape(axes.length > 0 ? sum(x, axes) : x, shape as number[]);
}
