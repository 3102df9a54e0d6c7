import {
  reshape,
  reverse,
  type Tensor,
  type Tensor4D,
  tensor1d,
  tidy,
  transpose,
} from "@tensorflow/tfjs-core";
import { call, defineOp, type Op } from "../backend/op.ts";
import { check, showShape } from "../errors.ts";
import { convolution } from "./conv2d.ts";
import { checkFloats } from "./operand.ts";
import { eachPixel } from "./pixels.wgsl.ts";

type Pair = readonly [vertical: number, horizontal: number];

interface Attrs {
  up: Pair;
  down: Pair;
  /** [[top, bottom], [left, right]]; negative ones crop. */
  pad: readonly [Pair, Pair];
  /** The filter is used as it is, not turned by half a circle. */
  flip: boolean;
  gain: number;
}

function outputSize(shape: readonly number[], filter: readonly number[], { up, down, pad }: Attrs) {
  return [0, 1].map((axis) => {
    const padded = shape[axis + 1] * up[axis] + pad[axis][0] + pad[axis][1];
    return Math.floor((padded - filter[axis]) / down[axis]) + 1;
  });
}

/** The first sample that a window from `start` on meets: the least k ≥ 0 with k·up ≥ start. */
const firstSample = `fn firstSample(start: i32, up: i32) -> i32 { return (max(start, 0) + up - 1) / up; }
`;

/** Only the taps that meet a sample, not the zeros between them. */
const filterPixel = `let top = row * u.downY - u.padTop;
  let left = col * u.downX - u.padLeft;
  let firstRow = firstSample(top, u.upY);
  let firstCol = firstSample(left, u.upX);
  let tapRow = firstRow * u.upY - top;
  let tapCol = firstCol * u.upX - left;
  let rows = min(u.inHeight - firstRow, (u.tapRows - tapRow + u.upY - 1) / u.upY);
  let cols = min(u.inWidth - firstCol, (u.tapCols - tapCol + u.upX - 1) / u.upX);
  var sum = V();
  for (var r = 0; r < rows; r++) {
    var at = (((b * u.inHeight + firstRow + r) * u.inWidth) + firstCol) * u.channels + c;
    var tap = u.firstTap + u.step * ((tapRow + r * u.upY) * u.tapCols + tapCol);
    for (var s = 0; s < cols; s++) {
      sum += x[at] * taps[tap];
      at += u.channels;
      tap += u.step * u.upX;
    }
  }
  y[i] = sum * u.gain;`;

/** Upsampling, filter and downsampling of pictures; its adjoint in x is itself with up and down exchanged. */
export const upfirdn2dOp: Op<"x" | "filter", Attrs> = defineOp({
  name: "GanvilUpfirdn2d",
  inputs: ["x", "filter"],
  infer: ({ x, filter }, attrs) => {
    checkFloats("upfirdn2d", { x, filter });
    check(
      x.shape.length === 4 && filter.shape.length === 2 && !filter.shape.includes(0),
      () =>
        `upfirdn2d: expected pictures [batch, height, width, channels] and a filter of rank 1 or 2, got x ${showShape(x.shape)}, filter ${showShape(filter.shape)}`,
    );
    check(
      [...attrs.up, ...attrs.down].every((n) => Number.isInteger(n) && n >= 1) &&
        attrs.pad.flat().every(Number.isInteger),
      () =>
        `upfirdn2d: expected up and down of at least 1 and whole pads, got up ${showShape(attrs.up)}, down ${showShape(attrs.down)}, pad ${JSON.stringify(attrs.pad)}`,
    );
    const size = outputSize(x.shape, filter.shape, attrs);
    check(
      size.every((n) => n >= 1),
      () =>
        `upfirdn2d: the filter ${showShape(filter.shape)} is larger than the padded picture (x ${showShape(x.shape)}, up ${showShape(attrs.up)}, pad ${JSON.stringify(attrs.pad)}). Pad more.`,
    );
    return { shape: [x.shape[0], ...size, x.shape[3]] };
  },
  flops: ({ x, filter }, attrs) => {
    const [height, width] = outputSize(x.shape, filter.shape, attrs);
    const taps = (filter.shape[0] * filter.shape[1]) / (attrs.up[0] * attrs.up[1]);
    return 2 * x.shape[0] * height * width * x.shape[3] * taps;
  },
  wasm: ({ split, ints }, { x, filter }, [y], { up, down, pad, flip, gain }) => {
    const geometry = [
      ...[...x.shape.slice(0, 3), x.shape[3], y.shape[1], y.shape[2]],
      ...[...filter.shape, ...up, ...down, pad[0][0], pad[1][0]],
    ];
    split("upfirdn2d", x.shape[0], 0, [y.ptr, x.ptr, filter.ptr, ints(geometry), Number(flip), gain]);
  },
  webgpu: (context, { x, filter }, [y], { up, down, pad, flip, gain }) =>
    eachPixel(context, {
      name: "upfirdn2d",
      pictures: { x },
      tables: { taps: filter },
      write: { y },
      ints: {
        ...{ inHeight: x.shape[1], inWidth: x.shape[2] },
        ...{ tapRows: filter.shape[0], tapCols: filter.shape[1], upY: up[0], upX: up[1] },
        ...{ downY: down[0], downX: down[1], padTop: pad[0][0], padLeft: pad[1][0] },
        ...(flip ? { firstTap: 0, step: 1 } : { firstTap: filter.size - 1, step: -1 }),
      },
      floats: { gain },
      declarations: () => firstSample,
      body: () => filterPixel,
    }),
  gradient: (dy, { x, filter }, attrs) => ({
    x: () => call(upfirdn2dOp, { x: dy, filter }, adjoint(x.shape, filter.shape, dy.shape, attrs)),
    filter: () => filterGradient(dy, x, filter.shape, attrs),
  }),
});

/** Attributes of the adjoint in x. */
function adjoint(
  x: readonly number[],
  filter: readonly number[],
  y: readonly number[],
  { up, down, pad, flip, gain }: Attrs,
): Attrs {
  const along = (axis: 0 | 1): Pair => {
    const [before] = pad[axis];
    return [
      filter[axis] - 1 - before,
      x[axis + 1] * up[axis] - y[axis + 1] * down[axis] + before - up[axis] + 1,
    ];
  };
  return { up: down, down: up, pad: [along(0), along(1)], flip: !flip, gain };
}

/** The filter-gradient of a convolution with one channel, of which all channels are samples. */
function filterGradient(dy: Tensor, x: Tensor, filter: readonly number[], attrs: Attrs): Tensor {
  const one = tensor1d([1]);
  const spread = call(
    upfirdn2dOp,
    { x, filter: reshape(one, [1, 1]) },
    { ...attrs, down: [1, 1], flip: true },
  );
  const single = (t: Tensor): Tensor => {
    const [batch, height, width, channels] = t.shape;
    return reshape(transpose(t, [0, 3, 1, 2]), [batch * channels, height, width, 1]);
  };
  const gradient = call(convolution.filter, { x: single(spread), dy: single(dy) }, {
    strides: attrs.down,
    pad: "valid",
    dataFormat: "NHWC",
    filterShape: [filter[0], filter[1], 1, 1],
  } as never);
  const shaped = reshape(gradient, filter as number[]);
  return attrs.flip ? shaped : reverse(shaped);
}

const pairOf = (value: number | Pair): Pair => (typeof value === "number" ? [value, value] : value);

const asFilter = (filter: Tensor | readonly number[]): Tensor =>
  "dataId" in filter ? filter : tensor1d([...filter]);

export interface Upfirdn2dOptions {
  /** Rows and columns are spread by this factor, zeros between; a pair is [vertical, horizontal]. Default 1. */
  readonly up?: number | Pair;
  /** Of this many rows and columns the first is kept. Default 1. */
  readonly down?: number | Pair;
  /** Zeros around the spread picture, on all sides or [[top, bottom], [left, right]]; negative: cropped. Default 0. */
  readonly pad?: number | readonly [Pair, Pair];
  /** True: correlation; false (default): convolution, the filter turned by half a circle. */
  readonly flip?: boolean;
  /** Factor of the result; default 1. */
  readonly gain?: number;
}

/**
 * Spreads pictures by zeros, pads or crops them, filters each channel, and drops rows and columns, in one pass:
 * the resampling of Karras et al. 2019 (arXiv 1912.04958). Differentiable any number of times in both inputs.
 * @param x float32 [batch, height, width, channels].
 * @param filter float32 [rows, columns], or of rank 1, then used along rows and columns in turn.
 * @returns float32 [batch, ⌊(height·up + top + bottom - rows)/down⌋ + 1, likewise, channels].
 * @throws RangeError where the filter is larger than the padded picture.
 */
export function upfirdn2d(
  x: Tensor,
  filter: Tensor | readonly number[],
  { up = 1, down = 1, pad = 0, flip = false, gain = 1 }: Upfirdn2dOptions = {},
): Tensor4D {
  const [upY, upX] = pairOf(up);
  const [downY, downX] = pairOf(down);
  const pads =
    typeof pad === "number"
      ? ([
          [pad, pad],
          [pad, pad],
        ] as const)
      : pad;
  return tidy(() => {
    const f = asFilter(filter);
    if (f.rank !== 1) {
      const attrs: Attrs = { up: [upY, upX], down: [downY, downX], pad: pads, flip, gain };
      return call(upfirdn2dOp, { x, filter: f }, attrs) as Tensor4D;
    }
    const rows = call(
      upfirdn2dOp,
      { x, filter: reshape(f, [f.size, 1]) },
      { up: [upY, 1], down: [downY, 1], pad: [pads[0], [0, 0]], flip, gain },
    );
    return call(
      upfirdn2dOp,
      { x: rows, filter: reshape(f, [1, f.size]) },
      { up: [1, upX], down: [1, downX], pad: [[0, 0], pads[1]], flip, gain: 1 },
    ) as Tensor4D;
  });
}

export interface Resample2dOptions {
  /** A low-pass filter, scaled to a sum of 1; default [1, 3, 3, 1]. */
  readonly filter?: readonly number[];
  /** Factor of the result; default 1. */
  readonly gain?: number;
}

const unitSum = (filter: readonly number[]): number[] => {
  const total = filter.reduce((a, b) => a + b, 0);
  return filter.map((weight) => weight / total);
};

const bothAxes = (before: number, after: number): readonly [Pair, Pair] => [
  [Math.floor(before), Math.floor(after)],
  [Math.floor(before), Math.floor(after)],
];

/**
 * Pictures [N, H, W, C] `factor` times larger, low-pass filtered; brightness stays (but for the zeros beyond
 * the edges).
 */
export function upsample2d(
  x: Tensor,
  factor = 2,
  { filter = [1, 3, 3, 1], gain = 1 }: Resample2dOptions = {},
): Tensor4D {
  const n = filter.length;
  const pad = bothAxes((n + factor - 1) / 2, (n - factor) / 2);
  return upfirdn2d(x, unitSum(filter), { up: factor, pad, gain: gain * factor * factor });
}

/** Pictures [N, H, W, C] `factor` times smaller, low-pass filtered first. */
export function downsample2d(
  x: Tensor,
  factor = 2,
  { filter = [1, 3, 3, 1], gain = 1 }: Resample2dOptions = {},
): Tensor4D {
  const n = filter.length;
  const pad = bothAxes((n - factor + 1) / 2, (n - factor) / 2);
  return upfirdn2d(x, unitSum(filter), { down: factor, pad, gain });
}

/** Pictures [N, H, W, C] of the same size, low-pass filtered. */
export function filter2d(x: Tensor, { filter = [1, 3, 3, 1], gain = 1 }: Resample2dOptions = {}): Tensor4D {
  const n = filter.length;
  return upfirdn2d(x, unitSum(filter), { pad: bothAxes(n / 2, (n - 1) / 2), gain });
}
