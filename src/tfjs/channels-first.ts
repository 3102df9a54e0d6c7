import type { KernelFunc, TensorInfo } from "@tensorflow/tfjs-core";
import type { GanvilBackend } from "../backend/backend.ts";
import type { AnyOp } from "../backend/op.ts";
import { runOp } from "../backend/run-op.ts";
import { transpose } from "../ops/transpose.ts";

const toLast = [0, 2, 3, 1];
const toFirst = [0, 3, 1, 2];
/** Weights of an activation have no batch. */
const weightsToLast = [1, 2, 0];

/** Inputs of a convolution that are pictures, and those that are laid out as one is. */
const turned: { readonly [input: string]: readonly number[] } = {
  x: toLast,
  dy: toLast,
  preluActivationWeights: weightsToLast,
};

/** The records that the wrapper is for. */
export const convolutions: readonly string[] = [
  ...["Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter"],
  "FusedConv2D",
];

interface ConvolutionAttrs {
  readonly pad: unknown;
  readonly inputShape?: readonly number[];
}

const permuted = <T>(list: readonly T[], perm: readonly number[]): T[] => perm.map((axis) => list[axis]);

/** A convolution of pictures [batch, channels, height, width]: by ours of the pictures turned, and back. */
export function channelsFirst(op: AnyOp): KernelFunc {
  return ({ inputs, attrs, backend: host }) => {
    const backend = host as GanvilBackend;
    const made: TensorInfo[] = [];
    const turn = (x: TensorInfo, perm: readonly number[]): TensorInfo => {
      const y = runOp(backend, transpose, { x }, { perm }) as TensorInfo;
      made.push(y);
      return y;
    };
    const { pad, inputShape } = attrs as unknown as ConvolutionAttrs;
    try {
      const pixelsFirst = Object.fromEntries(
        Object.entries(inputs as unknown as Record<string, TensorInfo | undefined>).map(([name, tensor]) => {
          const perm = turned[name];
          return [name, perm && tensor?.shape.length === perm.length ? turn(tensor, perm) : tensor];
        }),
      ) as Record<string, TensorInfo>;
      const y = runOp(backend, op, pixelsFirst, {
        ...attrs,
        dataFormat: "NHWC",
        pad: Array.isArray(pad) ? permuted(pad, toLast) : pad,
        inputShape: inputShape && permuted(inputShape, toLast),
      }) as TensorInfo;
      made.push(y);
      if (op.name !== "Conv2DBackpropFilter") turn(y, toFirst);
      return made.pop()!;
    } finally {
      for (const { dataId } of made) backend.disposeData(dataId);
    }
  };
}
