import { cases as poolCases } from "../tests/ops/pool.cases.ts";
import { cases as resizeCases } from "../tests/ops/resize.cases.ts";
import { cases as transposeCases } from "../tests/ops/transpose.cases.ts";
import { cases as upfirdn2dCases } from "../tests/ops/upfirdn2d.cases.ts";
import type { Call, Direction, FunctionName, InputSpec } from "./calls.ts";
import type { Case } from "./cases.ts";
import type { ContestantName } from "./rivals/contestant.ts";
import { type BenchShape, convCall, convFlops, convShapes, smallConvShapes } from "./shapes.ts";

const native = ["pytorch", "pytorch-avx2"] as const;
const tensorflow = ["tfjs-wasm"] as const;

const matMulCases = [512, 64].flatMap((n) =>
  [
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ].map(
    ([transposeA, transposeB]): Case => ({
      name: `matMul ${n}³ ${transposeA ? "Aᵀ" : "A"}${transposeB ? "Bᵀ" : "B"}`,
      section: "Matrix product",
      work: { flops: 2 * n ** 3 },
      call: { op: "matMul", transposeA, transposeB },
      inputs: [{ shape: [n, n] }, { shape: [n, n] }],
      rivals: [
        ...tensorflow,
        ...(n < 100 ? (["tfjs-cpu"] as const) : []),
        "onnxruntime-web",
        "jax-js",
        ...native,
      ],
    }),
  ),
);

/** In the order in which each direction takes its inputs. */
const directions = { forward: "forward", input: "input-gradient", filter: "filter-gradient" } as const;

function convCases(shape: BenchShape, small = false): Case[] {
  const conv = convCall(shape);
  const { x, filter, y, groups } = conv;
  const inputs = { forward: [x, filter], input: [y, filter], filter: [x, y] };
  // A layer's size with jax-js takes seconds forward and a quarter of a minute backward.
  const bearable = (direction: Direction) =>
    small || (shape.name === "4x4 s2 64-128 @16" && direction === "forward");
  return (Object.keys(directions) as Direction[]).map((direction): Case => {
    const rivals: ContestantName[] = [...tensorflow];
    if (direction !== "forward" && groups === 1) rivals.push("tfjs-wasm-patched");
    if (small) rivals.push("tfjs-cpu");
    rivals.push("onnxruntime-web");
    if (bearable(direction)) rivals.push("jax-js");
    return {
      name: `conv2d ${shape.name} ${directions[direction]}`,
      section: "Convolution",
      work: { flops: convFlops(conv) },
      call: { op: "conv2d", direction, conv },
      inputs: inputs[direction].map((shape) => ({ shape })),
      rivals: [...rivals, ...native],
    };
  });
}

const picture: InputSpec = { shape: [16, 32, 32, 64] };
const channels: InputSpec = { shape: [64] };

/** Elementwise functions of a picture, and what goes with it. */
const pointwise: readonly {
  name: string;
  call: FunctionName;
  inputs: readonly InputSpec[];
  both?: boolean;
}[] = [
  { name: "batch norm, training", call: "batchNorm", inputs: [picture, channels, channels], both: true },
  { name: "leakyRelu", call: "leakyRelu", inputs: [picture], both: true },
  { name: "tanh", call: "tanh", inputs: [picture], both: true },
  { name: "add", call: "add", inputs: [picture, picture] },
  { name: "mul by a row of channels", call: "mul", inputs: [picture, channels] },
  { name: "sum over all axes but the channels", call: "sumRows", inputs: [picture] },
  { name: "sum over the channels", call: "sumChannels", inputs: [picture] },
];

const section = "Memory-bound";

const pointwiseCases = pointwise.flatMap(({ name, call, inputs, both }): Case[] => {
  const one = (name: string, backward: boolean, inputs: readonly InputSpec[]): Case => {
    // ONNX Runtime Web has no gradients.
    const forward: ContestantName[] = backward ? [] : ["onnxruntime-web"];
    const rivals: ContestantName[] = [...tensorflow, ...forward, "jax-js", ...native];
    return { name, section, call: { op: "function", name: call, backward }, inputs, rivals };
  };
  if (!both) return [one(name, false, inputs)];
  const first = name.startsWith("batch norm") ? `${name}, forward` : name;
  return [one(first, false, inputs), one(`${name}, forward and backward`, true, [...inputs, picture])];
});

/** The ops' own cases at a size worth timing. */
export const opCases = [...poolCases, ...resizeCases, ...transposeCases, ...upfirdn2dCases].filter(
  ({ bench }) => bench,
);

const ownCases = opCases.map(({ name, inputs }): Case => {
  const call: Call = { op: "case", name };
  return { name, section, call, inputs, rivals: tensorflow };
});

const weights: InputSpec = { shape: [4, 4, 128, 256] };

const adam: Case = {
  name: "Adam step of 524,288 weights",
  section,
  // Weight and both moments are read and written, the gradient read.
  work: { bytes: 7 * 4 * 524_288 },
  call: { op: "adam" },
  inputs: [weights, weights],
  rivals: [...tensorflow, "jax-js", ...native],
};

/** Kernel by kernel, at the sizes of a 32×32 GAN with a batch of 16. */
export const kernelCases: readonly Case[] = [
  ...matMulCases,
  ...convShapes.flatMap((shape) => convCases(shape)),
  ...smallConvShapes.flatMap((shape) => convCases(shape, true)),
  ...pointwiseCases,
  ...ownCases,
  adam,
];
