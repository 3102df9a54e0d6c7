import { customGrad, type Tensor, zerosLike } from "@tensorflow/tfjs-core";
import { call, defineOp } from "../backend/op.ts";

/** x itself, with a gradient of zero. */
export const stopGradientOp = defineOp<"x">({
  name: "GanvilStopGradient",
  inputs: ["x"],
  infer: ({ x }) => x,
  wasm: "alias",
  gradient: (_, { x }) => ({ x: () => zerosLike(x) }),
});

/** The same values as a constant: no gradient flows through. */
export function stopGradient<T extends Tensor>(x: T): T {
  return call(stopGradientOp, { x }, {}) as T;
}

/** What `f` gives, as a constant: none of its kernels is taped, so that what lies between is freed at once. */
export function detached<T extends Tensor>(f: () => T): T {
  return customGrad(() => ({ value: f(), gradFunc: () => [] }))() as T;
}
