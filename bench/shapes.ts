/** A convolution at one size: NHWC input, square filter, "same" padding. */
export interface ConvShape {
  readonly batch: number;
  /** Height and width of the input. */
  readonly size: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: number;
  readonly stride: number;
  readonly kind: "dense" | "grouped" | "depthwise";
}

const dense = (kernel: number, stride: number, inputs: number, outputs: number, size: number): ConvShape => ({
  ...{ batch: 16, size, inputs, outputs, kernel, stride, kind: "dense" },
});

/** Convolutions of the DCGAN, and of residual GANs: 3×3, grouped, 1×1, depthwise. */
export const convShapes: readonly ConvShape[] = [
  dense(4, 2, 3, 64, 32),
  dense(4, 2, 64, 128, 16),
  dense(4, 2, 128, 256, 8),
  dense(3, 1, 64, 64, 32),
  dense(3, 1, 128, 128, 16),
  dense(1, 1, 64, 128, 32),
  { ...dense(3, 1, 64, 64, 16), kind: "grouped" },
  { ...dense(3, 1, 64, 64, 32), kind: "depthwise" },
];

/** Small enough for TensorFlow.js's cpu backend. */
export const smallConvShapes: readonly ConvShape[] = [{ ...dense(4, 2, 8, 16, 8), batch: 2 }];

/** Channels of one group in grouped convolutions. */
export const groupChannels = 16;

/** Floating-point operations of the direct algorithm, for each of the three convolutions of a layer. */
export function convFlops({ batch, size, inputs, outputs, kernel, stride, kind }: ConvShape): number {
  const perOutput = { dense: inputs, grouped: groupChannels, depthwise: 1 }[kind];
  return 2 * batch * (size / stride) ** 2 * outputs * kernel ** 2 * perOutput;
}

export function convName({ batch, size, inputs, outputs, kernel, stride, kind }: ConvShape): string {
  const what = kind === "dense" ? "" : `${kind} `;
  return `${what}${kernel}×${kernel} s${stride} ${inputs}→${outputs} @${size} batch ${batch}`;
}
