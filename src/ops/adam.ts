import type { TensorInfo } from "@tensorflow/tfjs-core";
import { defineOp } from "../backend/op.ts";
import { check, checkType, showShape } from "../errors.ts";

/** What one Adam step needs beside its tensors. */
export interface AdamAttrs {
  learningRate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  /** Number of this step, from 1 on. */
  step: number;
}

function checkAlike(name: string, operands: Record<string, Pick<TensorInfo, "shape" | "dtype">>): void {
  const [first, ...others] = Object.entries(operands);
  for (const [which, { shape, dtype }] of [first, ...others]) {
    checkType(dtype === "float32", () => `${name}: expected ${which} of dtype float32, got ${dtype}`);
    check(
      shape.join() === first[1].shape.join(),
      () =>
        `${name}: expected ${which} of shape ${showShape(first[1].shape)} like ${first[0]}, got ${showShape(shape)}`,
    );
  }
}

/** Writes to its first three inputs and gives no result. */
export const adamOp = defineOp<"param" | "m" | "v" | "gradient", AdamAttrs>({
  name: "GanvilAdam",
  inputs: ["param", "m", "v", "gradient"],
  live: true,
  infer: (inputs, { step }) => {
    checkAlike("adam", inputs);
    check(Number.isInteger(step) && step > 0, () => `adam: expected step to count from 1, got ${step}`);
    return [];
  },
  wasm: ({ kernels }, { param, m, v, gradient }, _, { learningRate, beta1, beta2, epsilon, step }) =>
    kernels.adam(
      param.ptr,
      m.ptr,
      v.ptr,
      gradient.ptr,
      param.size,
      learningRate / (1 - beta1 ** step),
      1 / Math.sqrt(1 - beta2 ** step),
      beta1,
      beta2,
      1 - beta1,
      1 - beta2,
      epsilon,
    ),
});

/** Writes to its first input and gives no result. */
export const emaOp = defineOp<"average" | "value", { decay: number }>({
  name: "GanvilEma",
  inputs: ["average", "value"],
  live: true,
  infer: (inputs, { decay }) => {
    checkAlike("ema", inputs);
    check(decay >= 0 && decay <= 1, () => `ema: expected decay in [0, 1], got ${decay}`);
    return [];
  },
  wasm: ({ kernels }, { average, value }, _, { decay }) =>
    kernels.ema(average.ptr, value.ptr, average.size, decay, 1 - decay),
});

/** Writes to its first input and gives no result. */
export const assignOp = defineOp<"target" | "value">({
  name: "GanvilAssign",
  inputs: ["target", "value"],
  infer: (inputs) => {
    checkAlike("assign", inputs);
    return [];
  },
  wasm: ({ kernels }, { target, value }) => kernels.copy(value.ptr, target.ptr, 4 * target.size),
});
