import { type BenchShape, benchShapes } from "../tests/ops/conv2d.cases.ts";
import type { ConvCall } from "./calls.ts";

export type { BenchShape };

/** Convolutions at a batch of 16: the DCGAN's, and those of residual GANs. */
export const convShapes: readonly BenchShape[] = [
  ...benchShapes,
  { name: "grouped 3x3, 16 a group, 128 @16", x: [16, 16, 16, 128], filter: [3, 3, 128], groups: 8 },
];

/** Small enough for libraries whose convolutions are slow. */
export const smallConvShapes: readonly BenchShape[] = [
  { name: "4x4 s2 8-16 @8 batch 2", x: [2, 8, 8, 8], filter: [4, 4, 16], stride: [2, 2] },
];

export function convCall({
  x,
  filter: [high, wide, outputs],
  stride = [1, 1],
  groups = 1,
  pad = "same",
}: BenchShape): ConvCall {
  if (pad !== "same" && pad !== "valid")
    throw new Error(`convCall: expected pad "same" or "valid", got ${pad}`);
  const [rows, columns] = pad === "valid" ? [x[1] - high + 1, x[2] - wide + 1] : [x[1], x[2]];
  const y = [x[0], Math.ceil(rows / stride[0]), Math.ceil(columns / stride[1]), outputs];
  return { x, filter: [high, wide, x[3] / groups, outputs], y, stride, pad, groups };
}

/** Floating-point operations of the direct algorithm, the same for each direction. */
export const convFlops = ({ y, filter: [high, wide, inputs] }: ConvCall): number =>
  2 * y.reduce((a, b) => a * b) * high * wide * inputs;

/** Each channel by itself, as TensorFlow.js's depthwise convolutions have it. */
export const isDepthwise = ({ groups, filter }: ConvCall): boolean => groups > 1 && filter[2] === 1;
