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

/** Number of elements of a shape or of part of one. */
export function elementsIn(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** Elements before, at and after an axis, so that any tensor reads as three-dimensional. */
export function aroundAxis(
  shape: readonly number[],
  axis: number,
): { outer: number; size: number; inner: number } {
  return {
    outer: elementsIn(shape.slice(0, axis)),
    size: shape[axis],
    inner: elementsIn(shape.slice(axis + 1)),
  };
}
