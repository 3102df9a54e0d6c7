// First derivatives of activations times the incoming gradient, each one kernel. They are linear in dy and
// give their own derivative with respect to x, so that they differentiate any number of times.
import { mul, sigmoid, sub, type Tensor, tanh, zerosLike } from "@tensorflow/tfjs-core";
import { type AnyOp, call, defineOp, type Op } from "../backend/op.ts";
import { check, showShape } from "../errors.ts";
import type { Kernels } from "../wasm/generated/kernels.ts";
import { broadcastKernel, sameShape } from "./broadcast.ts";
import { elementwise } from "./elementwise.wgsl.ts";

type Slope<Attrs extends object> = Op<"x" | "dy", Attrs>;

interface SlopeRow<Attrs extends object> {
  readonly name: string;
  /** The kernel's name; its last arguments are `parameters`. */
  readonly kernel: keyof Kernels;
  readonly parameters?: (attrs: Attrs) => readonly number[];
  /** f''(x)·c; absent where f is piecewise linear and it is zero. */
  readonly bend?: (c: Tensor, x: Tensor, attrs: Attrs) => Tensor;
}

function slope<Attrs extends object = object>(row: SlopeRow<Attrs>): Slope<Attrs> {
  const op: Slope<Attrs> = defineOp<"x" | "dy", Attrs>({
    name: row.name,
    inputs: ["x", "dy"],
    infer: ({ x, dy }) => {
      check(
        sameShape(x.shape, dy.shape),
        () =>
          `${row.name}: expected x and dy of one shape, got ${showShape(x.shape)}, ${showShape(dy.shape)}`,
      );
      return { shape: x.shape };
    },
    wasm: (context, { x, dy }, [y], attrs) =>
      broadcastKernel(context, row.kernel, x, dy, y, ...(row.parameters?.(attrs) ?? [])),
    webgpu: (context, { x, dy }, [y], attrs) =>
      elementwise(context, [row.kernel], [x, dy], y, { parameters: row.parameters?.(attrs) }),
    gradient: (ddy, { x, dy }, attrs) => ({
      dy: () => call(op, { x, dy: ddy }, attrs),
      x: () => row.bend?.(mul(ddy, dy), x, attrs) ?? zerosLike(x),
    }),
  });
  return op;
}

/** dy·(1 - tanh² x). */
export const tanhGrad: Slope<object> = slope({
  name: "GanvilTanhGrad",
  kernel: "tanhGrad",
  bend: (c, x) => mul(mul(tanh(x), -2), call(tanhGrad, { x, dy: c }, {})),
});

/** dy·s·(1 - s) with s = sigmoid x. */
export const sigmoidGrad: Slope<object> = slope({
  name: "GanvilSigmoidGrad",
  kernel: "sigmoidGrad",
  bend: (c, x) => mul(sub(1, mul(sigmoid(x), 2)), call(sigmoidGrad, { x, dy: c }, {})),
});

/** dy·sigmoid x. */
export const softplusGrad = slope({
  name: "GanvilSoftplusGrad",
  kernel: "softplusGrad",
  bend: (c, x) => call(sigmoidGrad, { x, dy: c }, {}),
});

/** dy where x > 0, else 0. */
export const reluGrad = slope({ name: "GanvilReluGrad", kernel: "reluGrad" });

/** dy where x > 0, else alpha·dy. */
export const leakyReluGrad = slope<{ alpha: number }>({
  name: "GanvilLeakyReluGrad",
  kernel: "leakyReluGrad",
  parameters: ({ alpha }) => [alpha],
});

/** positive·dy where x > 0, else negative·eˣ·dy: ELU's and SELU's, and all their further derivatives. */
export const eluGrad: Slope<{ positive: number; negative: number }> = slope({
  name: "GanvilEluGrad",
  kernel: "eluGrad",
  parameters: ({ positive, negative }) => [positive, negative],
  bend: (c, x, { negative }) => call(eluGrad, { x, dy: c }, { positive: 0, negative }),
});

/** dy where low ≤ x ≤ high, else 0. */
export const clipGrad = slope<{ low: number; high: number }>({
  name: "GanvilClipGrad",
  kernel: "clipGrad",
  parameters: ({ low, high }) => [low, high],
});

export const activationGrads: readonly AnyOp[] = [
  tanhGrad,
  sigmoidGrad,
  softplusGrad,
  reluGrad,
  leakyReluGrad,
  eluGrad,
  clipGrad,
];
