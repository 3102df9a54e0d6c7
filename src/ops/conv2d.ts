import type { Tensor } from "@tensorflow/tfjs-core";
import { call } from "../backend/op.ts";
import { check, showShape } from "../errors.ts";
import { convolutionFamily } from "./conv2d-family.ts";
import {
  type Conv2dAttrs,
  checkAttrs,
  conv2dGeometry,
  coveredBy,
  type KernelPad,
  pair,
} from "./conv2d-geometry.ts";
import { checkFloats } from "./operand.ts";

/** Convolution of x [batch, height, width, channels] with a filter [high, wide, channels/groups, outChannels]. */
export const convolution = convolutionFamily(
  "conv2d",
  ["Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter"],
  conv2dGeometry,
);

type Pair = readonly [number, number];

/** How much zero padding surrounds a picture; explicit: [[top, bottom], [left, right]]. */
export type Pad = "same" | "valid" | number | readonly [Pair, Pair];

/** Options of `conv2d`; a pair is [vertical, horizontal]. */
export interface Conv2dOptions {
  /** Default 1. */
  readonly stride?: number | Pair;
  /** Default `"same"`: the output is the input's size over the stride, rounded up. */
  readonly pad?: Pad;
  /** Distance of the filter's taps, default 1. */
  readonly dilation?: number | Pair;
  /** Groups of channels that do not mix, default 1. */
  readonly groups?: number;
}

/** Options of `conv2dTranspose`. */
export interface Conv2dTransposeOptions extends Conv2dOptions {
  /**
   * Height and width of the output, where several lead to this input. Default: with pad `"same"` the input's
   * times the stride, else the smallest.
   */
  readonly outputSize?: Pair;
}

function kernelAttrs({ stride = 1, pad = "same", dilation = 1, groups = 1 }: Conv2dOptions): Conv2dAttrs {
  const kernelPad: KernelPad = Array.isArray(pad) ? [[0, 0], ...pad, [0, 0]] : (pad as KernelPad);
  return { strides: stride, pad: kernelPad, dataFormat: "NHWC", dilations: dilation, groups };
}

/**
 * y[n, i, j, o] = Σ x[n, i·stride + r·dilation − top, j·stride + s·dilation − left, c]·filter[r, s, c, o].
 * @param x float32 [batch, height, width, inChannels].
 * @param filter float32 [filterHeight, filterWidth, inChannels / groups, outChannels]; group g of the output
 * sums over group g of the input. `groups` = inChannels is the depthwise convolution.
 * @returns float32 [batch, outHeight, outWidth, outChannels].
 * @throws RangeError where shapes do not fit, TypeError where a dtype is not float32.
 */
export function conv2d(x: Tensor, filter: Tensor, options: Conv2dOptions = {}): Tensor {
  return call(convolution.forward, { x, filter }, kernelAttrs(options));
}

/**
 * The transposed convolution: the adjoint of `conv2d` with the same options, so a stride s makes the picture s
 * times larger.
 * @param x float32 [batch, height, width, inChannels].
 * @param filter float32 [filterHeight, filterWidth, outChannels / groups, inChannels], as in
 * tf.conv2dTranspose.
 * @returns float32 [batch, outHeight, outWidth, outChannels].
 * @throws RangeError where shapes do not fit, TypeError where a dtype is not float32.
 */
export function conv2dTranspose(x: Tensor, filter: Tensor, options: Conv2dTransposeOptions = {}): Tensor {
  const op = "conv2dTranspose";
  const attrs = kernelAttrs(options);
  checkFloats(op, { x, filter });
  checkAttrs(op, attrs, x.shape, filter.shape);
  const from: readonly number[] = x.shape;
  const taps: readonly number[] = filter.shape;
  check(
    from.length === 4 && taps.length === 4 && taps[3] === from[3],
    () =>
      `${op}: expected x of rank 4 and a filter [height, width, outChannels / groups, ${from[from.length - 1]}] (x ${showShape(from)}, filter ${showShape(taps)})`,
  );
  const size = options.outputSize ?? [
    smallestOutput(from, taps, options, 0),
    smallestOutput(from, taps, options, 1),
  ];
  check(
    size.length === 2 && size.every((n) => Number.isInteger(n) && n >= 0),
    () =>
      `${op}: expected an output of a whole height and width of at least 0, got ${showShape(size)} (x ${showShape(from)}, filter ${showShape(taps)}). Change outputSize or pad.`,
  );
  const inputShape = [from[0], ...size, taps[2] * (options.groups ?? 1)];
  const geometry = conv2dGeometry(op, inputShape, taps, attrs);
  check(
    geometry.outHeight === from[1] && geometry.outWidth === from[2],
    () =>
      `${op}: outputSize [${size}] belongs to an input of ${geometry.outHeight}x${geometry.outWidth}, got x ${showShape(from)}. Leave outputSize out, or change it by less than the stride.`,
  );
  return call(convolution.input, { dy: x, filter }, { ...attrs, inputShape });
}

function smallestOutput(
  x: readonly number[],
  filter: readonly number[],
  { stride = 1, pad = "same", dilation = 1 }: Conv2dOptions,
  axis: 0 | 1,
): number {
  const step = pair(stride)[axis];
  if (pad === "same") return x[axis + 1] * step;
  const full = (x[axis + 1] - 1) * step + coveredBy(filter[axis], pair(dilation)[axis]);
  if (pad === "valid") return full;
  const [before, after] = typeof pad === "object" ? (pad as readonly Pair[])[axis] : [pad, pad];
  return full - before - after;
}
