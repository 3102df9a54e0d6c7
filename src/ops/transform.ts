// TensorFlow.js's projective transforms, rotation and crops, each a bilinear sampling at positions that are found
// in float64 as TensorFlow.js does it, so that the nearest pixel is the same. Differentiable in the pictures.
import { add, backend_util, sub, type Tensor, tensor1d, tensor4d, tidy } from "@tensorflow/tfjs-core";
import { call, defineOp } from "../backend/op.ts";
import { check, checkType, show, showShape } from "../errors.ts";
import { gather, gatherGrad } from "./gather.ts";
import { checkFloats } from "./operand.ts";
import { sample, sampleAdjoint } from "./sample.ts";

type Interpolation = "nearest" | "bilinear";
type Size = readonly [height: number, width: number];

type Place = (n: number, row: number, col: number) => readonly [col: number, row: number];

/** Positions [batch, height, width, 2], columns and rows in pixels; NaN lies outside the picture. */
function placed(
  [batch, height, width]: readonly number[],
  interpolation: Interpolation,
  at: Place,
): Float32Array {
  const values = new Float32Array(batch * height * width * 2);
  let i = 0;
  for (let n = 0; n < batch; n++) {
    for (let row = 0; row < height; row++) {
      for (let col = 0; col < width; col++) {
        for (const value of at(n, row, col)) {
          values[i++] = interpolation === "nearest" ? Math.round(value) : value;
        }
      }
    }
  }
  return values;
}

interface PositionsAttrs {
  /** Of the result: [batch, height, width, 2]. */
  shape: readonly number[];
  interpolation: Interpolation;
  /** Where a pixel of the result lies, by the values of the maps. */
  placeBy: (maps: Float32Array) => Place;
}

/** Positions by maps, or boxes, whose values may have yet to come. */
export const positionsBy = defineOp<"maps", PositionsAttrs>({
  name: "GanvilPositions",
  inputs: ["maps"],
  infer: (_, { shape }) => ({ shape }),
  wasm: ({ kernels, bytes, intAt }, { maps }, [at], { shape, interpolation, placeBy }) => {
    const values = Int32Array.from({ length: maps.size }, (_, i) => intAt(maps.ptr, i));
    const positions = placed(shape, interpolation, placeBy(new Float32Array(values.buffer)));
    kernels.copy(bytes(new Uint8Array(positions.buffer)), at.ptr, positions.byteLength);
  },
});

/** Samples of `x`, and `fill` (a number, or one for each channel) beyond its edges. */
function sampleOr(x: Tensor, at: Tensor, fill: number | readonly number[]): Tensor {
  if (fill === 0) return call(sample, { x, at }, { slopes: 0 });
  const beyond = typeof fill === "number" ? fill : tensor1d([...fill]);
  return add(call(sample, { x: sub(x, beyond), at }, { slopes: 0 }), beyond);
}

const adjoint = (dy: Tensor, at: Tensor, x: Tensor): Tensor =>
  call(sampleAdjoint, { dy, at }, { slopes: 0, shape: x.shape });

type FillMode = "constant" | "reflect" | "wrap" | "nearest";

const clamp = (value: number, size: number): number => Math.min(Math.max(value, 0), size - 1);

/** Where a position beyond the picture reads it. */
function fold(value: number, size: number, mode: FillMode): number {
  if (mode === "constant") return value;
  if (mode === "nearest") return clamp(value, size);
  if (size <= 1) return value < 0 || value > 0 ? 0 : value;
  if (mode === "reflect") {
    const inPeriod = value - 2 * size * Math.floor(value / (2 * size));
    return clamp(inPeriod < size ? inPeriod : 2 * size - 1 - inPeriod, size);
  }
  // TensorFlow's periods: counted by size - 1, moved by size.
  const periods = Math.trunc(Math.abs(value) / (size - 1));
  if (value < 0) return clamp(value + size * (periods + 1), size);
  return clamp(value > size - 1 ? value - size * periods : value, size);
}

interface TransformAttrs {
  interpolation: Interpolation;
  fillMode: FillMode;
  fillValue: number;
  outputShape?: [number, number] | null;
}

const transformSize = (image: { readonly shape: readonly number[] }, { outputShape }: TransformAttrs): Size =>
  outputShape ?? [image.shape[1], image.shape[2]];

function transformPositions(image: Tensor, transforms: Tensor, attrs: TransformAttrs): Tensor {
  const [, height, width] = image.shape;
  return call(
    positionsBy,
    { maps: transforms },
    {
      shape: [transforms.shape[0], ...transformSize(image, attrs), 2],
      interpolation: attrs.interpolation,
      placeBy: (maps) => (n, row, col) => {
        const m = maps.subarray(8 * n, 8 * n + 8);
        const depth = m[6] * col + m[7] * row + 1;
        if (depth === 0) return [Number.NaN, Number.NaN];
        return [
          fold((m[0] * col + m[1] * row + m[2]) / depth, width!, attrs.fillMode),
          fold((m[3] * col + m[4] * row + m[5]) / depth, height!, attrs.fillMode),
        ];
      },
    },
  );
}

/** Pictures under projective maps [1 or batch, 8] from the result's positions to theirs. */
export const transform = defineOp<"image" | "transforms", TransformAttrs>({
  name: "Transform",
  inputs: ["image", "transforms"],
  infer: ({ image, transforms }, attrs) => {
    checkFloats("transform", { image, transforms });
    check(
      image.shape.length === 4 && transforms.shape.length === 2 && transforms.shape[1] === 8,
      () =>
        `transform: expected pictures [batch, height, width, channels] and transforms [batch or 1, 8], got ${showShape(image.shape)}, ${showShape(transforms.shape)}`,
    );
    checkType(
      ["constant", "reflect", "wrap", "nearest"].includes(attrs.fillMode) &&
        ["nearest", "bilinear"].includes(attrs.interpolation),
      () =>
        `transform: expected interpolation nearest or bilinear and fillMode constant, reflect, wrap or nearest, got ${show(attrs.interpolation)}, ${show(attrs.fillMode)}`,
    );
    return { shape: [image.shape[0], ...transformSize(image, attrs), image.shape[3]] };
  },
  wasm: "composed",
  compose: ({ image, transforms }, attrs) =>
    sampleOr(image, transformPositions(image, transforms, attrs), attrs.fillValue),
  gradient: (dy, { image, transforms }, attrs) => ({
    image: () => tidy(() => adjoint(dy, transformPositions(image, transforms, attrs), image)),
  }),
});

interface RotateAttrs {
  radians: number;
  fillValue: number | [number, number, number];
  center: number | [number, number];
}

function rotatedPositions(image: Tensor, { radians, center }: RotateAttrs): Tensor {
  const [, height, width] = image.shape as [number, number, number, number];
  const [x, y] = backend_util.getImageCenter(center, height, width);
  const [sin, cos] = [Math.sin(radians), Math.cos(radians)];
  const values = placed([1, height, width], "nearest", (_, row, col) => [
    (col - x) * cos - (row - y) * sin + x,
    (col - x) * sin + (row - y) * cos + y,
  ]);
  return tensor4d(values, [1, height, width, 2]);
}

/** Pictures turned around a centre, each pixel the nearest one. */
export const rotateWithOffset = defineOp<"image", RotateAttrs>({
  name: "RotateWithOffset",
  inputs: ["image"],
  infer: ({ image }) => {
    checkFloats("rotateWithOffset", { image });
    return image;
  },
  wasm: "composed",
  compose: ({ image }, attrs) => {
    const { fillValue } = attrs;
    // TensorFlow.js fills an alpha channel with full opacity.
    const fill =
      typeof fillValue === "number"
        ? fillValue
        : Array.from({ length: image.shape[3]! }, (_, channel) => (channel === 3 ? 255 : fillValue[channel]));
    return sampleOr(image, rotatedPositions(image, attrs), fill);
  },
  gradient: (dy, { image }, attrs) => ({
    image: () => tidy(() => adjoint(dy, rotatedPositions(image, attrs), image)),
  }),
});

interface CropAttrs {
  cropSize: [number, number];
  method: Interpolation;
  extrapolationValue: number;
}

function cropPositions(image: Tensor, boxes: Tensor, { cropSize, method }: CropAttrs): Tensor {
  const [, height, width] = image.shape as [number, number, number, number];
  const along = (first: number, last: number, i: number, count: number, size: number): number => {
    const at =
      count > 1
        ? first * (size - 1) + (i * (last - first) * (size - 1)) / (count - 1)
        : 0.5 * (first + last) * (size - 1);
    return at < 0 || at > size - 1 ? Number.NaN : at;
  };
  return call(
    positionsBy,
    { maps: boxes },
    {
      shape: [boxes.shape[0], ...cropSize, 2],
      interpolation: method,
      placeBy: (edges) => (n, row, col) => {
        const [top, left, bottom, right] = edges.subarray(4 * n, 4 * n + 4);
        return [along(left, right, col, cropSize[1], width), along(top, bottom, row, cropSize[0], height)];
      },
    },
  );
}

/** Boxes [count, 4] of chosen pictures, resized to `cropSize`. */
export const cropAndResize = defineOp<"image" | "boxes" | "boxInd", CropAttrs>({
  name: "CropAndResize",
  inputs: ["image", "boxes", "boxInd"],
  infer: ({ image, boxes, boxInd }, { cropSize }) => {
    checkFloats("cropAndResize", { image, boxes });
    check(
      image.shape.length === 4 && boxes.shape[1] === 4 && boxInd.shape[0] === boxes.shape[0],
      () =>
        `cropAndResize: expected pictures of rank 4, boxes [count, 4] and boxInd [count], got ${showShape(image.shape)}, ${showShape(boxes.shape)}, ${showShape(boxInd.shape)}`,
    );
    return { shape: [boxes.shape[0], ...cropSize, image.shape[3]] };
  },
  wasm: "composed",
  compose: ({ image, boxes, boxInd }, attrs) => {
    const pictures = call(gather, { x: image, indices: boxInd }, { axis: 0, outside: "zeros" });
    return sampleOr(pictures, cropPositions(image, boxes, attrs), attrs.extrapolationValue);
  },
  gradient: (dy, { image, boxes, boxInd }, attrs) => ({
    image: () =>
      tidy(() => {
        const shape = [boxes.shape[0], ...image.shape.slice(1)];
        const at = cropPositions(image, boxes, attrs);
        const pictures = call(sampleAdjoint, { dy, at }, { slopes: 0, shape });
        return call(gatherGrad, { dy: pictures, indices: boxInd }, { axis: 0, shape: image.shape });
      }),
  }),
});
