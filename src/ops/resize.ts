import { fill, util } from "@tensorflow/tfjs-core";
import { itemsPerPiece } from "../backend/executor.ts";
import { type Call, call as callOp, defineOp, type Op, type Operand } from "../backend/op.ts";
import { check, checkType, showShape } from "../errors.ts";
import { asFloat32, sweepItems } from "./operand.ts";
import { blendNeighbours, copyNearest, returnToPixels } from "./resize.wgsl.ts";
import { checkMovable, widthOf } from "./strided-copy.ts";

interface ResizeAttrs {
  /** Height and width of the result. */
  size: [number, number];
  /** The centres of the corner pixels coincide. */
  alignCorners: boolean;
  /** A pixel's centre is at its index + ½, as in image editors and PyTorch; else at its index. */
  halfPixelCenters: boolean;
}

type Shaped = Pick<Operand, "shape" | "dtype">;

function resizedShape(op: string, { shape }: Shaped, { size, alignCorners, halfPixelCenters }: ResizeAttrs) {
  check(
    shape.length === 4 && size.length === 2 && size.every((n) => Number.isInteger(n) && n > 0),
    () =>
      `${op}: expected pictures [batch, height, width, channels] and a positive size [height, width], got ${showShape(shape)} and ${showShape(size)}`,
  );
  check(
    !(alignCorners && halfPixelCenters),
    () => `${op}: expected at most one of alignCorners and halfPixelCenters, got both`,
  );
  check(
    shape[1] > 0 && shape[2] > 0,
    () => `${op}: expected pictures of at least one pixel, got ${showShape(shape)}`,
  );
  return [shape[0], ...size, shape[3]];
}

function checkGradient(op: string, dy: Shaped, images: Shaped, attrs: ResizeAttrs): void {
  const expected = resizedShape(op, images, attrs);
  check(
    dy.shape.join() === expected.join(),
    () => `${op}: expected dy ${showShape(expected)}, got ${showShape(dy.shape)}`,
  );
}

/** Position in the source, in pixels, of pixel `i` of the result. */
function sourceOf(i: number, from: number, to: number, attrs: ResizeAttrs): number {
  if (attrs.alignCorners && to > 1) return (i * (from - 1)) / (to - 1);
  return attrs.halfPixelCenters ? ((i + 0.5) * from) / to : (i * from) / to;
}

/** For each pixel of the result along an axis the nearest of the source. */
function nearestTable(from: number, to: number, attrs: ResizeAttrs): Int32Array {
  const round = attrs.alignCorners ? Math.round : Math.floor;
  return Int32Array.from({ length: to }, (_, i) => Math.min(from - 1, round(sourceOf(i, from, to, attrs))));
}

/**
 * For each pixel of the result along an axis its neighbours in the source and the second one's share, the bits of a
 * float32.
 */
function linearTable(from: number, to: number, attrs: ResizeAttrs): Int32Array {
  const positions = new Int32Array(3 * to);
  const shares = new Float32Array(positions.buffer);
  for (let i = 0; i < to; i++) {
    const centre = sourceOf(i, from, to, attrs) - (attrs.halfPixelCenters ? 0.5 : 0);
    const at = Math.min(from - 1, Math.max(0, centre));
    const below = Math.floor(at);
    positions[3 * i] = below;
    positions[3 * i + 1] = Math.min(from - 1, below + 1);
    shares[3 * i + 2] = at - below;
  }
  return positions;
}

/** The nearest ones as `linearTable` has them: a share of nothing for a second one. */
const nearestEntries: Table = (from, to, attrs) =>
  Int32Array.from([...nearestTable(from, to, attrs)].flatMap((at) => [at, at, 0]));

type Table = typeof nearestTable;

/** A table for the rows and one for the columns, between pictures of two shapes. */
const bothTables = (table: Table, from: readonly number[], to: readonly number[], attrs: ResizeAttrs) =>
  [table(from[1], to[1], attrs), table(from[2], to[2], attrs)] as const;

/** The same where the kernels can read them. */
const tablesFor = (call: Call, ...tables: Parameters<typeof bothTables>): number[] =>
  bothTables(...tables).map(({ buffer }) => call.bytes(new Uint8Array(buffer)));

/** Pictures [N, H, W, C] at another size, each pixel a copy of the nearest one. */
export const resizeNearestNeighbor: Op<"images", ResizeAttrs> = defineOp({
  name: "ResizeNearestNeighbor",
  inputs: ["images"],
  infer: ({ images }, attrs) => {
    checkMovable("resizeNearestNeighbor", images.dtype);
    return { shape: resizedShape("resizeNearestNeighbor", images, attrs), dtype: images.dtype };
  },
  wasm: (call, { images }, [y], attrs) => {
    const [batch, height, width, channels] = images.shape;
    const [, outHeight, outWidth] = y.shape;
    const [rows, cols] = tablesFor(call, nearestTable, images.shape, y.shape, attrs);
    const pixel = channels * widthOf(y.dtype);
    const args = [y.ptr, images.ptr, rows, cols, batch, height, width, outHeight, outWidth, pixel];
    const [outBytes, bytes] = [outHeight * outWidth * pixel, height * width * pixel];
    sweepItems(call, "resizeNearest", args, 4, outBytes / 4, [outBytes, bytes]);
  },
  webgpu: (call, { images }, [y], attrs) =>
    copyNearest(call, images, y, ...bothTables(nearestTable, images.shape, y.shape, attrs)),
  gradient: (dy, { images }, attrs) => ({
    images: () => callOp(resizeNearestNeighborGrad, { dy, images }, attrs),
  }),
});

/** The adjoint of `resizeNearestNeighbor`; of `images` only the shape counts. */
export const resizeNearestNeighborGrad: Op<"dy" | "images", ResizeAttrs> = defineOp({
  name: "ResizeNearestNeighborGrad",
  inputs: ["dy", "images"],
  infer: ({ dy, images }, attrs) => {
    checkGradient("resizeNearestNeighborGrad", dy, images, attrs);
    return { shape: images.shape };
  },
  wasm: (call, { dy }, [dx], attrs) => {
    const [batch, height, width, channels] = dx.shape;
    const [, outHeight, outWidth] = dy.shape;
    const [rows, cols] = tablesFor(call, nearestTable, dx.shape, dy.shape, attrs);
    const args = [dx.ptr, dy.ptr, rows, cols, batch, height, width, outHeight, outWidth, channels];
    const [size, outSize] = [height * width * channels, outHeight * outWidth * channels];
    sweepItems(call, "resizeNearestGrad", args, 4, size + outSize, [4 * size, 4 * outSize]);
  },
  webgpu: (call, { dy }, [dx], attrs) =>
    returnToPixels(call, dy, dx, ...bothTables(nearestEntries, dx.shape, dy.shape, attrs)),
  gradient: (ddx, { images }, attrs) => ({
    dy: () => callOp(resizeNearestNeighbor, { images: ddx }, attrs),
    images: () => fill(images.shape, 0),
  }),
});

/** Runs a bilinear kernel, `result` from `source`, between pictures of two shapes. */
function sweepBilinear(
  call: Call,
  kernel: "resizeBilinear" | "resizeBilinearGrad",
  result: Operand,
  source: Operand,
  from: readonly number[],
  to: readonly number[],
  attrs: ResizeAttrs,
): void {
  const [batch, height, width, channels] = from;
  const [, outHeight, outWidth] = to;
  const [rows, cols] = tablesFor(call, linearTable, from, to, attrs);
  const pictureOf = ({ shape }: Operand): number => util.sizeFromShape(shape.slice(1));
  const unit = itemsPerPiece(batch, pictureOf(result) + pictureOf(source));
  const lineBytes = 4 * width * channels;
  const line = call.workspace(lineBytes * Math.ceil(batch / unit));
  call.sweep(
    kernel,
    [result.ptr, source.ptr, rows, cols, line, batch, height, width, outHeight, outWidth, channels],
    5,
    unit,
    [4 * unit * pictureOf(result), 4 * unit * pictureOf(source), 0, 0, lineBytes],
  );
}

/** Pictures [N, H, W, C] of float32 or int32 at another size, float32, each pixel a blend of the four nearest. */
export const resizeBilinear: Op<"images", ResizeAttrs> = defineOp({
  name: "ResizeBilinear",
  inputs: ["images"],
  infer: ({ images }, attrs) => {
    checkType(
      images.dtype === "float32" || images.dtype === "int32",
      () => `resizeBilinear: expected dtype float32 or int32, got ${images.dtype}`,
    );
    return { shape: resizedShape("resizeBilinear", images, attrs) };
  },
  wasm: (call, { images }, [y], attrs) =>
    sweepBilinear(call, "resizeBilinear", y, asFloat32(call, images), images.shape, y.shape, attrs),
  webgpu: (call, { images }, [y], attrs) =>
    blendNeighbours(call, images, y, ...bothTables(linearTable, images.shape, y.shape, attrs)),
  gradient: (dy, { images }, attrs) => ({
    images: () => callOp(resizeBilinearGrad, { dy, images }, attrs),
  }),
});

/** The adjoint of `resizeBilinear`; of `images` only the shape counts. */
export const resizeBilinearGrad: Op<"dy" | "images", ResizeAttrs> = defineOp({
  name: "ResizeBilinearGrad",
  inputs: ["dy", "images"],
  infer: ({ dy, images }, attrs) => {
    checkGradient("resizeBilinearGrad", dy, images, attrs);
    return { shape: images.shape };
  },
  wasm: (call, { dy }, [dx], attrs) =>
    sweepBilinear(call, "resizeBilinearGrad", dx, dy, dx.shape, dy.shape, attrs),
  webgpu: (call, { dy }, [dx], attrs) =>
    returnToPixels(call, dy, dx, ...bothTables(linearTable, dx.shape, dy.shape, attrs)),
  gradient: (ddx, { images }, attrs) => ({
    dy: () => callOp(resizeBilinear, { images: ddx }, attrs),
    images: () => fill(images.shape, 0),
  }),
});
