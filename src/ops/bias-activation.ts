import type { Call, Operand } from "../backend/op.ts";
import { check, checkType, showShape } from "../errors.ts";
import { broadcastKernel } from "./broadcast.ts";
import { mapElements } from "./operand.ts";

/** What TensorFlow.js's fused kernels add to a product. */
export interface FusedAttrs {
  readonly activation?: string;
  readonly leakyreluAlpha?: number | null;
}

type Shaped = { readonly shape: readonly number[] };
type Apply = (call: Call, y: Operand, alpha: number, slopes: Operand | undefined) => void;

/** y = activation(y), in place. */
const activations: Readonly<Record<string, Apply>> = {
  linear: () => {},
  relu: (call, y) => mapElements(call, "relu", y, y),
  relu6: (call, y) => mapElements(call, "clip", y, y, 0, 6),
  leakyrelu: (call, y, alpha) => mapElements(call, "leakyRelu", y, y, alpha),
  prelu: (call, y, _, slopes) => broadcastKernel(call, "prelu", y, slopes!, y),
  elu: (call, y) => mapElements(call, "elu", y, y, 1, 1),
  sigmoid: (call, y) => mapElements(call, "sigmoid", y, y),
};

/** True if a tensor repeats over `shape` by the rules of broadcasting. */
function broadcastsTo(part: readonly number[], shape: readonly number[]): boolean {
  const lead = shape.length - part.length;
  return lead >= 0 && part.every((n, axis) => n === 1 || n === shape[lead + axis]);
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
    Object.hasOwn(activations, activation),
    () =>
      `${op}: expected activation ${Object.keys(activations).join(", ")}, got ${activation}. Apply it separately.`,
  );
  checkType(
    activation !== "prelu" || slopes !== undefined,
    () => `${op}: activation prelu needs preluActivationWeights`,
  );
  for (const [name, part] of Object.entries({ bias, preluActivationWeights: slopes })) {
    check(
      part == null || broadcastsTo(part.shape, shape),
      () =>
        `${op}: expected ${name} that broadcasts to ${showShape(shape)}, got ${showShape(part!.shape)}. Add it separately (tf.add).`,
    );
  }
}

/** y = activation(y + bias), in place. */
export function applyFused(
  call: Call,
  y: Operand,
  { activation = "linear", leakyreluAlpha }: FusedAttrs,
  bias: Operand | undefined,
  slopes: Operand | undefined,
): void {
  if (bias !== undefined) broadcastKernel(call, "add", y, bias, y);
  activations[activation](call, y, leakyreluAlpha ?? 0.2, slopes);
}
