import {
  add,
  matMul,
  mul,
  reshape,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
} from "@tensorflow/tfjs-core";
import { random } from "../ops/check.ts";
import { sizeOf } from "../reference/nd.ts";

type Shape = readonly number[];

/** Functions that TensorFlow.js lacks: the library's own, or their definition made of public ones. */
export interface Extras {
  /** Convolution with pad "same" whose groups of channels do not mix. */
  groupedConv2d(x: Tensor4D, filter: Tensor4D, groups: number, stride: number): Tensor;
  /** Transposed convolution with pad "same" of grouped channels. */
  groupedConv2dTranspose(x: Tensor4D, filter: Tensor4D, groups: number, stride: number): Tensor;
  /** Batch norm by the statistics of x, epsilon 1e-3; `groups` equal parts of the batch by themselves. */
  batchNormTrain(x: Tensor, scale: Tensor, offset: Tensor, groups: number): Tensor;
  logSigmoid(x: Tensor): Tensor;
  logSoftmax(x: Tensor): Tensor;
  spaceToDepth(x: Tensor4D, block: number): Tensor;
  /** Pictures spread by `up`, padded, convolved with a filter [rows, columns] and thinned by `down`. */
  upfirdn2d(
    x: Tensor4D,
    filter: Tensor2D,
    up: number,
    down: number,
    pad: readonly [readonly [number, number], readonly [number, number]],
  ): Tensor;
  /** √2·leakyRelu(x + bias) with slope 0.2. */
  biasActivation(x: Tensor, bias: Tensor): Tensor;
  /** Bilinear samples of pictures at a grid [batch, height, width, 2] of x and y, -1 and 1 at the outer edges. */
  gridSample(x: Tensor4D, grid: Tensor4D): Tensor;
  /** The grid of an affine map [batch, 2, 3] for pictures of this size. */
  affineGrid(theta: Tensor, size: readonly [number, number]): Tensor;
  /** Moves picture i by `shifts[i]` pixels [down, right]; zeros enter. */
  translate(x: Tensor4D, shifts: readonly (readonly [number, number])[]): Tensor;
  /** Brightness, saturation and contrast of each picture. */
  colour(x: Tensor4D, factors: readonly (readonly [number, number, number])[]): Tensor;
}

export type Weights = { readonly [name: string]: Tensor };

/** A small network y = run(x, weights), of which D = Σ y·(p + y/2) with fixed p is the critic that is penalised. */
export interface Network {
  readonly name: string;
  /** What it is about: one op between two layers, several, or a block as real networks have it. */
  readonly kind: "op" | "pair" | "block";
  readonly x: Shape;
  readonly weights: { readonly [name: string]: Shape };
  run(x: Tensor, weights: Weights, extras: Extras): Tensor;
}

/** An op between two dense layers: [batch, features] → reshaped to `shape` → the op → a dense layer. */
export interface OpRow {
  readonly name: string;
  readonly shape: Shape;
  readonly weights?: { readonly [name: string]: Shape };
  /** Values above zero come in. */
  readonly positive?: boolean;
  run(h: Tensor, weights: Weights, extras: Extras): Tensor;
}

/** Normal by the sum of uniforms, rounded to float32; the same numbers everywhere. */
export function normals(seed: string, size: number, deviation = 1): number[] {
  const next = random(seed);
  return Array.from({ length: size }, () => {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += next();
    return Math.fround(sum * deviation);
  });
}

/** Values of the input and the weights: weights by their fan-in, so that no layer saturates. */
export function valuesOf({ name, x, weights }: Network): {
  x: number[];
  weights: { [name: string]: number[] };
} {
  return {
    x: normals(`${name} x`, sizeOf(x)),
    weights: Object.fromEntries(
      Object.entries(weights).map(([key, shape]) => {
        const fanIn = shape.length < 2 ? 2 : sizeOf(shape.slice(0, -1));
        return [key, normals(`${name} ${key}`, sizeOf(shape), 1 / Math.sqrt(fanIn))];
      }),
    ),
  };
}

/** Features per picture of a tensor. */
export const flat = (x: Tensor): Tensor2D => reshape(x, [x.shape[0], -1]);

/** The critic's number. `p` is fixed, so that no symmetry hides an error. */
export function critic(y: Tensor, constant: (values: readonly number[], shape: number[]) => Tensor): Tensor {
  const p = constant(normals("p", y.size), y.shape);
  return sum(mul(y, add(p, mul(y, 0.5))));
}

const inputs = 4;
const outputs = 2;

/** The network of a row: dense, op, dense. `result` is the number of features that the op gives a picture. */
export function between({ name, shape, weights = {}, positive, run }: OpRow, result: number): Network {
  const [batch, ...rest] = shape;
  const features = sizeOf(rest);
  return {
    name,
    kind: "op",
    x: [batch, inputs],
    weights: { first: [inputs, features], bias: [features], ...weights, last: [result, outputs] },
    run: (x, w, extras) => {
      const dense = add(matMul(x as Tensor2D, w.first as Tensor2D), w.bias);
      const h = reshape(positive ? add(mul(dense, dense), 0.5) : dense, [...shape]);
      const y = run(h, w, extras);
      return matMul(reshape(y, [-1, result]), w.last as Tensor2D);
    },
  };
}
