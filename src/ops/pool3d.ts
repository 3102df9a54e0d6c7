// Pooling of volumes: over pictures first, then along the depth. Means and maxima both split so, as the windows are
// boxes.
import { reshape, type Tensor, zeros } from "@tensorflow/tfjs-core";
import { call, defineOp } from "../backend/op.ts";
import { check, showShape } from "../errors.ts";
import { avgPool, avgPoolGrad, maxPool, maxPoolGrad, type PoolAttrs, windowsAlong } from "./pool.ts";

type Triple = number | readonly number[];

interface Attrs {
  filterSize: Triple;
  strides: Triple;
  pad: "same" | "valid" | number;
  dimRoundingMode?: "floor" | "round" | "ceil";
  /** Default "NDHWC". */
  dataFormat?: string;
}

type Shape = readonly number[];
type Pictures = [number, number, number, number];

const tripleOf = (value: Triple): readonly number[] =>
  typeof value === "number" ? [value, value, value] : value;

/** The two poolings of pictures, with the shapes that they read. */
function plan(
  op: string,
  x: Shape,
  { filterSize, strides, pad, dimRoundingMode, dataFormat = "NDHWC" }: Attrs,
) {
  check(
    x.length === 5 && dataFormat === "NDHWC",
    () =>
      `${op}: expected volumes [batch, depth, height, width, channels], got x ${showShape(x)}, ${dataFormat}`,
  );
  const [batch, depth, height, width, channels] = x;
  const [deep, high, wide] = tripleOf(filterSize);
  const [stride, down, right] = tripleOf(strides);
  const acrossAttrs: PoolAttrs = { filterSize: [high, wide], strides: [down, right], pad, dimRoundingMode };
  const alongAttrs: PoolAttrs = {
    filterSize: [deep, 1],
    strides: [stride, 1],
    pad:
      typeof pad === "number"
        ? [
            [0, 0],
            [pad, pad],
            [0, 0],
            [0, 0],
          ]
        : pad,
    dimRoundingMode,
  };
  const across: Pictures = [batch * depth, height, width, channels];
  const pooled = shapeOf(across, acrossAttrs);
  const along: Pictures = [batch, depth, pooled[1] * pooled[2], channels];
  const [, outDepth] = shapeOf(along, alongAttrs);
  return {
    across,
    along,
    acrossAttrs,
    alongAttrs,
    pooled,
    alongOut: [batch, outDepth, along[2], channels],
    shape: [batch, outDepth, pooled[1], pooled[2], channels],
  };
}

/** Shape of the pooled pictures; an axis too short for the window leaves none, as in TensorFlow.js. */
const shapeOf = ([batch, height, width, channels]: Pictures, attrs: PoolAttrs): number[] => {
  const along = (size: number, axis: 0 | 1) =>
    windowsAlong(
      size,
      (attrs.filterSize as number[])[axis],
      (attrs.strides as number[])[axis],
      (axis + 1) as 1 | 2,
      attrs,
    ).count;
  return [batch, along(height, 0), along(width, 1), channels];
};

/** The mean of each box of volumes [N, D, H, W, C]; padding is not counted. */
export const avgPool3d = defineOp<"x", Attrs>({
  name: "AvgPool3D",
  inputs: ["x"],
  infer: ({ x }, attrs) => ({ shape: plan("avgPool3d", x.shape, attrs).shape }),
  wasm: "composed",
  compose: ({ x }, attrs) => {
    const p = plan("avgPool3d", x.shape, attrs);
    if (p.shape.includes(0)) return zeros(p.shape);
    const pictures = call(avgPool, { x: reshape(x, p.across) }, p.acrossAttrs);
    return reshape(call(avgPool, { x: reshape(pictures, p.along) }, p.alongAttrs), p.shape);
  },
  gradient: (dy, { x }, attrs) => ({
    x: () => {
      const p = plan("avgPool3d", x.shape, attrs);
      if (p.shape.includes(0)) return zeros(x.shape);
      // Of `input` only the shape counts.
      const back = (d: Tensor, shape: Pictures, how: PoolAttrs): Tensor =>
        call(avgPoolGrad, { dy: d, input: zeros(shape) }, how);
      const pictures = back(reshape(dy, p.alongOut), p.along, p.alongAttrs);
      return reshape(back(reshape(pictures, p.pooled), p.across, p.acrossAttrs), x.shape);
    },
  }),
});

/** The largest value of each box of volumes [N, D, H, W, C]; padding never wins. */
export const maxPool3d = defineOp<"x", Attrs>({
  name: "MaxPool3D",
  inputs: ["x"],
  infer: ({ x }, attrs) => ({ shape: plan("maxPool3d", x.shape, attrs).shape }),
  wasm: "composed",
  compose: ({ x }, attrs) => {
    const p = plan("maxPool3d", x.shape, attrs);
    if (p.shape.includes(0)) return zeros(p.shape);
    const pictures = call(maxPool, { x: reshape(x, p.across) }, p.acrossAttrs);
    return reshape(call(maxPool, { x: reshape(pictures, p.along) }, p.alongAttrs), p.shape);
  },
  gradient: (dy, { x }, attrs) => ({
    x: () => {
      const p = plan("maxPool3d", x.shape, attrs);
      if (p.shape.includes(0)) return zeros(x.shape);
      const volumes = reshape(x, p.across);
      const input = reshape(call(maxPool, { x: volumes }, p.acrossAttrs), p.along);
      const pictures = call(maxPoolGrad, { dy: reshape(dy, p.alongOut), input }, p.alongAttrs);
      const dx = call(maxPoolGrad, { dy: reshape(pictures, p.pooled), input: volumes }, p.acrossAttrs);
      return reshape(dx, x.shape);
    },
  }),
});
