// Bilinear sampling of pictures at any positions, and what follows from it: grids, affine maps.
import {
  add,
  mul,
  reshape,
  split,
  stack,
  sub,
  sum,
  type Tensor,
  type Tensor4D,
  tensor,
  tensor1d,
  tidy,
  zeros,
} from "@tensorflow/tfjs-core";
import { call, defineOp, type Op } from "../backend/op.ts";
import { check, showShape } from "../errors.ts";
import { checkFloats } from "./operand.ts";
import { returnSamples, samplePixels } from "./sample.wgsl.ts";

/** Along which axes the derivative by the position is taken in place of the value: bit 1 columns, 2 rows. */
type Slopes = 0 | 1 | 2 | 3;

type Shaped = { readonly shape: readonly number[]; readonly dtype: string };

function checkPositions(op: string, x: readonly number[], at: Shaped): void {
  check(
    x.length === 4 && at.shape.length === 4 && at.shape[3] === 2 && [1, x[0]].includes(at.shape[0]),
    () =>
      `${op}: expected pictures [batch, height, width, channels] and positions [batch or 1, height, width, 2], got ${showShape(x)} and ${showShape(at.shape)}`,
  );
}

const geometryOf = (x: readonly number[], at: readonly number[]): number[] => [...x, at[1] * at[2], at[0]];

/** Σ over channels of dy·(derivative of a sample by its position), of the positions' shape. */
function positionGradient(dy: Tensor, x: Tensor, at: Tensor, slopes: Slopes): Tensor {
  const along = (bit: 1 | 2): Tensor =>
    slopes & bit
      ? zeros(dy.shape.slice(0, 3))
      : sum(mul(dy, call(sample, { x, at }, { slopes: (slopes | bit) as Slopes })), 3);
  const gradient = stack([along(1), along(2)], 3);
  return at.shape[0] === dy.shape[0] ? gradient : sum(gradient, 0, true);
}

/** Bilinear samples of `x` [N, H, W, C] at `at` [N or 1, h, w, 2], pairs of column and row in pixels. */
export const sample: Op<"x" | "at", { slopes: Slopes }> = defineOp({
  name: "GanvilSample",
  inputs: ["x", "at"],
  infer: ({ x, at }) => {
    checkFloats("gridSample", { x, at });
    checkPositions("gridSample", x.shape, at);
    return { shape: [x.shape[0], at.shape[1], at.shape[2], x.shape[3]] };
  },
  wasm: ({ kernels, ints }, { x, at }, [y], { slopes }) =>
    kernels.sample(y.ptr, x.ptr, at.ptr, ints(geometryOf(x.shape, at.shape)), slopes),
  webgpu: (context, { x, at }, [y], { slopes }) => samplePixels(context, x, at, y, slopes),
  gradient: (dy, { x, at }, { slopes }) => ({
    x: () => call(sampleAdjoint, { dy, at }, { slopes, shape: x.shape }),
    at: () => positionGradient(dy, x, at, slopes),
  }),
});

/** The adjoint of `sample` in x, pictures of `shape`. */
export const sampleAdjoint: Op<"dy" | "at", { slopes: Slopes; shape: number[] }> = defineOp({
  name: "GanvilSampleAdjoint",
  inputs: ["dy", "at"],
  infer: ({ at }, { shape }) => {
    checkPositions("gridSample's adjoint", shape, at);
    return { shape };
  },
  wasm: ({ kernels, ints }, { dy, at }, [dx], { slopes }) =>
    kernels.sampleAdjoint(dx.ptr, dy.ptr, at.ptr, ints(geometryOf(dx.shape, at.shape)), slopes),
  webgpu: (context, { dy, at }, [dx], { slopes }) => returnSamples(context, dy, at, dx, slopes),
  gradient: (ddx, { dy, at }, { slopes }) => ({
    dy: () => call(sample, { x: ddx, at }, { slopes }),
    at: () => positionGradient(dy, ddx, at, slopes),
  }),
});

/**
 * Pictures sampled bilinearly at the positions of a grid, zeros beyond their edges (Jaderberg et al. 2015, arXiv
 * 1506.02025). Differentiable any number of times in both; at a pixel's centre by the right-hand slope.
 * @param x float32 [batch, height, width, channels].
 * @param grid float32 [batch or 1, outHeight, outWidth, 2]: x and y of each sample, -1 and 1 at the picture's outer
 * edges (PyTorch's grid_sample with align_corners false).
 * @returns float32 [batch, outHeight, outWidth, channels].
 * @throws RangeError where the shapes do not fit.
 */
export function gridSample(x: Tensor, grid: Tensor): Tensor4D {
  checkFloats("gridSample", { x, grid });
  checkPositions("gridSample", x.shape, grid);
  return tidy(() => {
    const half = tensor1d([x.shape[2]! / 2, x.shape[1]! / 2]);
    const at = add(mul(grid, half), sub(half, 0.5));
    return call(sample, { x, at }, { slopes: 0 }) as Tensor4D;
  });
}

/**
 * The grid of an affine map: theta·(x, y, 1) for the centre (x, y) of each pixel of a picture of this size, -1 and 1
 * at its outer edges.
 * @param theta float32 [batch, 2, 3], from positions in the result to positions in the source.
 * @param size [height, width] of the result.
 * @returns float32 [batch, height, width, 2], for `gridSample`.
 */
export function affineGrid(theta: Tensor, [height, width]: readonly [number, number]): Tensor4D {
  const from: readonly number[] = theta.shape;
  check(
    from.length === 3 && from[1] === 2 && from[2] === 3,
    () => `affineGrid: expected theta [batch, 2, 3], got ${showShape(from)}`,
  );
  return tidy(() => {
    const centres = (size: number, shape: number[]): Tensor =>
      tensor(
        Float32Array.from({ length: size }, (_, i) => (2 * i + 1) / size - 1),
        shape,
      );
    // What depends on the column and what depends on the row, each small; their sum is the grid.
    const [byColumn, byRow, shift] = split(theta, 3, 2).map((part) => reshape(part, [from[0], 1, 1, 2]));
    const across = add(mul(byColumn, centres(width, [1, 1, width, 1])), shift);
    return add(across, mul(byRow, centres(height, [1, height, 1, 1]))) as Tensor4D;
  });
}

export const sampleOps = [sample, sampleAdjoint];
