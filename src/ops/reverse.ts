import { type Tensor4D, image as tfImage, reverse as tfReverse } from "@tensorflow/tfjs-core";
import { defineOp } from "../backend/op.ts";
import { check, showShape } from "../errors.ts";
import { axisIn } from "./axis.ts";
import { type EitherCall, type EitherOperand, onEither } from "./either-device.ts";
import { checkMovable, copyStrided, stridesOf } from "./strided-copy.ts";

function copyReversed(
  call: EitherCall,
  x: EitherOperand,
  y: EitherOperand,
  turned: ReadonlySet<number>,
): void {
  const strides = stridesOf(x.shape);
  let offset = 0;
  for (const axis of turned) offset += (x.shape[axis] - 1) * strides[axis];
  copyStrided(
    call,
    x.shape,
    { operand: y, strides },
    { operand: x, strides: strides.map((stride, axis) => (turned.has(axis) ? -stride : stride)), offset },
  );
}

/** `x` with the order along some axes turned round; without `dims`, along all. */
export const reverse = defineOp<"x", { dims?: number | number[] }>({
  name: "Reverse",
  inputs: ["x"],
  infer: ({ x }) => {
    checkMovable("reverse", x.dtype);
    return x;
  },
  ...onEither<"x", { dims?: number | number[] }>((call, { x }, [y], { dims }) => {
    const axes = dims === undefined ? x.shape.map((_, axis) => axis) : [dims].flat();
    copyReversed(call, x, y, new Set(axes.map((axis) => axisIn("reverse", axis, x.shape))));
  }),
  gradient: (dy, _, { dims }) => ({ x: () => tfReverse(dy, dims) }),
});

/** Pictures [N, H, W, C], mirrored left to right. */
export const flipLeftRight = defineOp<"image">({
  name: "FlipLeftRight",
  inputs: ["image"],
  infer: ({ image }) => {
    checkMovable("flipLeftRight", image.dtype);
    check(
      image.shape.length === 4,
      () =>
        `flipLeftRight: expected pictures [batch, height, width, channels], got ${showShape(image.shape)}`,
    );
    return image;
  },
  ...onEither<"image">((call, { image }, [y]) => copyReversed(call, image, y, new Set([2]))),
  gradient: (dy) => ({ image: () => tfImage.flipLeftRight(dy as Tensor4D) }),
});
