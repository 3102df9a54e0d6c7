// Ops over tensors of one shape that are no row of a table: sums of many, constants shaped like another.
import { fill } from "@tensorflow/tfjs-core";
import { defineOp } from "../backend/op.ts";
import { check, checkType, showShape } from "../errors.ts";
import { broadcastKernel, sameShape } from "./broadcast.ts";
import { onEither } from "./either-device.ts";
import { copyBytes, fillOperand } from "./operand.ts";

/** Addends of one shader call: with the sum as many storage buffers as every device binds. */
const mostAddends = 7;

/** x₀ + x₁ + ... from left to right, all of one shape and dtype. */
export const addN = defineOp<string>({
  name: "AddN",
  inputs: "list",
  infer: (inputs) => {
    const [first, ...others] = Object.values(inputs);
    for (const { shape, dtype } of others) {
      checkType(dtype === first.dtype, () => `addN: expected one dtype, got ${first.dtype} and ${dtype}`);
      check(
        sameShape(shape, first.shape),
        () => `addN: expected one shape, got ${showShape(first.shape)} and ${showShape(shape)}`,
      );
    }
    checkType(
      first.dtype === "float32" || first.dtype === "int32",
      () => `addN: expected float32 or int32, got ${first.dtype}`,
    );
    return first;
  },
  wasm: (call, inputs, [y]) => {
    const [first, ...others] = Object.values(inputs);
    if (others.length === 0) copyBytes(call, first.ptr, y.ptr, y.size * 4);
    let sum = first;
    for (const x of others) {
      broadcastKernel(call, y.dtype === "int32" ? "addI32" : "add", sum, x, y);
      sum = y;
    }
  },
  webgpu: (call, inputs, [y]) => {
    const list = Object.values(inputs);
    for (let first = 0; first < list.length; first += mostAddends) {
      const addends = list.slice(first, first + mostAddends).map((x, k) => [`x${k}`, x] as const);
      const sum = addends.map(([name]) => `${name}[i]`).join(" + ");
      const type = y.dtype === "int32" ? "vec4i" : "vec4f";
      call.run({
        name: `addN ${addends.length}${first > 0 ? " more" : ""}`,
        read: Object.fromEntries(addends),
        write: { y },
        types: Object.fromEntries([...addends.map(([name]) => [name, type]), ["y", type]]),
        elements: Math.ceil(y.size / 4),
        body: () => `y[i] = ${first > 0 ? "y[i] + " : ""}${sum};`,
      });
    }
  },
  gradient: (dy, inputs) => Object.fromEntries(Object.keys(inputs).map((name) => [name, () => dy.clone()])),
});

const constantLike = (name: string, value: number) =>
  defineOp<"x">({
    name,
    inputs: ["x"],
    infer: ({ x }) => x,
    zero: () => value === 0,
    ...onEither<"x">((context, _, [y]) => fillOperand(context, y, value)),
    gradient: (_, { x }) => ({ x: () => fill(x.shape, 0) }),
  });

/** 0 in x's shape and dtype. */
export const zerosLike = constantLike("ZerosLike", 0);

/** 1 in x's shape and dtype. */
export const onesLike = constantLike("OnesLike", 1);
