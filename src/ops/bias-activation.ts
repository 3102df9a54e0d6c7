import type { Call, GpuCall, Operand } from "../backend/op.ts";
import { check, checkType, showShape } from "../errors.ts";
import type { Kernels } from "../wasm/generated/kernels.ts";
import type { GpuOperand } from "../webgpu/shader.ts";
import { broadcastKernel } from "./broadcast.ts";
import { elementwise } from "./elementwise.wgsl.ts";
import { mapElements } from "./operand.ts";

/** What TensorFlow.js's fused kernels add to a product. */
export interface FusedAttrs {
  readonly activation?: string;
  readonly leakyreluAlpha?: number | null;
}

type Shaped = { readonly shape: readonly number[] };

/** The kernel and parameters of an activation; leakyrelu's is an attribute, prelu's another operand. */
const activations: Readonly<Record<string, readonly [kernel?: keyof Kernels, ...parameters: number[]]>> = {
  linear: [],
  relu: ["relu"],
  relu6: ["clip", 0, 6],
  leakyrelu: ["leakyRelu"],
  prelu: ["prelu"],
  elu: ["elu", 1, 1],
  sigmoid: ["sigmoid"],
};

function activationOf({ activation = "linear", leakyreluAlpha }: FusedAttrs) {
  const [kernel, ...parameters] = activations[activation];
  return { kernel, parameters: activation === "leakyrelu" ? [leakyreluAlpha ?? 0.2] : parameters };
}

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
  attrs: FusedAttrs,
  bias: Operand | undefined,
  slopes: Operand | undefined,
): void {
  if (bias !== undefined) broadcastKernel(call, "add", y, bias, y);
  const { kernel, parameters } = activationOf(attrs);
  if (kernel === "prelu") broadcastKernel(call, kernel, y, slopes!, y);
  else if (kernel !== undefined) mapElements(call, kernel, y, y, ...parameters);
}

/** The same on the GPU, but for prelu in one pass. */
export function applyFusedOnGpu(
  call: GpuCall,
  y: GpuOperand,
  attrs: FusedAttrs,
  bias: GpuOperand | undefined,
  slopes: GpuOperand | undefined,
): void {
  const { kernel, parameters } = activationOf(attrs);
  const fused = kernel !== undefined && kernel !== "prelu" ? [kernel] : [];
  if (bias !== undefined) elementwise(call, ["add", ...fused], [y, bias], y, { parameters });
  else if (fused.length > 0) elementwise(call, fused, [y], y, { parameters });
  if (kernel === "prelu") elementwise(call, [kernel], [y, slopes!], y);
}
