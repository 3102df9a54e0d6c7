import type { DataType } from "@tensorflow/tfjs-core";
import { defineOp } from "../backend/op.ts";
import { checkType } from "../errors.ts";
import { onEither } from "./either-device.ts";
import { fillOperand } from "./operand.ts";

/** A tensor of one value: float32 or int32. */
export const fill = defineOp<never, { shape: number[]; value: number; dtype?: DataType }>({
  name: "Fill",
  inputs: [],
  infer: (_, { shape, dtype = "float32" }) => {
    checkType(
      dtype === "float32" || dtype === "int32" || dtype === "bool",
      () => `fill: expected dtype float32, int32 or bool, got ${dtype}`,
    );
    return { shape, dtype };
  },
  zero: ({ value }) => Object.is(value, 0),
  ...onEither<never, { value: number }>((call, _, [y], { value }) => fillOperand(call, y, value)),
});
