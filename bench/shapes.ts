import { type BenchShape, benchShapes } from "../tests/ops/conv2d.cases.ts";

export type { BenchShape };

/** Convolutions at a batch of 16: the DCGAN's, and those of residual GANs. */
export const convShapes: readonly BenchShape[] = benchShapes;

/** Small enough for TensorFlow.js's cpu backend. */
export const smallConvShapes: readonly BenchShape[] = [
  { name: "4x4 s2 8-16 @8 batch 2", x: [2, 8, 8, 8], filter: [4, 4, 16], stride: [2, 2] },
];

/** What TensorFlow.js's kernels are told, for each direction of a convolution. */
export interface ConvCall {
  readonly x: number[];
  readonly filter: number[];
  readonly y: number[];
  readonly attrs: { readonly strides: number[]; readonly groups: number };
  /** Of the direct algorithm, the same for each direction. */
  readonly flops: number;
  /** Names of the kernels. */
  readonly kernels: { readonly forward: string; readonly input: string; readonly filter: string };
  /** TensorFlow.js has no convolution in groups of more than one channel. */
  readonly grouped: boolean;
}

export function convCall({
  x,
  filter: [high, wide, outputs],
  stride = [1, 1],
  groups = 1,
  pad = "same",
}: BenchShape): ConvCall {
  const inputs = x[3] / groups;
  const [rows, columns] = pad === "valid" ? [x[1] - high + 1, x[2] - wide + 1] : [x[1], x[2]];
  const y = [x[0], Math.ceil(rows / stride[0]), Math.ceil(columns / stride[1]), outputs];
  const depthwise = groups > 1 && inputs === 1;
  const [family, backprop] = depthwise
    ? ["DepthwiseConv2dNative", "DepthwiseConv2dNativeBackprop"]
    : ["Conv2D", "Conv2DBackprop"];
  return {
    x: [...x],
    filter: depthwise ? [high, wide, groups, outputs / groups] : [high, wide, inputs, outputs],
    y,
    attrs: {
      strides: [...stride],
      ...{ pad, dataFormat: "NHWC", dilations: [1, 1], groups: depthwise ? 1 : groups },
    },
    flops: 2 * y.reduce((a, b) => a * b) * high * wide * inputs,
    kernels: { forward: family, input: `${backprop}Input`, filter: `${backprop}Filter` },
    grouped: groups > 1 && !depthwise,
  };
}
