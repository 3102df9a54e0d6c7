import { transpose as tfTranspose } from "@tensorflow/tfjs-core";
import { defineOp } from "../backend/op.ts";
import { check, showShape } from "../errors.ts";
import { onEither } from "./either-device.ts";
import { checkMovable, copyStrided, stridesOf } from "./strided-copy.ts";

/** y[i_perm[0], i_perm[1], ...] = x[i_0, i_1, ...]: axis a of the result is axis perm[a] of `x`. */
export const transpose = defineOp<"x", { perm: number[] }>({
  name: "Transpose",
  inputs: ["x"],
  infer: ({ x }, { perm }) => {
    checkMovable("transpose", x.dtype);
    check(
      perm.length === x.shape.length && x.shape.every((_, axis) => perm.includes(axis)),
      () =>
        `transpose: expected perm to name each axis of x ${showShape(x.shape)} once, got ${showShape(perm)}`,
    );
    return { shape: perm.map((axis) => x.shape[axis]), dtype: x.dtype };
  },
  ...onEither<"x", { perm: number[] }>((call, { x }, [y], { perm }) => {
    const strides = stridesOf(x.shape);
    copyStrided(
      call,
      y.shape,
      { operand: y, strides: stridesOf(y.shape) },
      { operand: x, strides: perm.map((axis) => strides[axis]) },
    );
  }),
  gradient: (dy, _, { perm }) => ({
    x: () =>
      tfTranspose(
        dy,
        perm.map((_, axis) => perm.indexOf(axis)),
      ),
  }),
});
