import { check, showShape } from "../errors.ts";

/** The axis counted from the front. @throws RangeError when a tensor of this shape has no such axis. */
export function axisIn(op: string, axis: number, shape: readonly number[]): number {
  const rank = shape.length;
  check(
    Number.isInteger(axis) && axis >= -rank && axis < rank,
    () => `${op}: expected an axis from ${-rank} to ${rank - 1} for x ${showShape(shape)}, got ${axis}`,
  );
  return axis < 0 ? axis + rank : axis;
}

/** Elements before, at and after an axis, so that any tensor reads as three-dimensional. */
export function aroundAxis(
  shape: readonly number[],
  axis: number,
): { outer: number; size: number; inner: number } {
  const product = (part: readonly number[]): number => part.reduce((a, b) => a * b, 1);
  return { outer: product(shape.slice(0, axis)), size: shape[axis], inner: product(shape.slice(axis + 1)) };
}
