import type { Scalar } from "@tensorflow/tfjs-core";
import { call, defineOp, type Live } from "../backend/op.ts";
import { check } from "../errors.ts";

/** A scalar that a captured step asks for anew at each replay. */
export const liveScalarOp = defineOp<never, { value: number }>({
  name: "GanvilLiveScalar",
  inputs: [],
  live: true,
  infer: (_, { value }) => {
    check(Number.isFinite(value), () => `liveScalar: expected a finite number, got ${value}`);
    return { shape: [] };
  },
  wasm: ({ kernels }, _, [y], { value }) => kernels.fill(y.ptr, 1, value),
  webgpu: (context, _, [y], { value }) =>
    context.run({
      name: "liveScalar",
      write: { y },
      elements: 1,
      floats: { value },
      body: () => "y[i] = u.value;",
    }),
});

/**
 * A number that changes from step to step, as a constant of the step's tape.
 * @param value finite; asked for at each replay of a captured step.
 * @returns float32 []
 * @throws RangeError for a value that is not finite.
 */
export function liveScalar(value: Live<number>): Scalar {
  return call(liveScalarOp, {}, { value: value as number }) as Scalar;
}
