import type { Tensor } from "@tensorflow/tfjs-core";
import { call, defineOp } from "../backend/op.ts";
import { check, showShape } from "../errors.ts";
import { broadcastShapes, planWalk, sameShape, sumTo } from "./broadcast.ts";

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
  wasm: ({ kernels, ints }, { x }, [y]) => {
    if (y.size === 0) return;
    const width = x.dtype === "bool" ? 1 : 4;
    const { n, rows, aStep, rank, axes } = planWalk(y.shape, x.shape, x.shape, width);
    kernels.broadcast(x.ptr, y.ptr, n, width, aStep, rows, rank, ints([0, 0, ...axes]));
  },
  gradient: (dy, { x }) => ({ x: () => sumTo(dy.clone(), x.shape) }),
});

/** Calls `broadcastToOp`; `tf.broadcastTo` goes by way of Tile instead. */
export function broadcastTo(x: Tensor, shape: readonly number[]): Tensor {
  return call(broadcastToOp, { x }, { shape: [...shape] });
}
