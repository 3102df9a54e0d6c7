// Convolution of volumes as one of pictures: the taps along the depth become channels of each depth slice.
import {
  add,
  concat,
  reshape,
  slice,
  stridedSlice,
  type Tensor,
  pad as tfPad,
  transpose,
} from "@tensorflow/tfjs-core";
import { call, defineOp, type Op } from "../backend/op.ts";
import { check, showShape } from "../errors.ts";
import { convolution } from "./conv2d.ts";
import { type Conv2dAttrs, conv2dGeometry } from "./conv2d-geometry.ts";
import { checkFloats } from "./operand.ts";
import { stridedSliceGrad } from "./slice.ts";

type Triple = number | readonly number[];

interface Attrs {
  strides: Triple;
  pad: "same" | "valid" | number;
  /** Default "NDHWC". */
  dataFormat?: string;
  dilations?: Triple;
}

type Shape = readonly number[];

const tripleOf = (value: Triple = 1): readonly number[] =>
  typeof value === "number" ? [value, value, value] : value;

/** The convolution of pictures that this one is, and what leads there. */
function plan(op: string, x: Shape, filter: Shape, attrs: Attrs) {
  check(
    x.length === 5 && filter.length === 5 && (attrs.dataFormat ?? "NDHWC") === "NDHWC",
    () =>
      `${op}: expected volumes [batch, depth, height, width, channels] and a filter [deep, high, wide, channels, outChannels], got x ${showShape(x)}, filter ${showShape(filter)}`,
  );
  const [batch, depth, height, width, channels] = x;
  const [taps, high, wide, inChannels, outChannels] = filter;
  const [stride, ...strides] = tripleOf(attrs.strides);
  const [dilation, ...dilations] = tripleOf(attrs.dilations);
  const covered = (taps - 1) * dilation + 1;
  const samePad = Math.max(0, (Math.ceil(depth / stride) - 1) * stride + covered - depth);
  const before = attrs.pad === "same" ? Math.floor(samePad / 2) : attrs.pad === "valid" ? 0 : attrs.pad;
  const padded = depth + (attrs.pad === "same" ? samePad : 2 * before);
  const outDepth = Math.max(0, Math.floor((padded - covered) / stride) + 1);
  check(
    inChannels === channels && outDepth > 0,
    () =>
      `${op}: expected filter in-channels ${channels} and at most ${padded} taps deep, got x ${showShape(x)}, filter ${showShape(filter)}`,
  );
  const attrs2d: Conv2dAttrs = {
    strides: strides as [number, number],
    pad: attrs.pad,
    dataFormat: "NHWC",
    dilations: dilations as [number, number],
  };
  const pictures = [batch * outDepth, height, width, taps * channels];
  const filter2d = [high, wide, taps * channels, outChannels];
  const { outHeight, outWidth } = conv2dGeometry(op, pictures, filter2d, attrs2d);
  return {
    attrs2d,
    taps,
    pictures,
    filter2d,
    dy2d: [batch * outDepth, outHeight, outWidth, outChannels],
    shape: [batch, outDepth, outHeight, outWidth, outChannels],
    padding: [
      [0, 0],
      [before, padded - depth - before],
      [0, 0],
      [0, 0],
      [0, 0],
    ] as [number, number][],
    paddedShape: [batch, padded, height, width, channels],
    slices: [batch, outDepth, height, width, channels],
    /** Begin, end and strides of the slices that a tap meets. */
    slicesOf: (tap: number) => ({
      begin: [0, tap * dilation, 0, 0, 0],
      end: [batch, tap * dilation + (outDepth - 1) * stride + 1, height, width, channels],
      strides: [1, stride, 1, 1, 1],
    }),
  };
}

type Plan = ReturnType<typeof plan>;

/** Volumes as pictures, each with the slices that the taps meet side by side in its channels. */
function unfold(x: Tensor, p: Plan): Tensor {
  const padded = tfPad(x, p.padding);
  const parts = Array.from({ length: p.taps }, (_, tap) => {
    const { begin, end, strides } = p.slicesOf(tap);
    return stridedSlice(padded, begin, end, strides);
  });
  return reshape(concat(parts, 4), p.pictures);
}

/** The adjoint of `unfold`. */
function foldBack(pictures: Tensor, x: Shape, p: Plan): Tensor {
  const channels = x[4];
  const masks = { beginMask: 0, endMask: 0, ellipsisMask: 0, newAxisMask: 0, shrinkAxisMask: 0 };
  const all = reshape(pictures, [...p.slices.slice(0, 4), p.taps * channels]);
  let sum: Tensor | undefined;
  for (let tap = 0; tap < p.taps; tap++) {
    const dy = slice(all, [0, 0, 0, 0, tap * channels], [...p.slices]);
    const part = call(stridedSliceGrad, { dy }, { ...p.slicesOf(tap), ...masks, shape: p.paddedShape });
    sum = sum ? add(sum, part) : part;
  }
  return slice(sum!, [0, p.padding[1][0], 0, 0, 0], [...x]);
}

/** [deep, high, wide, in, out] as [high, wide, deep·in, out]. */
const flatFilter = (filter: Tensor, { filter2d }: Plan): Tensor =>
  reshape(transpose(filter, [1, 2, 0, 3, 4]), filter2d);

function deepFilter(filter: Tensor, [taps, high, wide, channels, outChannels]: Shape): Tensor {
  return transpose(reshape(filter, [high, wide, taps, channels, outChannels]), [2, 0, 1, 3, 4]);
}

function checkDy(op: string, dy: Shape, { shape }: Plan): void {
  check(dy.join() === shape.join(), () => `${op}: expected dy ${showShape(shape)}, got ${showShape(dy)}`);
}

/** Convolution of volumes x [batch, depth, height, width, channels]. */
export const conv3d: Op<"x" | "filter", Attrs> = defineOp({
  name: "Conv3D",
  inputs: ["x", "filter"],
  infer: ({ x, filter }, attrs) => {
    checkFloats("conv3d", { x, filter });
    return { shape: plan("conv3d", x.shape, filter.shape, attrs).shape };
  },
  wasm: "composed",
  compose: ({ x, filter }, attrs) => {
    const p = plan("conv3d", x.shape, filter.shape, attrs);
    const y = call(convolution.forward, { x: unfold(x, p), filter: flatFilter(filter, p) }, p.attrs2d);
    return reshape(y, p.shape);
  },
  gradient: (dy, { x, filter }, attrs) => ({
    x: () => call(conv3dInput, { dy, filter }, { ...attrs, inputShape: x.shape }),
    filter: () => call(conv3dFilter, { x, dy }, { ...attrs, filterShape: filter.shape }),
  }),
});

/** dx of dy and filter: the transposed convolution of volumes. */
export const conv3dInput: Op<"dy" | "filter", Attrs & { inputShape: number[] }> = defineOp({
  name: "Conv3DBackpropInputV2",
  inputs: ["dy", "filter"],
  infer: ({ dy, filter }, attrs) => {
    const op = "conv3d input-gradient";
    checkFloats(op, { dy, filter });
    checkDy(op, dy.shape, plan(op, attrs.inputShape, filter.shape, attrs));
    return { shape: attrs.inputShape };
  },
  wasm: "composed",
  compose: ({ dy, filter }, attrs) => {
    const p = plan("conv3d", attrs.inputShape, filter.shape, attrs);
    const pictures = call(
      convolution.input,
      { dy: reshape(dy, p.dy2d), filter: flatFilter(filter, p) },
      { ...p.attrs2d, inputShape: p.pictures },
    );
    return foldBack(pictures, attrs.inputShape, p);
  },
  gradient: (ddx, { dy, filter }, { inputShape: _, ...attrs }) => ({
    dy: () => call(conv3d, { x: ddx, filter }, attrs),
    filter: () => call(conv3dFilter, { x: ddx, dy }, { ...attrs, filterShape: filter.shape }),
  }),
});

/** dFilter of x and dy, summed over the batch. */
export const conv3dFilter: Op<"x" | "dy", Attrs & { filterShape: number[] }> = defineOp({
  name: "Conv3DBackpropFilterV2",
  inputs: ["x", "dy"],
  infer: ({ x, dy }, attrs) => {
    const op = "conv3d filter-gradient";
    checkFloats(op, { x, dy });
    checkDy(op, dy.shape, plan(op, x.shape, attrs.filterShape, attrs));
    return { shape: attrs.filterShape };
  },
  wasm: "composed",
  compose: ({ x, dy }, attrs) => {
    const p = plan("conv3d", x.shape, attrs.filterShape, attrs);
    const flat = call(
      convolution.filter,
      { x: unfold(x, p), dy: reshape(dy, p.dy2d) },
      { ...p.attrs2d, filterShape: p.filter2d },
    );
    return deepFilter(flat, attrs.filterShape);
  },
  gradient: (ddFilter, { x, dy }, { filterShape: _, ...attrs }) => ({
    x: () => call(conv3dInput, { dy, filter: ddFilter }, { ...attrs, inputShape: x.shape }),
    dy: () => call(conv3d, { x, filter: ddFilter }, attrs),
  }),
});

export const conv3dOps = [conv3d, conv3dInput, conv3dFilter];
