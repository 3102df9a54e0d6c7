import { fill, type Tensor, where, zerosLike } from "@tensorflow/tfjs-core";
import { defineOp } from "../backend/op.ts";
import { check, checkType, showShape } from "../errors.ts";
import { sameShape } from "./broadcast.ts";
import { sweepItems } from "./operand.ts";
import { widthOf } from "./strided-copy.ts";

/** t where the condition holds, else e; all of one shape (`tf.where` broadcasts before). */
export const select = defineOp<"condition" | "t" | "e">({
  name: "Select",
  inputs: ["condition", "t", "e"],
  infer: ({ condition, t, e }) => {
    checkType(
      condition.dtype === "bool" && t.dtype === e.dtype && t.dtype !== "string",
      () =>
        `where: expected a bool condition and two branches of one dtype, got ${condition.dtype}, ${t.dtype}, ${e.dtype}`,
    );
    check(
      sameShape(condition.shape, t.shape) && sameShape(e.shape, t.shape),
      () =>
        `where: expected one shape, got condition ${showShape(condition.shape)}, branches ${showShape(t.shape)} and ${showShape(e.shape)}`,
    );
    return { shape: t.shape, dtype: t.dtype };
  },
  wasm: (call, { condition, t, e }, [y]) => {
    const width = widthOf(t.dtype);
    const args = [condition.ptr, t.ptr, e.ptr, y.ptr, y.size];
    sweepItems(call, width === 1 ? "selectU8" : "select", args, 4, 1, [1, width, width, width]);
  },
  webgpu: (call, { condition, t, e }, [y]) =>
    call.run({
      name: "select",
      read: { condition, t, e },
      write: { y },
      types: { condition: "vec4i", t: "vec4u", e: "vec4u", y: "vec4u" },
      elements: Math.ceil(y.size / 4),
      body: () => "y[i] = select(e[i], t[i], condition[i] != vec4i(0));",
    }),
  gradient: (dy, { condition }) => ({
    condition: () => fill(condition.shape, 0),
    t: () => where(condition as Tensor, dy, zerosLike(dy)),
    e: () => where(condition as Tensor, zerosLike(dy), dy),
  }),
});
