import {
  add,
  engine,
  grads,
  leakyRelu,
  matMul,
  mul,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  tanh,
  tensor,
  variable,
} from "@tensorflow/tfjs-core";
import type { InputSpec } from "../tests/ops/case.ts";
import { cases as poolCases } from "../tests/ops/pool.cases.ts";
import { cases as resizeCases } from "../tests/ops/resize.cases.ts";
import { cases as transposeCases } from "../tests/ops/transpose.cases.ts";
import { cases as upfirdn2dCases } from "../tests/ops/upfirdn2d.cases.ts";
import type { Case, Prepared } from "./cases.ts";
import type { Contestant, ContestantName } from "./rivals/contestant.ts";
import { type BenchShape, convCall, convShapes, smallConvShapes } from "./shapes.ts";

/** Values in a range, [-1, 1] unless said, the same in every process. */
function input({ shape, dtype = "float32", range: [low, high] = [-1, 1], values }: InputSpec, seed: number) {
  const length = shape.reduce((a, b) => a * b, 1);
  const data = new Float32Array(length);
  let state = seed + 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[i] = low + ((high - low) * state) / 2 ** 32;
  }
  return tensor(values === undefined ? data : Float32Array.from(values), [...shape], dtype);
}

interface Simple {
  readonly name: string;
  readonly section: string;
  readonly work?: Case["work"];
  /** Also against TensorFlow.js's cpu backend, which is too slow for large sizes. */
  readonly small?: boolean;
  readonly inputs: readonly InputSpec[];
  /** Undefined where the contestant has no such function. */
  readonly run: (contestant: Contestant) => ((...inputs: Tensor[]) => Tensor | Tensor[]) | undefined;
}

function simple({ name, section, work, small, inputs: specs, run }: Simple): Case {
  const rivals: ContestantName[] = small ? ["tfjs-wasm", "tfjs-cpu"] : ["tfjs-wasm"];
  return {
    ...{ name, section, work, rivals },
    prepare: (contestant): Prepared | undefined => {
      const call = run(contestant);
      if (call === undefined) return undefined;
      const inputs = specs.map(input);
      return { inputs, run: () => [call(...inputs)].flat() };
    },
  };
}

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
      inputs: [{ shape: [n, n] }, { shape: [n, n] }],
      run: () => (x, y) => matMul(x as Tensor2D, y as Tensor2D, a, b),
    }),
  ),
);

/** A kernel by its name in TensorFlow.js: no public function calls a gradient's alone. */
const kernel = (name: string, inputs: object, attrs: object): Tensor =>
  engine().runKernel(name, inputs as never, attrs as never) as Tensor;

function convCases(shape: BenchShape, small = false): Case[] {
  const { x, filter, y, attrs, flops, kernels, grouped } = convCall(shape);
  const one = (which: string, shapes: number[][], run: (a: Tensor, b: Tensor) => Tensor): Case =>
    simple({
      name: `conv2d ${shape.name} ${which}`,
      section: "Convolution",
      work: { flops },
      small,
      inputs: shapes.map((shape) => ({ shape })),
      run: (contestant) => (grouped && !contestant.groups ? undefined : run),
    });
  return [
    one("forward", [x, filter], (x, filter) => kernel(kernels.forward, { x, filter }, attrs)),
    one("input-gradient", [y, filter], (dy, filter) =>
      kernel(kernels.input, { dy, filter }, { ...attrs, inputShape: x }),
    ),
    one("filter-gradient", [x, y], (x, dy) =>
      kernel(kernels.filter, { x, dy }, { ...attrs, filterShape: filter }),
    ),
  ];
}

const picture: InputSpec = { shape: [16, 32, 32, 64] };
const channels: InputSpec = { shape: [64] };

/** A function with its gradient by all inputs but the last, the incoming gradient. */
const backward = (f: (...inputs: Tensor[]) => Tensor) => {
  const gradients = grads(f);
  return (...inputs: Tensor[]): Tensor[] => gradients(inputs.slice(0, -1), inputs.at(-1));
};

const memoryBound: readonly Omit<Simple, "section">[] = [
  {
    name: "batch norm, training, forward",
    inputs: [picture, channels, channels],
    run: (contestant) => (x, scale, offset) => contestant.batchNorm(x as Tensor4D, scale, offset),
  },
  {
    name: "batch norm, training, forward and backward",
    inputs: [picture, channels, channels, picture],
    run: (contestant) => backward((x, scale, offset) => contestant.batchNorm(x as Tensor4D, scale, offset)),
  },
  { name: "leakyRelu", inputs: [picture], run: () => (x) => leakyRelu(x, 0.2) },
  {
    name: "leakyRelu, forward and backward",
    inputs: [picture, picture],
    run: () => backward((x) => leakyRelu(x, 0.2)),
  },
  { name: "tanh", inputs: [picture], run: () => (x) => tanh(x) },
  {
    name: "tanh, forward and backward",
    inputs: [picture, picture],
    run: () => backward((x) => tanh(x)),
  },
  { name: "add", inputs: [picture, picture], run: () => (a, b) => add(a, b) },
  { name: "mul by a row of channels", inputs: [picture, channels], run: () => (a, b) => mul(a, b) },
  { name: "sum over all axes but the channels", inputs: [picture], run: () => (x) => sum(x, [0, 1, 2]) },
  { name: "sum over the channels", inputs: [picture], run: () => (x) => sum(x, 3) },
  // The ops' own cases at a size worth timing.
  ...[...poolCases, ...resizeCases, ...transposeCases, ...upfirdn2dCases]
    .filter(({ bench }) => bench)
    .map(({ name, inputs, run }) => ({ name, inputs, run: () => run })),
];

const weights: InputSpec = { shape: [4, 4, 128, 256] };

const adam: Case = {
  name: "Adam step of 524,288 weights",
  section: "Memory-bound",
  // Weight and both moments are read and written, the gradient read.
  work: { bytes: 7 * 4 * 524_288 },
  rivals: ["tfjs-wasm"],
  prepare: (contestant): Prepared => {
    const gradient = input(weights, 1);
    const start = input(weights, 2);
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
