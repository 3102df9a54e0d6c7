import {
  conv2d,
  getKernel,
  pad,
  type Rank,
  registerKernel,
  slice,
  type Tensor,
  type Tensor4D,
  type TensorInfo,
  tidy,
  transpose,
} from "@tensorflow/tfjs-core";

/** Says what was supplied, once it has been used. */
export const substituted = new Set<string>();

interface FilterAttrs {
  readonly strides: number | [number, number];
  readonly pad: unknown;
  readonly filterShape: readonly [number, number, number, number];
}

/**
 * The gradient of a convolution by its filter, as a convolution: of x with channels for pictures and
 * pictures for channels, by dy dilated by the stride.
 */
export function conv2dFilterByConvolution(x: Tensor4D, dy: Tensor4D, attrs: FilterAttrs): Tensor4D {
  const { filterShape } = attrs;
  const stride = typeof attrs.strides === "number" ? attrs.strides : attrs.strides[0];
  if (attrs.pad !== "same" && attrs.pad !== "valid") {
    throw new Error(`substitute: expected pad "same" or "valid", got ${attrs.pad}`);
  }
  return tidy(() => {
    const pads = [1, 2].map((axis) => {
      const before = Math.max(0, (dy.shape[axis] - 1) * stride + filterShape[axis - 1] - x.shape[axis]) >> 1;
      // So far that the result is as long as the filter; below zero the rest of x is never touched.
      const after = (dy.shape[axis] - 1) * stride + 1 + filterShape[axis - 1] - 1 - x.shape[axis] - before;
      return { before, after };
    });
    const turned = transpose(x, [3, 1, 2, 0]);
    const [channels, height, width, batch] = turned.shape;
    const kept = slice(
      turned,
      [0, 0, 0, 0],
      [channels, height + Math.min(0, pads[0].after), width + Math.min(0, pads[1].after), batch],
    );
    const padded = pad<Tensor<Rank.R4>>(kept, [
      [0, 0],
      ...pads.map(({ before, after }) => [before, Math.max(0, after)] as [number, number]),
      [0, 0],
    ]);
    const filter = transpose(dy, [1, 2, 0, 3]);
    const result = conv2d(padded, filter as Tensor4D, 1, "valid", "NHWC", stride);
    return transpose(result, [1, 2, 0, 3]) as Tensor4D;
  });
}

/** Registers what the wasm backend lacks and a DCGAN needs. */
export function substituteMissing(): void {
  if (getKernel("Conv2DBackpropFilter", "wasm")) return;
  registerKernel({
    kernelName: "Conv2DBackpropFilter",
    backendName: "wasm",
    kernelFunc: ({ inputs, attrs }) => {
      substituted.add("Conv2DBackpropFilter by transposes and a dilated conv2d");
      const { x, dy } = inputs as { x: Tensor4D; dy: Tensor4D };
      return conv2dFilterByConvolution(x, dy, attrs as unknown as FilterAttrs) as TensorInfo;
    },
  });
}
