import { stack, concat as tfConcat } from "@tensorflow/tfjs-core";
import { defineOp } from "../backend/op.ts";
import { check, showShape } from "../errors.ts";
import { aroundAxis, axisIn } from "./axis.ts";
import { type EitherCall, type EitherOperand, onEither } from "./either-device.ts";
import { checkMovable, copyStrided } from "./strided-copy.ts";

function splitSizes(shape: readonly number[], along: number, wanted: number | readonly number[]): number[] {
  const total = shape[along];
  const show = () => `x ${showShape(shape)}, axis ${along}, split ${JSON.stringify(wanted)}`;
  if (typeof wanted === "number") {
    check(
      Number.isInteger(wanted) && wanted > 0 && total % wanted === 0,
      () => `split: expected a number of parts that divides ${total} (${show()})`,
    );
    return new Array(wanted).fill(total / wanted);
  }
  const known = wanted.reduce((sum, n) => sum + Math.max(0, n), 0);
  const sizes = wanted.map((n) => (n === -1 ? total - known : n));
  check(
    wanted.filter((n) => n === -1).length <= 1 &&
      sizes.every((n) => n >= 0) &&
      sizes.reduce((sum, n) => sum + n, 0) === total,
    () => `split: expected sizes that add up to ${total}, at most one of them -1 (${show()})`,
  );
  return sizes;
}

/** Copies consecutive parts of `x` along an axis to the outputs. */
function copyParts(
  call: EitherCall,
  x: EitherOperand,
  along: number,
  outputs: readonly EitherOperand[],
): void {
  const { outer, size, inner } = aroundAxis(x.shape, along);
  let offset = 0;
  for (const y of outputs) {
    const run = outer === 0 ? 0 : y.size / outer;
    copyStrided(
      call,
      [outer, run],
      { operand: y, strides: [run, 1] },
      { operand: x, strides: [size * inner, 1], offset },
    );
    offset += run;
  }
}

/** `x` cut along an axis into so many equal parts, or parts of the given sizes (one may be -1: the rest). */
export const splitV = defineOp<"x", { numOrSizeSplits: number | number[]; axis: number }>({
  name: "SplitV",
  inputs: ["x"],
  infer: ({ x }, { numOrSizeSplits, axis }) => {
    checkMovable("split", x.dtype);
    const along = axisIn("split", axis, x.shape);
    return splitSizes(x.shape, along, numOrSizeSplits).map((size) => ({
      shape: x.shape.map((n, a) => (a === along ? size : n)),
      dtype: x.dtype,
    }));
  },
  ...onEither<"x", { axis: number }>((call, { x }, outputs, { axis }) =>
    copyParts(call, x, axisIn("split", axis, x.shape), outputs),
  ),
  gradient: (_, __, { axis }, dys) => ({ x: () => tfConcat([...dys], axis) }),
});

/** The slices of `value` along an axis, without that axis. */
export const unpack = defineOp<"value", { axis: number }>({
  name: "Unpack",
  inputs: ["value"],
  infer: ({ value }, { axis }) => {
    checkMovable("unstack", value.dtype);
    const along = axisIn("unstack", axis, value.shape);
    const shape = value.shape.filter((_, a) => a !== along);
    return Array.from({ length: value.shape[along] }, () => ({ shape, dtype: value.dtype }));
  },
  ...onEither<"value", { axis: number }>((call, { value }, outputs, { axis }) =>
    copyParts(call, value, axisIn("unstack", axis, value.shape), outputs),
  ),
  gradient: (_, __, { axis }, dys) => ({ value: () => stack([...dys], axis) }),
});
