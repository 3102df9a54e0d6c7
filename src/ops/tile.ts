import { reshape, sum } from "@tensorflow/tfjs-core";
import { defineOp } from "../backend/op.ts";
import { check, showShape } from "../errors.ts";
import { onEither } from "./either-device.ts";
import { checkMovable, copyStrided, stridesOf } from "./strided-copy.ts";

/** `x` repeated `reps[a]` times along each axis a. */
export const tile = defineOp<"x", { reps: number[] }>({
  name: "Tile",
  inputs: ["x"],
  infer: ({ x }, { reps }) => {
    checkMovable("tile", x.dtype);
    check(
      reps.length === x.shape.length && reps.every((n) => Number.isInteger(n) && n >= 0),
      () =>
        `tile: expected ${x.shape.length} non-negative integers for x ${showShape(x.shape)}, got ${showShape(reps)}`,
    );
    return { shape: x.shape.map((n, axis) => n * reps[axis]), dtype: x.dtype };
  },
  ...onEither<"x", { reps: number[] }>((call, { x }, [y], { reps }) => {
    const from = stridesOf(x.shape);
    const shape = x.shape.flatMap((n, axis) => [reps[axis], n]);
    copyStrided(
      call,
      shape,
      { operand: y, strides: stridesOf(shape) },
      { operand: x, strides: from.flatMap((stride) => [0, stride]) },
    );
  }),
  gradient: (dy, { x }, { reps }) => ({
    x: () => {
      const split: number[] = [];
      const repeated: number[] = [];
      for (const [axis, n] of x.shape.entries()) {
        if (reps[axis] !== 1) {
          repeated.push(split.length);
          split.push(reps[axis]);
        }
        split.push(n);
      }
      return repeated.length === 0 ? dy.clone() : sum(reshape(dy, split), repeated);
    },
  }),
});
