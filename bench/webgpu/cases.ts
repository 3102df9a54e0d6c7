import type { Call, Direction, InputSpec, StepShape } from "../calls.ts";
import type { Case } from "../cases.ts";
import type { ContestantName } from "../rivals/contestant.ts";
import { type BenchShape, convCall, convFlops, convShapes } from "../shapes.ts";
import { stepSection } from "../steps.ts";

/** A GPU's own sizes, or those of one that is computed on the CPU, a thousand times slower. */
export type Scale = "full" | "small";

const everyone: readonly ContestantName[] = ["ganvil-one-thread", "ganvil-webgpu", "tfjs-webgpu"];
const gpuOnly: readonly ContestantName[] = ["ganvil-webgpu", "tfjs-webgpu"];

/** Of rows that the chart draws over their size. */
export const sweeps = { matMul: "Matrix product by size", conv2d: "Convolution by channels" } as const;

function matMul(n: number, section: string, [a, b]: readonly [boolean, boolean] = [false, false]): Case {
  return {
    ...{ name: `matMul ${n}³ ${a ? "Aᵀ" : "A"}${b ? "Bᵀ" : "B"}`, section },
    work: { flops: 2 * n ** 3 },
    call: { op: "matMul", transposeA: a, transposeB: b },
    inputs: [{ shape: [n, n] }, { shape: [n, n] }],
    // A minute on Wasm.
    rivals: n > 2048 ? gpuOnly : everyone,
  };
}

const directions = { forward: "forward", input: "input-gradient", filter: "filter-gradient" } as const;

function conv2d(shape: BenchShape, section: string, direction: Direction): Case {
  const conv = convCall(shape);
  const { x, filter, y } = conv;
  const inputs = { forward: [x, filter], input: [y, filter], filter: [x, y] };
  return {
    name: `conv2d ${shape.name} ${directions[direction]}`,
    section,
    work: { flops: convFlops(conv) },
    call: { op: "conv2d", direction, conv },
    inputs: inputs[direction].map((shape) => ({ shape })),
    rivals: everyone,
  };
}

function pointwise(name: string, call: Call, inputs: readonly (readonly number[])[], bytes?: number): Case {
  const specs = inputs.map((shape): InputSpec => ({ shape }));
  return {
    ...{ name, section: "Memory-bound", call, inputs: specs, rivals: everyone },
    ...(bytes !== undefined && { work: { bytes } }),
  };
}

/** What moves memory, over one picture's size. */
function memoryBound(picture: readonly number[], weights: readonly number[]): Case[] {
  const channels = [picture[3]];
  const count = weights.reduce((a, b) => a * b);
  const at = `[${picture}]`;
  return [
    pointwise(
      `batch norm, training, forward and backward ${at}`,
      { op: "function", name: "batchNorm", backward: true },
      [picture, channels, channels, picture],
    ),
    pointwise(`leakyRelu ${at}`, { op: "function", name: "leakyRelu", backward: false }, [picture]),
    pointwise(
      `leakyRelu, forward and backward ${at}`,
      { op: "function", name: "leakyRelu", backward: true },
      [picture, picture],
    ),
    pointwise(`add ${at}`, { op: "function", name: "add", backward: false }, [picture, picture]),
    // Weight and both moments are read and written, the gradient read.
    pointwise(
      `Adam step of ${count.toLocaleString("en")} weights`,
      { op: "adam" },
      [weights, weights],
      28 * count,
    ),
  ];
}

const step = (name: string, shape: StepShape): Case => ({
  name: `${name} step, batch ${shape.batch}`,
  section: stepSection,
  call: { op: "step", shape },
  inputs: [],
  rivals: everyone,
});

const everyTranspose = [
  [true, false],
  [false, true],
  [true, true],
] as const;

interface Sizes {
  readonly matMul: { readonly n: readonly number[]; readonly transposed: number };
  /** Of 3×3 convolutions of 16 pictures. */
  readonly conv2d: { readonly channels: readonly number[]; readonly side: number };
  readonly shapes: readonly BenchShape[];
  readonly pictures: readonly (readonly [picture: readonly number[], weights: readonly number[]])[];
  readonly steps: readonly (readonly [name: string, shape: StepShape])[];
}

const dcgan = (resolution: 32 | 64, batch: number, widths: readonly number[]): StepShape => ({
  ...{ network: "dcgan", batch, resolution, latent: 100, widths },
});

const residual = (batch: number, widths: readonly number[], groupWidth: number): StepShape => ({
  ...{ network: "residual", batch, latent: 64, widths, groupWidth, gamma: 0.5 },
});

const sizes: Readonly<Record<Scale, Sizes>> = {
  full: {
    matMul: { n: [32, 64, 128, 256, 512, 1024, 2048, 4096], transposed: 512 },
    conv2d: { channels: [4, 8, 16, 32, 64, 128, 256, 512], side: 16 },
    shapes: [{ name: "3x3 s1 256 @32 batch 64", x: [64, 32, 32, 256], filter: [3, 3, 256] }, ...convShapes],
    pictures: [
      [
        [16, 32, 32, 64],
        [4, 4, 128, 256],
      ],
      [
        [64, 64, 64, 64],
        [4, 4, 512, 1024],
      ],
    ],
    steps: [
      ["DCGAN 32×32", dcgan(32, 16, [256, 128, 64])],
      ["DCGAN 32×32", dcgan(32, 64, [256, 128, 64])],
      ["DCGAN 64×64", dcgan(64, 16, [512, 256, 128, 64])],
      ["DCGAN 64×64", dcgan(64, 64, [512, 256, 128, 64])],
      ["R3GAN-style 32×32", residual(16, [128, 128, 64], 16)],
      ["R3GAN-style 32×32", residual(64, [128, 128, 64], 16)],
    ],
  },
  small: {
    matMul: { n: [16, 32, 64, 128, 256], transposed: 64 },
    conv2d: { channels: [2, 4, 8, 16], side: 8 },
    shapes: [
      { name: "3x3 s1 16 @8 batch 2", x: [2, 8, 8, 16], filter: [3, 3, 16] },
      { name: "4x4 s2 8-16 @8 batch 2", x: [2, 8, 8, 8], filter: [4, 4, 16], stride: [2, 2] },
      { name: "grouped 3x3, 4 a group, 16 @8 batch 2", x: [2, 8, 8, 16], filter: [3, 3, 16], groups: 4 },
    ],
    pictures: [
      [
        [4, 16, 16, 16],
        [4, 4, 16, 32],
      ],
    ],
    steps: [
      ["DCGAN 32×32, an eighth as wide,", dcgan(32, 2, [32, 16, 8])],
      ["DCGAN 64×64, a sixteenth as wide,", dcgan(64, 1, [32, 16, 8, 4])],
      ["R3GAN-style 32×32, a sixteenth as wide,", residual(1, [8, 8, 4], 4)],
    ],
  },
};

/** Kernel by kernel, over sizes, and whole steps. */
export function gpuCases(scale: Scale): Case[] {
  const { matMul: products, conv2d: convolutions, shapes, pictures, steps } = sizes[scale];
  const { side } = convolutions;
  return [
    ...products.n.map((n) => matMul(n, sweeps.matMul)),
    ...everyTranspose.map((which) => matMul(products.transposed, "Matrix product, transposed", which)),
    ...convolutions.channels.map((n) =>
      conv2d(
        { name: `3x3 s1 ${n} @${side} batch 16`, x: [16, side, side, n], filter: [3, 3, n] },
        sweeps.conv2d,
        "forward",
      ),
    ),
    ...shapes.flatMap((shape) =>
      (Object.keys(directions) as Direction[]).map((direction) => conv2d(shape, "Convolution", direction)),
    ),
    ...pictures.flatMap(([picture, weights]) => memoryBound(picture, weights)),
    ...steps.map(([name, shape]) => step(name, shape)),
  ];
}
