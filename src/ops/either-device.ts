import type { Call, GpuCall, Operand } from "../backend/op.ts";
import type { GpuOperand } from "../webgpu/shader.ts";

/** A call on one device or the other; all its operands are of the same. */
export type EitherCall = Call | GpuCall;
export type EitherOperand = Operand | GpuOperand;

export const isGpuCall = (call: EitherCall): call is GpuCall => "run" in call;

type Compute<Names extends string, Attrs> = (
  call: EitherCall,
  inputs: { readonly [name in Names]: EitherOperand },
  outputs: readonly EitherOperand[],
  attrs: Attrs,
) => void;

/** One body for an op's `wasm` and `webgpu`. */
export function onEither<Names extends string, Attrs = object>(compute: Compute<Names, Attrs>) {
  return { wasm: compute, webgpu: compute };
}
