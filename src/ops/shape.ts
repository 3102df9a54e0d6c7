import { reshape as tfReshape, util } from "@tensorflow/tfjs-core";
import { defineOp } from "../backend/op.ts";
import { check, showShape } from "../errors.ts";
import { axisIn } from "./axis.ts";

/** The same tensor once more; shares its values. */
export const identity = defineOp<"x">({
  name: "Identity",
  inputs: ["x"],
  infer: ({ x }) => x,
  wasm: "alias",
  gradient: (dy) => ({ x: () => dy.clone() }),
});

/** The same values under another shape of as many elements; one entry may be -1. */
export const reshape = defineOp<"x", { shape: number[] }>({
  name: "Reshape",
  inputs: ["x"],
  infer: ({ x }, { shape }) => {
    const size = util.sizeFromShape(x.shape);
    const wanted = util.inferFromImplicitShape(shape, size);
    check(
      util.sizeFromShape(wanted) === size,
      () =>
        `reshape: expected a shape of ${size} elements for x ${showShape(x.shape)}, got ${showShape(shape)}`,
    );
    return { shape: wanted, dtype: x.dtype };
  },
  wasm: "alias",
  gradient: (dy, { x }) => ({ x: () => tfReshape(dy, x.shape) }),
});

/** The same values with an axis of one element put in at `dim`, which may count from the end. */
export const expandDims = defineOp<"input", { dim: number }>({
  name: "ExpandDims",
  inputs: ["input"],
  infer: ({ input: { shape, dtype } }, { dim }) => {
    const at = axisIn("expandDims", dim, [...shape, 1]);
    return { shape: [...shape.slice(0, at), 1, ...shape.slice(at)], dtype };
  },
  wasm: "alias",
  gradient: (dy, { input }) => ({ input: () => tfReshape(dy, input.shape) }),
});
