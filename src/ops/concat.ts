import { reshape, slice as tfSlice } from "@tensorflow/tfjs-core";
import { defineOp, type Operand } from "../backend/op.ts";
import { check, checkType, showShape } from "../errors.ts";
import { aroundAxis, axisIn } from "./axis.ts";
import { onEither } from "./either-device.ts";
import { checkMovable, copyStrided } from "./strided-copy.ts";

type Shaped = Pick<Operand, "shape" | "dtype">;

const showShapes = (list: readonly Shaped[]): string => list.map((x) => showShape(x.shape)).join(", ");

function checkAlike(op: string, list: readonly Shaped[], same: (x: Shaped) => boolean, what: string): void {
  check(list.length > 0, () => `${op}: expected at least one tensor, got none`);
  checkMovable(op, list[0].dtype);
  checkType(
    list.every((x) => x.dtype === list[0].dtype),
    () =>
      `${op}: expected tensors of one dtype, got ${list.map((x) => x.dtype).join(", ")}. Cast them (tf.cast).`,
  );
  check(list.every(same), () => `${op}: expected tensors of ${what}, got ${showShapes(list)}`);
}

/** Tensors joined along an axis; every other dimension agrees. */
export const concat = defineOp<string, { axis: number }>({
  name: "Concat",
  inputs: "list",
  infer: (inputs, { axis }) => {
    const list = Object.values(inputs);
    const [first] = list;
    const along = axisIn("concat", axis, first.shape);
    checkAlike(
      "concat",
      list,
      ({ shape }) =>
        shape.length === first.shape.length && shape.every((n, a) => a === along || n === first.shape[a]),
      `one shape but for axis ${along}`,
    );
    const size = list.reduce((sum, { shape }) => sum + shape[along], 0);
    return { shape: first.shape.map((n, a) => (a === along ? size : n)), dtype: first.dtype };
  },
  ...onEither<string, { axis: number }>((call, inputs, [y], { axis }) => {
    const along = axisIn("concat", axis, y.shape);
    const { outer, size, inner } = aroundAxis(y.shape, along);
    let offset = 0;
    for (const x of Object.values(inputs)) {
      const run = x.shape[along] * inner;
      copyStrided(
        call,
        [outer, run],
        { operand: y, strides: [size * inner, 1], offset },
        { operand: x, strides: [run, 1] },
      );
      offset += run;
    }
  }),
  gradient: (dy, inputs, { axis }) => {
    const along = axisIn("concat", axis, dy.shape);
    let next = 0;
    return Object.fromEntries(
      Object.entries(inputs).map(([name, { shape }]) => {
        const begin = shape.map((_, a) => (a === along ? next : 0));
        next += shape[along];
        return [name, () => tfSlice(dy, begin, shape)];
      }),
    );
  },
});

/** Tensors of one shape stacked along a new axis. */
export const pack = defineOp<string, { axis: number }>({
  name: "Pack",
  inputs: "list",
  infer: (inputs, { axis }) => {
    const list = Object.values(inputs);
    const [{ shape, dtype }] = list;
    checkAlike("stack", list, (x) => x.shape.join() === shape.join(), "one shape");
    const at = axisIn("stack", axis, [...shape, list.length]);
    return { shape: [...shape.slice(0, at), list.length, ...shape.slice(at)], dtype };
  },
  ...onEither<string, { axis: number }>((call, inputs, [y], { axis }) => {
    const { outer, size, inner } = aroundAxis(y.shape, axisIn("stack", axis, y.shape));
    for (const [i, x] of Object.values(inputs).entries()) {
      copyStrided(
        call,
        [outer, inner],
        { operand: y, strides: [size * inner, 1], offset: i * inner },
        { operand: x, strides: [inner, 1] },
      );
    }
  }),
  gradient: (dy, inputs, { axis }) => {
    const at = axisIn("stack", axis, dy.shape);
    const row = dy.shape.map((n, a) => (a === at ? 1 : n));
    return Object.fromEntries(
      Object.entries(inputs).map(([name, { shape }], i) => {
        const begin = dy.shape.map((_, a) => (a === at ? i : 0));
        return [name, () => reshape(tfSlice(dy, begin, row), shape)];
      }),
    );
  },
});
