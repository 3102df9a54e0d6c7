import type { Call, Operand } from "../backend/op.ts";
import { check, checkType, showShape } from "../errors.ts";

/** What TensorFlow.js's fused kernels add to a product. */
export interface FusedAttrs {
  readonly activation?: string;
  readonly leakyreluAlpha?: number | null;
}

type Shaped = { readonly shape: readonly number[] };

/** In the order of the kernel's numbers. */
const activations = ["linear", "relu", "relu6", "leakyrelu", "prelu", "elu", "sigmoid"];

/** True if a tensor repeats over `shape` in memory order: a scalar, or its last axes. */
function repeatsOver(part: readonly number[], shape: readonly number[]): boolean {
  const significant = part.slice(part.findIndex((n) => n !== 1));
  return part.every((n) => n === 1) || significant.join() === shape.slice(-significant.length).join();
}

/**
 * Checks bias and activation of a fused op against the shape of its product.
 * @throws RangeError or TypeError in the name of `op`.
 */
export function checkFused(
  op: string,
  shape: readonly number[],
  { activation = "linear" }: FusedAttrs,
  bias: Shaped | undefined,
  slopes: Shaped | undefined,
): void {
  checkType(
    activations.includes(activation),
    () => `${op}: expected activation ${activations.join(", ")}, got ${activation}. Apply it separately.`,
  );
  checkType(
    activation !== "prelu" || slopes !== undefined,
    () => `${op}: activation prelu needs preluActivationWeights`,
  );
  for (const [name, part] of Object.entries({ bias, preluActivationWeights: slopes })) {
    check(
      part == null || repeatsOver(part.shape, shape),
      () =>
        `${op}: expected ${name} of the last axes of ${showShape(shape)}, got ${showShape(part!.shape)}. Add it separately (tf.add).`,
    );
  }
}

/** y = activation(y + bias), in place. */
export function applyFused(
  { kernels }: Call,
  y: Operand,
  { activation = "linear", leakyreluAlpha }: FusedAttrs,
  bias: Operand | undefined,
  slopes: Operand | undefined,
): void {
  if (y.size === 0 || (activation === "linear" && bias === undefined)) return;
  kernels.biasActivation(
    y.ptr,
    y.size,
    bias?.ptr ?? 0,
    bias?.size ?? 0,
    activations.indexOf(activation),
    leakyreluAlpha ?? 0.2,
    slopes?.ptr ?? 0,
    slopes?.size ?? 0,
  );
}
