import { reverse as tfReverse } from "@tensorflow/tfjs-core";
import { defineOp } from "../backend/op.ts";
import { axisIn } from "./axis.ts";
import { checkMovable, copyStrided, stridesOf } from "./strided-copy.ts";

/** `x` with the order along some axes turned round; without `dims`, along all. */
export const reverse = defineOp<"x", { dims?: number | number[] }>({
  name: "Reverse",
  inputs: ["x"],
  infer: ({ x }) => {
    checkMovable("reverse", x.dtype);
    return x;
  },
  wasm: (call, { x }, [y], { dims }) => {
    const strides = stridesOf(x.shape);
    const wanted = dims === undefined ? x.shape.map((_, axis) => axis) : [dims].flat();
    const turned = new Set(wanted.map((axis) => axisIn("reverse", axis, x.shape)));
    let offset = 0;
    for (const axis of turned) offset += (x.shape[axis] - 1) * strides[axis];
    copyStrided(
      call,
      x.dtype,
      x.shape,
      { ptr: y.ptr, strides },
      { ptr: x.ptr, strides: strides.map((stride, axis) => (turned.has(axis) ? -stride : stride)), offset },
    );
  },
  gradient: (dy, _, { dims }) => ({ x: () => tfReverse(dy, dims) }),
});
