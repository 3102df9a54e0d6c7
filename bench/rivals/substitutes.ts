import {
  conv2d,
  getKernel,
  pad,
  type Rank,
  registerKernel,
  reshape,
  reverse,
  slice,
  type Tensor,
  type Tensor4D,
  type TensorInfo,
  tidy,
  transpose,
  unregisterKernel,
} from "@tensorflow/tfjs-core";

/** Says what was supplied, once it has been used. */
export const substituted = new Set<string>();

interface ConvAttrs {
  readonly strides: number | readonly [number, number];
  readonly pad: unknown;
}

type Shape4 = readonly [number, number, number, number];

/** Zeros (or, below zero, values to drop) at either end of an axis. */
type Ends = readonly [before: number, after: number];

const strideOf = ({ strides }: ConvAttrs): number => (typeof strides === "number" ? strides : strides[0]);

/** Zeros before each axis of the picture, of paddings "same" and "valid". */
function padsBefore(
  { shape }: { readonly shape: readonly number[] },
  y: Shape4,
  filter: Shape4,
  attrs: ConvAttrs,
) {
  if (attrs.pad !== "same" && attrs.pad !== "valid") {
    throw new Error(`substitute: expected pad "same" or "valid", got ${attrs.pad}`);
  }
  const stride = strideOf(attrs);
  return [1, 2].map((axis) => Math.max(0, (y[axis] - 1) * stride + filter[axis - 1] - shape[axis]) >> 1);
}

/** Lengthens or shortens a picture's two axes at their ends. */
function resized(x: Tensor4D, rows: Ends, columns: Ends): Tensor4D {
  const [batch, height, width, channels] = x.shape;
  const drop = (ends: Ends) => ends.map((n) => Math.max(0, -n));
  const [top, bottom] = drop(rows);
  const [left, right] = drop(columns);
  const kept = slice(x, [0, top, left, 0], [batch, height - top - bottom, width - left - right, channels]);
  const add = (ends: Ends) => ends.map((n) => Math.max(0, n)) as [number, number];
  return pad<Tensor<Rank.R4>>(kept, [[0, 0], add(rows), add(columns), [0, 0]]);
}

/**
 * The gradient of a convolution by its filter, as a convolution: of x with channels for pictures and
 * pictures for channels, by dy dilated by the stride.
 */
export function conv2dFilterByConvolution(x: Tensor4D, dy: Tensor4D, attrs: FilterAttrs): Tensor4D {
  const { filterShape } = attrs;
  const stride = strideOf(attrs);
  const before = padsBefore(x, dy.shape, filterShape, attrs);
  // So far that the result is as long as the filter; below zero the rest of x is never touched.
  const after = [1, 2].map(
    (axis) => (dy.shape[axis] - 1) * stride + filterShape[axis - 1] - x.shape[axis] - before[axis - 1],
  );
  return tidy(() => {
    const turned = transpose(x, [3, 1, 2, 0]);
    const padded = resized(turned, [before[0], after[0]], [before[1], after[1]]);
    const filter = transpose(dy, [1, 2, 0, 3]);
    const result = conv2d(padded, filter as Tensor4D, 1, "valid", "NHWC", stride);
    return transpose(result, [1, 2, 0, 3]) as Tensor4D;
  });
}

/**
 * The gradient of a convolution by its input, as a convolution: of dy with zeros between its values where
 * the stride is above one, by the filter turned about, in- and out-channels swapped.
 */
export function conv2dInputByConvolution(dy: Tensor4D, filter: Tensor4D, attrs: InputAttrs): Tensor4D {
  const { inputShape } = attrs;
  const stride = strideOf(attrs);
  const padding = padsBefore({ shape: inputShape }, dy.shape, filter.shape, attrs);
  return tidy(() => {
    const [batch, height, width, channels] = dy.shape;
    const rows = pad(reshape(dy, [batch * height, 1, width, channels]), [
      [0, 0],
      [0, stride - 1],
      [0, 0],
      [0, 0],
    ]);
    const columns = pad(reshape(rows, [batch * height * stride * width, 1, channels]), [
      [0, 0],
      [0, stride - 1],
      [0, 0],
    ]);
    const dilated = reshape(columns, [batch, height * stride, width * stride, channels]) as Tensor4D;
    const ends = [0, 1].map((axis): Ends => {
      const before = filter.shape[axis] - 1 - padding[axis];
      const length = inputShape[axis + 1] + filter.shape[axis] - 1;
      return [before, length - before - dilated.shape[axis + 1]];
    });
    const turned = transpose(reverse(filter, [0, 1]), [0, 1, 3, 2]);
    return conv2d(resized(dilated, ends[0], ends[1]), turned as Tensor4D, 1, "valid") as Tensor4D;
  });
}

type FilterAttrs = ConvAttrs & { readonly filterShape: Shape4 };
type InputAttrs = ConvAttrs & { readonly inputShape: Shape4 };

/** Where the convolution is the faster way: not with many zeros among dy, nor with few channels to give. */
function worthConvolving(dy: Tensor4D, { inputShape }: InputAttrs): boolean {
  const zeros = (inputShape[1] * inputShape[2]) / (dy.shape[1] * dy.shape[2]);
  return zeros <= 1 || (zeros <= 4 && inputShape[3] >= 8);
}

/**
 * Registers what the wasm backend lacks (a convolution's gradient by the filter) or computes an element at a
 * time (that by the input, where this is faster), both by its own fast convolution.
 */
export function substituteSlowAndMissing(): void {
  registerKernel({
    kernelName: "Conv2DBackpropFilter",
    backendName: "wasm",
    kernelFunc: ({ inputs, attrs }) => {
      substituted.add("Conv2DBackpropFilter by transposes and a dilated conv2d");
      const { x, dy } = inputs as unknown as { x: Tensor4D; dy: Tensor4D };
      return conv2dFilterByConvolution(x, dy, attrs as unknown as FilterAttrs) as TensorInfo;
    },
  });
  const own = getKernel("Conv2DBackpropInput", "wasm");
  unregisterKernel("Conv2DBackpropInput", "wasm");
  registerKernel({
    ...own,
    kernelFunc: (call) => {
      const { dy, filter } = call.inputs as unknown as { dy: Tensor4D; filter: Tensor4D };
      const attrs = call.attrs as unknown as InputAttrs;
      if (!worthConvolving(dy, attrs)) return own.kernelFunc(call);
      substituted.add("Conv2DBackpropInput by a conv2d of dy with zeros between");
      return conv2dInputByConvolution(dy, filter, attrs) as TensorInfo;
    },
  });
}
