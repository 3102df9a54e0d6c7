import { check, checkType, showShape } from "../errors.ts";
import type { Conv2dGeometry } from "../wasm/planner.ts";
import { sameShape } from "./broadcast.ts";

/** Padding as TensorFlow.js's kernels get it; explicit: [[0, 0], [top, bottom], [left, right], [0, 0]]. */
export type KernelPad = "same" | "valid" | number | readonly (readonly number[])[];

/** Attributes of the convolution kernels; `groups` is ours. */
export interface Conv2dAttrs {
  readonly strides: number | readonly number[];
  readonly pad: KernelPad;
  readonly dataFormat?: string;
  readonly dilations?: number | readonly number[] | null;
  readonly dimRoundingMode?: "floor" | "round" | "ceil" | null;
  /** Channels fall into so many groups that do not mix; default 1. */
  readonly groups?: number;
}

/** A number for both axes, or one each: [vertical, horizontal]. */
export const pair = (value: number | readonly number[]): readonly [number, number] =>
  typeof value === "number" ? [value, value] : [value[0], value[1] ?? value[0]];

/** Extent of a filter with holes, in pixels. */
export const coveredBy = (filter: number, dilation: number): number => (filter - 1) * dilation + 1;

function rounded(value: number, mode: Conv2dAttrs["dimRoundingMode"]): number {
  if (mode === "ceil") return Math.ceil(value);
  if (mode === "round") return Math.round(value);
  return mode === "floor" ? Math.floor(value) : Math.trunc(value);
}

/** Padding before and after, and the output's extent, along one axis; TensorFlow's rules. */
function along(
  input: number,
  covered: number,
  stride: number,
  pad: "same" | "valid" | readonly [number, number],
  mode: Conv2dAttrs["dimRoundingMode"],
): { before: number; output: number } {
  if (pad === "same") {
    const output = Math.ceil(input / stride);
    // What is odd goes after.
    return { before: Math.floor(Math.max(0, (output - 1) * stride + covered - input) / 2), output };
  }
  if (pad === "valid") return { before: 0, output: Math.ceil((input - covered + 1) / stride) };
  const [before, after] = pad;
  return { before, output: rounded((input - covered + before + after) / stride + 1, mode) };
}

function padAlong(pad: KernelPad, axis: 1 | 2): "same" | "valid" | readonly [number, number] {
  if (pad === "same" || pad === "valid") return pad;
  return typeof pad === "number" ? [pad, pad] : [pad[axis][0], pad[axis][1]];
}

function checkSteps(op: string, what: string, values: readonly number[], shapes: () => string): void {
  check(
    values.every((value) => Number.isInteger(value) && value >= 1),
    () => `${op}: expected ${what} of integers of at least 1, got ${showShape(values)} ${shapes()}`,
  );
}

function checkPad(op: string, { pad, dimRoundingMode }: Conv2dAttrs, shapes: () => string): void {
  const shown = () => (typeof pad === "number" ? String(pad) : JSON.stringify(pad));
  const explicit = Array.isArray(pad) && pad.length === 4 && pad.every((pair) => pair?.length === 2);
  checkType(
    pad === "same" || pad === "valid" || typeof pad === "number" || explicit,
    () =>
      `${op}: expected pad "same", "valid", a number or pairs for height and width (between [0,0] for batch and channels), got ${shown()} ${shapes()}`,
  );
  if (typeof pad === "string") {
    check(
      dimRoundingMode == null,
      () =>
        `${op}: dimRoundingMode ${dimRoundingMode} needs a numeric pad, got "${pad}" ${shapes()}. Leave one out.`,
    );
    return;
  }
  const values = typeof pad === "number" ? [pad] : pad.flat();
  check(
    values.every((value) => Number.isInteger(value) && value >= 0),
    () => `${op}: expected pad of integers of at least 0, got ${shown()} ${shapes()}`,
  );
}

/**
 * Checks what is wrong whatever the shapes.
 * @param x shape of the picture, which messages show with the filter's
 * @throws TypeError or RangeError in the name of `op`.
 */
export function checkAttrs(
  op: string,
  attrs: Conv2dAttrs,
  x: readonly number[],
  filter: readonly number[],
): void {
  const shapes = () => `(x ${showShape(x)}, filter ${showShape(filter)})`;
  checkPad(op, attrs, shapes);
  checkSteps(op, "strides", pair(attrs.strides), shapes);
  checkSteps(op, "dilations", pair(attrs.dilations ?? 1), shapes);
  checkSteps(op, "groups", [attrs.groups ?? 1], shapes);
}

/**
 * All sizes of a convolution of `input` [batch, height, width, channels] with `filter`
 * [high, wide, channels/groups, outChannels].
 * @throws RangeError, in the name of `op`, where they do not fit.
 */
export function conv2dGeometry(
  op: string,
  input: readonly number[],
  filter: readonly number[],
  attrs: Conv2dAttrs,
): Conv2dGeometry {
  const { dataFormat = "NHWC", groups = 1, dimRoundingMode } = attrs;
  const shapes = () => `(x ${showShape(input)}, filter ${showShape(filter)})`;
  check(
    input.length === 4 && filter.length === 4,
    () => `${op}: expected x and filter of rank 4 ${shapes()}. Add a batch dimension to a single picture.`,
  );
  check(
    dataFormat === "NHWC",
    () =>
      `${op}: expected dataFormat NHWC, got ${dataFormat}. Transpose the picture (tf.transpose(x, [0, 2, 3, 1])).`,
  );
  checkAttrs(op, attrs, input, filter);
  const strides = pair(attrs.strides);
  const dilations = pair(attrs.dilations ?? 1);
  const [batch, inHeight, inWidth, inChannels] = input;
  const [filterHeight, filterWidth, groupIn, outChannels] = filter;
  check(
    inChannels % groups === 0 && outChannels % groups === 0,
    () =>
      `${op}: expected in- and out-channels divisible by groups ${groups}, got ${inChannels} and ${outChannels} ${shapes()}`,
  );
  check(
    inChannels === groupIn * groups,
    () =>
      `${op}: expected filter in-channels ${inChannels / groups}, got ${groupIn} ${shapes()}. A filter is laid out [height, width, in-channels${groups > 1 ? " / groups" : ""}, out-channels].`,
  );
  const high = coveredBy(filterHeight, dilations[0]);
  const wide = coveredBy(filterWidth, dilations[1]);
  const rows = along(inHeight, high, strides[0], padAlong(attrs.pad, 1), dimRoundingMode);
  const columns = along(inWidth, wide, strides[1], padAlong(attrs.pad, 2), dimRoundingMode);
  check(
    (rows.output > 0 || inHeight === 0) && (columns.output > 0 || inWidth === 0),
    () =>
      `${op}: the filter covers ${high}x${wide} pixels, more than the padded picture ${shapes()}. Use pad "same", more padding or a smaller filter.`,
  );
  return {
    batch,
    inHeight,
    inWidth,
    inChannels,
    outHeight: Math.max(0, rows.output),
    outWidth: Math.max(0, columns.output),
    outChannels,
    filterHeight,
    filterWidth,
    strideHeight: strides[0],
    strideWidth: strides[1],
    padTop: rows.before,
    padLeft: columns.before,
    dilationHeight: dilations[0],
    dilationWidth: dilations[1],
    groups,
  };
}

/** Shape of the convolution's output. */
export const outputShape = (g: Conv2dGeometry): number[] => [g.batch, g.outHeight, g.outWidth, g.outChannels];

/** Checks that dy has the shape of the convolution's output. */
export function checkDy(op: string, dy: readonly number[], g: Conv2dGeometry): void {
  const expected = outputShape(g);
  check(
    sameShape(dy, expected),
    () =>
      `${op}: expected dy ${showShape(expected)}, got ${showShape(dy)}. Strides, pad, dilations and the input's shape must be those of the convolution that gave y.`,
  );
}

/** FLOPs of a convolution in any direction. */
export const conv2dFlops = (g: Conv2dGeometry): number =>
  2 *
  g.batch *
  g.outHeight *
  g.outWidth *
  g.outChannels *
  g.filterHeight *
  g.filterWidth *
  (g.inChannels / g.groups);
