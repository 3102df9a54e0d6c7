import type { Tensor } from "@tensorflow/tfjs-core";
import { call, defineOp } from "../backend/op.ts";
import { check, showShape } from "../errors.ts";
import { broadcastShapes, cutWalk, planWalk, sameShape, stridesIn, sumTo } from "./broadcast.ts";
import { copyStrided, stridesOf, widthOf } from "./strided-copy.ts";

/** x repeated along its axes of size 1, and along new leading axes, to `shape`. */
export const broadcastToOp = defineOp<"x", { shape: number[] }>({
  name: "BroadcastTo",
  inputs: ["x"],
  infer: ({ x }, { shape }) => {
    const target = broadcastShapes("broadcastTo", { x, target: { shape } });
    check(
      sameShape(target, shape),
      () =>
        `broadcastTo: expected a shape that x ${showShape(x.shape)} broadcasts to, got ${showShape(shape)}`,
    );
    return { shape, dtype: x.dtype };
  },
  wasm: (context, { x }, [y]) => {
    if (y.size === 0) return;
    const width = widthOf(x.dtype);
    const walk = planWalk(y.shape, x.shape, x.shape, width);
    const { n, aStep, rows, rank } = walk;
    const { along, unit, steps, plan, planBytes } = cutWalk(context, walk, 2, width, width);
    context.sweep(
      "broadcast",
      [x.ptr, y.ptr, n, width, aStep, rows, rank, plan],
      along === "n" ? 2 : 5,
      unit,
      [steps[0], steps[2], 0, 0, 0, 0, 0, planBytes],
    );
  },
  webgpu: (context, { x }, [y]) =>
    copyStrided(
      context,
      y.shape,
      { operand: y, strides: stridesOf(y.shape) },
      { operand: x, strides: stridesIn(y.shape, x.shape) },
    ),
  gradient: (dy, { x }) => ({ x: () => sumTo(dy.clone(), x.shape) }),
});

/** Calls `broadcastToOp`; `tf.broadcastTo` goes by way of Tile instead. */
export function broadcastTo(x: Tensor, shape: readonly number[]): Tensor {
  return call(broadcastToOp, { x }, { shape: [...shape] });
}
