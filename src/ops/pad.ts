import { addN, reverse, type Tensor, pad as tfPad, slice as tfSlice } from "@tensorflow/tfjs-core";
import { defineOp } from "../backend/op.ts";
import { check, showShape } from "../errors.ts";
import { type EitherCall, type EitherOperand, onEither } from "./either-device.ts";
import { fillOperand } from "./operand.ts";
import { checkMovable, copyStrided, stridesOf } from "./strided-copy.ts";

type Paddings = readonly (readonly [number, number])[];

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, v, i) => sum + v * b[i], 0);

function paddedShape(op: string, shape: readonly number[], paddings: Paddings): number[] {
  check(
    paddings.length === shape.length && paddings.flat().every((n) => Number.isInteger(n) && n >= 0),
    () =>
      `${op}: expected ${shape.length} pairs of non-negative integers for x ${showShape(shape)}, got ${JSON.stringify(paddings)}`,
  );
  return shape.map((n, axis) => n + paddings[axis][0] + paddings[axis][1]);
}

/** Copies x into y, past what is added before it. */
function place(call: EitherCall, x: EitherOperand, y: EitherOperand, paddings: Paddings): void {
  const strides = stridesOf(y.shape);
  const before = paddings.map(([n]) => n);
  const at = { operand: y, strides, offset: dot(before, strides) };
  copyStrided(call, x.shape, at, { operand: x, strides: stridesOf(x.shape) });
}

/** `x` with `paddings[a] = [before, after]` elements of `constantValue` added along each axis a. */
export const padV2 = defineOp<"x", { paddings: [number, number][]; constantValue: number }>({
  name: "PadV2",
  inputs: ["x"],
  infer: ({ x }, { paddings }) => {
    checkMovable("pad", x.dtype);
    return { shape: paddedShape("pad", x.shape, paddings), dtype: x.dtype };
  },
  ...onEither<"x", { paddings: Paddings; constantValue: number }>(
    (call, { x }, [y], { paddings, constantValue }) => {
      if (y.size > x.size) fillOperand(call, y, constantValue);
      place(call, x, y, paddings);
    },
  ),
  gradient: (dy, { x }, { paddings }) => ({
    x: () =>
      tfSlice(
        dy,
        paddings.map(([n]) => n),
        x.shape,
      ),
  }),
});

/** Part of `x` along one axis. */
function sliceAxis(x: Tensor, axis: number, begin: number, size: number): Tensor {
  return tfSlice(
    x,
    x.shape.map((_, a) => (a === axis ? begin : 0)),
    x.shape.map((n, a) => (a === axis ? size : n)),
  );
}

/** Adjoint of mirroring along one axis: the borders, turned round, are added where they came from. */
function foldAxis(
  dy: Tensor,
  axis: number,
  [before, after]: readonly [number, number],
  skip: number,
): Tensor {
  const size = dy.shape[axis] - before - after;
  const fold = (begin: number, count: number, to: number): Tensor =>
    tfPad(
      reverse(sliceAxis(dy, axis, begin, count), axis),
      dy.shape.map((_, a): [number, number] => (a === axis ? [to, size - to - count] : [0, 0])),
    );
  const parts = [sliceAxis(dy, axis, before, size)];
  if (before > 0) parts.push(fold(0, before, skip));
  if (after > 0) parts.push(fold(before + size, after, size - skip - after));
  return parts.length === 1 ? parts[0] : addN(parts);
}

/** Elements at the edge that mirroring leaves out: one where the edge itself is the mirror. */
const skipped = (mode: "reflect" | "symmetric"): number => (mode === "reflect" ? 1 : 0);

/** `x` continued beyond its edges by its mirror image, `reflect` without and `symmetric` with the edge itself. */
export const mirrorPad = defineOp<"x", { paddings: [number, number][]; mode: "reflect" | "symmetric" }>({
  name: "MirrorPad",
  inputs: ["x"],
  infer: ({ x }, { paddings, mode }) => {
    checkMovable("mirrorPad", x.dtype);
    const shape = paddedShape("mirrorPad", x.shape, paddings);
    const most = x.shape.map((n) => Math.max(0, n - skipped(mode)));
    check(
      paddings.every((pair, axis) => Math.max(...pair) <= most[axis]),
      () =>
        `mirrorPad: expected at most ${showShape(most)} elements of padding for x ${showShape(x.shape)} in mode "${mode}", got ${JSON.stringify(paddings)}`,
    );
    return { shape, dtype: x.dtype };
  },
  ...onEither<"x", { paddings: Paddings; mode: "reflect" | "symmetric" }>(
    (call, { x }, [y], { paddings, mode }) => {
      const strides = stridesOf(y.shape);
      const before = paddings.map(([n]) => n);
      place(call, x, y, paddings);
      const skip = skipped(mode);
      // Axis by axis from the last: what lies behind an axis is whole when its borders are mirrored.
      for (let axis = x.shape.length - 1; axis >= 0; axis--) {
        const step = strides[axis];
        const corner = dot(before.slice(0, axis), strides);
        const backwards = strides.map((stride, a) => (a === axis ? -stride : stride));
        const mirror = (count: number, to: number, from: number): void =>
          copyStrided(
            call,
            y.shape.map((n, a) => (a === axis ? count : a < axis ? x.shape[a] : n)),
            { operand: y, strides, offset: corner + to * step },
            { operand: y, strides: backwards, offset: corner + from * step },
          );
        const [low, high] = paddings[axis];
        const end = low + x.shape[axis];
        mirror(low, 0, 2 * low - 1 + skip);
        mirror(high, end, end - 1 - skip);
      }
    },
  ),
  gradient: (dy, _, { paddings, mode }) => ({
    x: () => paddings.reduce((g, pair, axis) => foldAxis(g, axis, pair, skipped(mode)), dy),
  }),
});
