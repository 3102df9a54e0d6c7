// Convolutions of sequences: pictures of one row.
import { reshape, type Tensor } from "@tensorflow/tfjs-core";
import { check, showShape } from "../errors.ts";
import { type Conv2dOptions, conv2d, conv2dTranspose } from "./conv2d.ts";

/** Options of `conv1d`. */
export interface Conv1dOptions {
  /** Default 1. */
  readonly stride?: number;
  /** Zeros before and after, or as `conv2d` names them. Default `"same"`. */
  readonly pad?: "same" | "valid" | number;
  /** Distance of the filter's taps, default 1. */
  readonly dilation?: number;
  /** Groups of channels that do not mix, default 1. */
  readonly groups?: number;
}

/** Options of `conv1dTranspose`. */
export interface Conv1dTransposeOptions extends Conv1dOptions {
  /** Length of the output where several lead to this input; default as for `conv2dTranspose`. */
  readonly outputLength?: number;
}

function asPictures(
  op: string,
  x: Tensor,
  filter: Tensor,
  { stride = 1, pad = "same", dilation = 1, groups = 1 }: Conv1dOptions,
): { x: Tensor; filter: Tensor; options: Conv2dOptions } {
  check(
    x.rank === 3 && filter.rank === 3,
    () =>
      `${op}: expected x and filter of rank 3 (x ${showShape(x.shape)}, filter ${showShape(filter.shape)})`,
  );
  const [batch, length, channels] = x.shape;
  return {
    x: reshape(x, [batch, 1, length, channels]),
    filter: reshape(filter, [1, ...filter.shape]),
    options: {
      stride: [1, stride],
      pad:
        typeof pad === "number"
          ? [
              [0, 0],
              [pad, pad],
            ]
          : pad,
      dilation: [1, dilation],
      groups,
    },
  };
}

/** Takes the single row's axis away again. */
function asSequences(y: Tensor): Tensor {
  const [batch, , length, channels] = y.shape;
  return reshape(y, [batch, length, channels]);
}

/**
 * y[n, i, o] = Σ x[n, i·stride + r·dilation − before, c]·filter[r, c, o].
 * @param x float32 [batch, length, inChannels]
 * @param filter float32 [taps, inChannels / groups, outChannels]
 * @returns float32 [batch, outLength, outChannels]
 * @throws RangeError, TypeError as `conv2d`
 */
export function conv1d(x: Tensor, filter: Tensor, options: Conv1dOptions = {}): Tensor {
  const row = asPictures("conv1d", x, filter, options);
  return asSequences(conv2d(row.x, row.filter, row.options));
}

/**
 * The transposed convolution: the adjoint of `conv1d` with the same options, so a stride s makes the sequence
 * s times longer.
 * @param x float32 [batch, length, inChannels]
 * @param filter float32 [taps, outChannels / groups, inChannels]
 * @returns float32 [batch, outLength, outChannels]
 * @throws RangeError, TypeError as `conv2dTranspose`
 */
export function conv1dTranspose(x: Tensor, filter: Tensor, options: Conv1dTransposeOptions = {}): Tensor {
  const { outputLength } = options;
  const row = asPictures("conv1dTranspose", x, filter, options);
  const size = outputLength === undefined ? {} : { outputSize: [1, outputLength] as const };
  return asSequences(conv2dTranspose(row.x, row.filter, { ...row.options, ...size }));
}
