// A table of cases, and of the shapes that the benchmark times: long, and read by looking a case up.
import * as tf from "@tensorflow/tfjs-core";
import { call } from "../../src/backend/op.ts";
import { convolution } from "../../src/ops/conv2d.ts";
import type { KernelPad } from "../../src/ops/conv2d-geometry.ts";
import { depthwiseConvolution } from "../../src/ops/depthwise-conv2d.ts";
import { conv2d, conv2dFilter, conv2dInput, type ReferenceConv } from "../reference/conv2d.ts";
import { build, type Nd, nd } from "../reference/nd.ts";
import type { OpCase } from "./case.ts";

type Pair = readonly [number, number];

export interface Shape {
  readonly x: readonly [number, number, number, number];
  /** [filterHeight, filterWidth, outChannels] */
  readonly filter: readonly [number, number, number];
  readonly stride?: Pair;
  readonly dilation?: Pair;
  readonly groups?: number;
  readonly pad?: "same" | "valid" | number | readonly [Pair, Pair];
  /** Only the forward values: for sizes where differences of the reference would take too long. */
  readonly large?: boolean;
}

/** [before, after, output extent] along an axis, from the definition of TensorFlow's paddings. */
function paddingOf({ x, filter, stride = [1, 1], dilation = [1, 1], pad = "same" }: Shape, axis: 0 | 1) {
  const input = x[axis + 1];
  const covered = (filter[axis] - 1) * dilation[axis] + 1;
  if (pad === "same") {
    const output = Math.ceil(input / stride[axis]);
    const total = Math.max(0, (output - 1) * stride[axis] + covered - input);
    return { before: Math.floor(total / 2), output };
  }
  const [before, after] = pad === "valid" ? [0, 0] : typeof pad === "number" ? [pad, pad] : pad[axis];
  return { before, output: Math.floor((input + before + after - covered) / stride[axis]) + 1 };
}

function describe(shape: Shape): string {
  const { x, filter, stride = [1, 1], dilation = [1, 1], groups = 1, pad = "same" } = shape;
  return `${filter[0]}x${filter[1]} of [${x}] to ${filter[2]}, stride ${stride}, dilation ${dilation}, groups ${groups}, pad ${JSON.stringify(pad)}`;
}

/** Forward, input-gradient and filter-gradient of one convolution, each as an op of its own. */
export function directions(shape: Shape): OpCase[] {
  const { x, filter, stride = [1, 1], dilation = [1, 1], groups = 1, pad = "same" } = shape;
  const rows = paddingOf(shape, 0);
  const columns = paddingOf(shape, 1);
  const conv: ReferenceConv = { stride, dilation, groups, padBefore: [rows.before, columns.before] };
  const xShape = [...x];
  const filterShape = [filter[0], filter[1], x[3] / groups, filter[2]];
  const yShape = [x[0], rows.output, columns.output, filter[2]];
  const attrs = {
    strides: stride,
    dilations: dilation,
    groups,
    pad: (typeof pad === "object" ? [[0, 0], ...pad, [0, 0]] : pad) as KernelPad,
    dataFormat: "NHWC",
  };
  const reduction = filter[0] * filter[1] * filterShape[2];
  const gradient = shape.large ? { gradient: [] } : {};
  return [
    {
      name: `conv2d ${describe(shape)}`,
      inputs: [{ shape: xShape }, { shape: filterShape }],
      run: (x, filter) => call(convolution.forward, { x, filter }, attrs),
      reference: (x, filter) => conv2d(x, filter, yShape, conv),
      reduction,
      ...gradient,
    },
    {
      name: `conv2d input-gradient ${describe(shape)}`,
      inputs: [{ shape: yShape }, { shape: filterShape }],
      run: (dy, filter) => call(convolution.input, { dy, filter }, { ...attrs, inputShape: xShape }),
      reference: (dy, filter) => conv2dInput(dy, filter, xShape, conv),
      reduction: filter[0] * filter[1] * (filter[2] / groups),
      ...gradient,
    },
    {
      name: `conv2d filter-gradient ${describe(shape)}`,
      inputs: [{ shape: xShape }, { shape: yShape }],
      run: (x, dy) => call(convolution.filter, { x, dy }, { ...attrs, filterShape }),
      reference: (x, dy) => conv2dFilter(x, dy, filterShape, conv),
      reduction: yShape[0] * yShape[1] * yShape[2],
      ...gradient,
    },
  ];
}

const shapes: Shape[] = [
  { x: [1, 1, 1, 1], filter: [1, 1, 1] },
  { x: [2, 5, 7, 3], filter: [3, 3, 8] },
  { x: [2, 4, 4, 9], filter: [1, 1, 5] },
  { x: [1, 6, 5, 4], filter: [2, 3, 17], pad: "valid" },
  { x: [2, 7, 6, 3], filter: [4, 4, 8], stride: [2, 2] },
  { x: [1, 8, 8, 8], filter: [4, 4, 3], stride: [2, 2], pad: 1 },
  { x: [1, 9, 7, 2], filter: [3, 3, 4], stride: [3, 2], pad: "valid" },
  { x: [1, 7, 8, 2], filter: [2, 2, 3], stride: [3, 3] },
  { x: [2, 5, 4, 2], filter: [1, 1, 3], stride: [2, 2] },
  { x: [1, 5, 6, 5], filter: [3, 3, 2] },
  { x: [1, 8, 9, 3], filter: [3, 2, 9], dilation: [2, 3] },
  { x: [1, 11, 9, 2], filter: [3, 3, 3], dilation: [2, 2], stride: [3, 2], pad: 2 },
  {
    x: [1, 9, 9, 1],
    filter: [2, 3, 2],
    dilation: [2, 4],
    stride: [2, 2],
    pad: [
      [1, 0],
      [3, 2],
    ],
  },
  {
    x: [2, 5, 6, 3],
    filter: [3, 3, 4],
    pad: [
      [0, 2],
      [1, 0],
    ],
  },
  {
    x: [1, 4, 4, 3],
    filter: [2, 2, 4],
    pad: [
      [3, 2],
      [2, 3],
    ],
  },
  { x: [1, 2, 3, 4], filter: [5, 5, 6] },
  { x: [1, 2, 3, 4], filter: [5, 4, 6], stride: [2, 2], pad: 3 },
  { x: [2, 5, 5, 6], filter: [3, 3, 4], groups: 2 },
  { x: [1, 6, 7, 8], filter: [4, 4, 12], groups: 4, stride: [2, 2] },
  { x: [1, 5, 5, 6], filter: [1, 1, 9], groups: 3, pad: "valid" },
  {
    x: [1, 7, 6, 4],
    filter: [2, 3, 6],
    groups: 2,
    dilation: [2, 1],
    pad: [
      [1, 2],
      [0, 1],
    ],
  },
  { x: [2, 6, 5, 5], filter: [3, 3, 5], groups: 5 },
  { x: [1, 5, 5, 8], filter: [3, 3, 8], groups: 8, pad: "valid" },
  { x: [1, 6, 7, 8], filter: [3, 2, 8], groups: 8, stride: [2, 2] },
  { x: [2, 5, 6, 3], filter: [3, 3, 6], groups: 3 },
  { x: [1, 7, 7, 3], filter: [2, 3, 9], groups: 3, stride: [2, 3], pad: 1 },
  { x: [1, 7, 6, 4], filter: [3, 3, 4], groups: 4, dilation: [2, 2] },
  { x: [1, 4, 4, 3], filter: [1, 1, 6], groups: 3, pad: "valid" },
  { x: [2, 5, 3, 3], filter: [2, 2, 12], stride: [2, 1], pad: 1 },
  { x: [3, 4, 4, 6], filter: [4, 4, 1], pad: "valid" },
  { x: [2, 3, 3, 13], filter: [2, 2, 4], pad: "valid" },
  { x: [2, 3, 3, 8], filter: [1, 1, 3] },
  { x: [1, 2, 1, 16], filter: [1, 1, 1] },
  { x: [1, 1, 1, 8], filter: [1, 1, 2] },
  { x: [1, 3, 5, 2], filter: [1, 1, 16] },
  { x: [2, 1, 3, 3], filter: [1, 1, 8] },
  { x: [3, 2, 2, 4], filter: [2, 2, 2], pad: "valid" },
  { x: [5, 2, 1, 5], filter: [2, 1, 9], pad: "valid" },
  { x: [2, 5, 7, 12], filter: [3, 3, 12], groups: 12 },
  { x: [1, 3, 6, 4], filter: [2, 3, 8], groups: 4, pad: 1 },
  {
    x: [2, 6, 5, 16],
    filter: [3, 3, 4],
    groups: 2,
    pad: [
      [1, 0],
      [2, 1],
    ],
  },
  { x: [1, 6, 7, 12], filter: [2, 3, 2], dilation: [1, 2], pad: 2 },
  { x: [3, 17, 13, 16], filter: [3, 3, 24], large: true },
  { x: [2, 16, 16, 20], filter: [4, 4, 12], stride: [2, 2], large: true },
  { x: [1, 20, 40, 7], filter: [3, 3, 10], large: true },
  { x: [2, 18, 15, 32], filter: [3, 3, 32], groups: 2, large: true },
  { x: [2, 18, 33, 19], filter: [3, 3, 19], groups: 19, large: true },
  { x: [2, 17, 16, 3], filter: [4, 4, 16], stride: [2, 2], large: true },
  { x: [2, 17, 16, 24], filter: [3, 3, 3], large: true },
];

const depthwiseShape = (filter: Nd, shape: readonly number[]): Nd => nd(shape, filter.data);

/** TensorFlow's own public functions over the same kernels. */
const publicCases: OpCase[] = [
  {
    name: "tf.conv2d of a single picture, rounding up",
    inputs: [{ shape: [5, 6, 2] }, { shape: [3, 3, 2, 4] }],
    run: (x, f) => tf.conv2d(x as tf.Tensor3D, f as tf.Tensor4D, 2, 1, "NHWC", 1, "ceil"),
    reference: (x, f) => {
      const y = conv2d(nd([1, 5, 6, 2], x.data), f, [1, 3, 4, 4], {
        stride: [2, 2],
        dilation: [1, 1],
        padBefore: [1, 1],
        groups: 1,
      });
      return nd([3, 4, 4], y.data);
    },
    reduction: 18,
  },
  {
    name: "tf.conv2dTranspose with stride 2",
    inputs: [{ shape: [2, 3, 4, 5] }, { shape: [4, 4, 3, 5] }],
    run: (x, f) => tf.conv2dTranspose(x as tf.Tensor4D, f as tf.Tensor4D, [2, 6, 8, 3], 2, "same"),
    reference: (x, f) =>
      conv2dInput(x, f, [2, 6, 8, 3], { stride: [2, 2], dilation: [1, 1], padBefore: [1, 1], groups: 1 }),
    reduction: 80,
  },
  {
    name: "tf.depthwiseConv2d with multiplier 2",
    inputs: [{ shape: [2, 5, 6, 3] }, { shape: [3, 3, 3, 2] }],
    run: (x, f) => tf.depthwiseConv2d(x as tf.Tensor4D, f as tf.Tensor4D, 1, "same"),
    reference: (x, f) =>
      conv2d(x, depthwiseShape(f, [3, 3, 1, 6]), [2, 5, 6, 6], {
        stride: [1, 1],
        dilation: [1, 1],
        padBefore: [1, 1],
        groups: 3,
      }),
    reduction: 9,
  },
  {
    name: "depthwise input-gradient by itself",
    inputs: [{ shape: [1, 3, 3, 4] }, { shape: [3, 3, 2, 2] }],
    run: (dy, filter) =>
      call(
        depthwiseConvolution.input,
        { dy, filter },
        { strides: [2, 2], pad: "same", dilations: [1, 1], inputShape: [1, 5, 6, 2] },
      ),
    reference: (dy, f) =>
      conv2dInput(dy, depthwiseShape(f, [3, 3, 1, 4]), [1, 5, 6, 2], {
        stride: [2, 2],
        dilation: [1, 1],
        padBefore: [1, 0],
        groups: 2,
      }),
    reduction: 18,
  },
];

const activations: readonly [tf.fused.Activation, (v: number) => number][] = [
  ["linear", (v) => v],
  ["relu", (v) => Math.max(0, v)],
  ["relu6", (v) => Math.min(6, Math.max(0, v))],
  ["leakyrelu", (v) => (v < 0 ? 0.1 * v : v)],
  ["elu", (v) => (v < 0 ? Math.expm1(v) : v)],
  ["sigmoid", (v) => 1 / (1 + Math.exp(-v))],
  ["prelu", (v) => v],
];

const unit = { stride: [1, 1], dilation: [1, 1], padBefore: [1, 1], groups: 1 } as const;

const fusedCases: OpCase[] = activations.flatMap(([activation, f]) =>
  [3, 8].map((channels): OpCase => {
    const prelu = activation === "prelu";
    return {
      name: `tf.fused.conv2d with bias and ${activation}, ${channels} channels`,
      inputs: [
        { shape: [2, 3, 4, 2] },
        { shape: [3, 3, 2, channels] },
        { shape: [channels] },
        { shape: [channels] },
      ],
      run: (x, filter, bias, slopes) =>
        tf.fused.conv2d({
          x: x as tf.Tensor4D,
          filter: filter as tf.Tensor4D,
          strides: 1,
          pad: "same",
          bias,
          activation,
          leakyreluAlpha: 0.1,
          ...(prelu ? { preluActivationWeights: slopes } : {}),
        }),
      reference: (x, filter, bias, slopes) => {
        const y = conv2d(x, filter, [2, 3, 4, channels], unit);
        return build(y.shape, (index) => {
          const v =
            y.data[((index[0] * 3 + index[1]) * 4 + index[2]) * channels + index[3]] + bias.data[index[3]];
          return prelu && v < 0 ? v * slopes.data[index[3]] : f(v);
        });
      },
      reduction: 18,
      gradient: [],
    };
  }),
);

export const cases: OpCase[] = [...shapes.flatMap(directions), ...publicCases, ...fusedCases];

/** A layer that the benchmark times in all three directions. */
export interface BenchShape extends Shape {
  readonly name: string;
}

/** Layers of a DCGAN of width 64, and what other recipes use. */
export const benchShapes: readonly BenchShape[] = [
  { name: "4x4 s2 3-64 @32", x: [16, 32, 32, 3], filter: [4, 4, 64], stride: [2, 2] },
  { name: "4x4 s2 64-128 @16", x: [16, 16, 16, 64], filter: [4, 4, 128], stride: [2, 2] },
  { name: "4x4 s2 128-256 @8", x: [16, 8, 8, 128], filter: [4, 4, 256], stride: [2, 2] },
  { name: "3x3 s1 64 @32", x: [16, 32, 32, 64], filter: [3, 3, 64] },
  { name: "3x3 s1 128 @16", x: [16, 16, 16, 128], filter: [3, 3, 128] },
  { name: "3x3 s1 64-3 @32", x: [16, 32, 32, 64], filter: [3, 3, 3] },
  { name: "1x1 64-3 @32", x: [16, 32, 32, 64], filter: [1, 1, 3] },
  { name: "4x4 valid 256-1 @4", x: [16, 4, 4, 256], filter: [4, 4, 1], pad: "valid" },
  { name: "4x4 valid 256-64 @4", x: [16, 4, 4, 256], filter: [4, 4, 64], pad: "valid" },
  { name: "grouped 3x3, 16 a group, 64 @16", x: [16, 16, 16, 64], filter: [3, 3, 64], groups: 4 },
  { name: "1x1 64-128 @32", x: [16, 32, 32, 64], filter: [1, 1, 128] },
  { name: "depthwise 3x3 64 @32", x: [16, 32, 32, 64], filter: [3, 3, 64], groups: 64 },
];
