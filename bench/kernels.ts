import {
  add,
  avgPool,
  conv2d,
  conv2dTranspose,
  depthwiseConv2d,
  engine,
  grads,
  image,
  leakyRelu,
  matMul,
  maxPool,
  mul,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  tanh,
  tensor,
  variable,
} from "@tensorflow/tfjs-core";
import type { Case, Prepared } from "./cases.ts";
import type { Contestant, ContestantName } from "./rivals/contestant.ts";
import { type ConvShape, convFlops, convName, convShapes, groupChannels, smallConvShapes } from "./shapes.ts";

/** Values in [-1, 1], the same in every process. */
function values(shape: readonly number[], seed: number): Tensor {
  const length = shape.reduce((a, b) => a * b, 1);
  const data = new Float32Array(length);
  let state = seed + 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[i] = state / 2 ** 31 - 1;
  }
  return tensor(data, [...shape]);
}

interface Simple {
  readonly name: string;
  readonly section: string;
  readonly work: Case["work"];
  /** Also against TensorFlow.js's cpu backend, which is too slow for large sizes. */
  readonly small?: boolean;
  readonly shapes: readonly (readonly number[])[];
  /** Undefined where the contestant has no such function. */
  readonly run: (contestant: Contestant) => ((...inputs: Tensor[]) => Tensor | Tensor[]) | undefined;
}

function simple({ name, section, work, small, shapes, run }: Simple): Case {
  const rivals: ContestantName[] = small ? ["tfjs-wasm", "tfjs-cpu"] : ["tfjs-wasm"];
  return {
    ...{ name, section, work, rivals },
    prepare: (contestant): Prepared | undefined => {
      const call = run(contestant);
      if (call === undefined) return undefined;
      const inputs = shapes.map(values);
      return { inputs, run: () => [call(...inputs)].flat() };
    },
  };
}

const bytesOf = (...shapes: readonly (readonly number[])[]): number =>
  shapes.reduce((total, shape) => total + 4 * shape.reduce((a, b) => a * b, 1), 0);

const matMulCases = [512, 64].flatMap((n) =>
  [
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ].map(([a, b]) =>
    simple({
      name: `matMul ${n}³ ${a ? "Aᵀ" : "A"}${b ? "Bᵀ" : "B"}`,
      section: "Matrix product",
      work: { flops: 2 * n ** 3 },
      small: n < 100,
      shapes: [
        [n, n],
        [n, n],
      ],
      run: () => (x, y) => matMul(x as Tensor2D, y as Tensor2D, a, b),
    }),
  ),
);

/** A kernel by its name in TensorFlow.js, where no public function calls it alone. */
const kernel =
  (name: string, inputs: readonly string[], attrs: object) =>
  (...tensors: Tensor[]): Tensor =>
    engine().runKernel(
      name,
      Object.fromEntries(inputs.map((input, i) => [input, tensors[i]])),
      attrs as never,
    ) as Tensor;

function convCases(shape: ConvShape, small = false): Case[] {
  const { batch, size, inputs, outputs, kernel: k, stride, kind } = shape;
  const x = [batch, size, size, inputs];
  const y = [batch, size / stride, size / stride, outputs];
  const one = (which: string, shapes: Simple["shapes"], run: Simple["run"]): Case =>
    simple({
      name: `conv2d ${convName(shape)} ${which}`,
      section: "Convolution",
      work: { flops: convFlops(shape) },
      ...{ small, shapes, run },
    });
  if (kind === "grouped") {
    const filter = [k, k, groupChannels, outputs];
    const forward: Simple["run"] = ({ groupedConv2d }) =>
      groupedConv2d && ((a, b) => groupedConv2d(a as Tensor4D, b as Tensor4D));
    return [one("forward", [x, filter], forward)];
  }
  const attrs = { strides: [stride, stride], pad: "same", dataFormat: "NHWC", dilations: [1, 1] };
  if (kind === "depthwise") {
    const filter = [k, k, inputs, 1];
    const name = "DepthwiseConv2dNativeBackprop";
    return [
      one(
        "forward",
        [x, filter],
        () => (a, b) => depthwiseConv2d(a as Tensor4D, b as Tensor4D, stride, "same"),
      ),
      one("input-gradient", [y, filter], () =>
        kernel(`${name}Input`, ["dy", "filter"], { ...attrs, inputShape: x }),
      ),
      one("filter-gradient", [x, y], () =>
        kernel(`${name}Filter`, ["x", "dy"], { ...attrs, filterShape: filter }),
      ),
    ];
  }
  const filter = [k, k, inputs, outputs];
  return [
    one("forward", [x, filter], () => (a, b) => conv2d(a as Tensor4D, b as Tensor4D, stride, "same")),
    one(
      "input-gradient",
      [y, filter],
      () => (a, b) =>
        conv2dTranspose(a as Tensor4D, b as Tensor4D, x as [number, number, number, number], stride, "same"),
    ),
    one("filter-gradient", [x, y], () =>
      kernel("Conv2DBackpropFilter", ["x", "dy"], { ...attrs, filterShape: filter }),
    ),
  ];
}

const picture = [16, 32, 32, 64];
const channels = [64];
const halved = [16, 16, 16, 64];

const memoryBound: Omit<Simple, "section">[] = [
  {
    name: "batch norm, training, forward",
    work: { bytes: bytesOf(picture, picture) },
    shapes: [picture, channels, channels],
    run: (contestant) => (x, scale, offset) => contestant.batchNorm(x as Tensor4D, scale, offset),
  },
  {
    name: "batch norm, training, forward and backward",
    work: { bytes: bytesOf(picture, picture, picture, picture, picture) },
    shapes: [picture, channels, channels, picture],
    run: (contestant) => {
      const backward = grads((x, scale, offset) => contestant.batchNorm(x as Tensor4D, scale, offset));
      return (x, scale, offset, dy) => backward([x, scale, offset], dy);
    },
  },
  {
    name: "leakyRelu",
    work: { bytes: bytesOf(picture, picture) },
    shapes: [picture],
    run: () => (x) => leakyRelu(x, 0.2),
  },
  {
    name: "leakyRelu, forward and backward",
    work: { bytes: bytesOf(picture, picture, picture, picture, picture) },
    shapes: [picture, picture],
    run: () => {
      const backward = grads((x) => leakyRelu(x, 0.2));
      return (x, dy) => backward([x], dy);
    },
  },
  {
    name: "tanh",
    work: { bytes: bytesOf(picture, picture) },
    shapes: [picture],
    run: () => (x) => tanh(x),
  },
  {
    name: "tanh, forward and backward",
    work: { bytes: bytesOf(picture, picture, picture, picture, picture) },
    shapes: [picture, picture],
    run: () => {
      const backward = grads((x) => tanh(x));
      return (x, dy) => backward([x], dy);
    },
  },
  {
    name: "add",
    work: { bytes: bytesOf(picture, picture, picture) },
    shapes: [picture, picture],
    run: () => (a, b) => add(a, b),
  },
  {
    name: "mul by a row of channels",
    work: { bytes: bytesOf(picture, channels, picture) },
    shapes: [picture, channels],
    run: () => (a, b) => mul(a, b),
  },
  {
    name: "sum over all axes but the channels",
    work: { bytes: bytesOf(picture, channels) },
    shapes: [picture],
    run: () => (x) => sum(x, [0, 1, 2]),
  },
  {
    name: "sum over the channels",
    work: { bytes: bytesOf(picture) },
    shapes: [picture],
    run: () => (x) => sum(x, 3),
  },
  {
    name: "resizeBilinear ×2",
    work: { bytes: bytesOf(halved, picture) },
    shapes: [halved],
    run: () => (x) => image.resizeBilinear(x as Tensor4D, [32, 32], false, true),
  },
  {
    name: "resizeNearestNeighbor ×2",
    work: { bytes: bytesOf(halved, picture) },
    shapes: [halved],
    run: () => (x) => image.resizeNearestNeighbor(x as Tensor4D, [32, 32]),
  },
  {
    name: "avgPool 2×2",
    work: { bytes: bytesOf(picture, halved) },
    shapes: [picture],
    run: () => (x) => avgPool(x as Tensor4D, 2, 2, "same"),
  },
  {
    name: "maxPool 2×2",
    work: { bytes: bytesOf(picture, halved) },
    shapes: [picture],
    run: () => (x) => maxPool(x as Tensor4D, 2, 2, "same"),
  },
];

const weights = [4, 4, 128, 256];

const adam: Case = {
  name: "Adam step of 524,288 weights",
  section: "Memory-bound",
  // Weight and both moments are read and written, the gradient read.
  work: { bytes: 7 * bytesOf(weights) },
  rivals: ["tfjs-wasm"],
  prepare: (contestant): Prepared => {
    const gradient = values(weights, 1);
    const start = values(weights, 2);
    const parameter = variable(start);
    const optimizer = contestant.adam(parameter);
    return {
      inputs: [gradient, start, parameter],
      run: () => {
        optimizer.step(gradient);
        return [parameter.clone()];
      },
      dispose: () => optimizer.dispose(),
    };
  },
};

/** Kernel by kernel, at the sizes of a 32×32 GAN with a batch of 16. */
export const kernelCases: readonly Case[] = [
  ...matMulCases,
  ...convShapes.flatMap((shape) => convCases(shape)),
  ...smallConvShapes.flatMap((shape) => convCases(shape, true)),
  ...memoryBound.map((one) => simple({ section: "Memory-bound", ...one })),
  adam,
];
