import {
  matMul,
  reshape,
  type Tensor2D,
  type Tensor4D,
  tensor2d,
  tidy,
  transpose,
} from "@tensorflow/tfjs-core";
import { check, showShape } from "../errors.ts";

/** A filter's support in pixels of the smaller picture, and its value at a distance. */
interface Filter {
  readonly support: number;
  at(x: number): number;
}

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

const filters = {
  box: { support: 0.5, at: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  triangle: { support: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) },
  lanczos3: { support: 3, at: (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) },
} as const satisfies Record<string, Filter>;

export interface ResizeOptions {
  /** `"triangle"` is called bilinear elsewhere. Default `"triangle"`. */
  readonly filter?: keyof typeof filters;
}

/**
 * Weights of each source pixel in each result pixel along one axis, as Pillow computes them: the filter is as wide as
 * the larger of the two pixels, cut off at the edges, and each row sums to one.
 * @returns float32 [to, from] row by row
 */
export function resizeWeights(from: number, to: number, filter: keyof typeof filters): Float32Array {
  const { support, at } = filters[filter];
  const scale = from / to;
  const wide = Math.max(scale, 1);
  const weights = new Float32Array(to * from);
  for (let i = 0; i < to; i++) {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - support * wide + 0.5));
    const end = Math.min(from, Math.floor(centre + support * wide + 0.5));
    const row = Array.from({ length: end - first }, (_, j) => at((first + j - centre + 0.5) / wide));
    const sum = row.reduce((a, b) => a + b, 0);
    weights.set(
      row.map((value) => value / sum),
      i * from + first,
    );
  }
  return weights;
}

/**
 * Pictures of another size, each pixel a mean over all that it covers, so that no detail turns into moiré (Parmar et al.
 * 2021, arXiv 2104.11222). Two matrix products, hence differentiable any number of times. Values in between are not
 * rounded, and Lanczos's overshoot is not clipped.
 * @param x float32 [N, height, width, channels]
 * @param size [height, width] of the result
 */
export function resizeAntialiased(
  x: Tensor4D,
  size: readonly [height: number, width: number],
  { filter = "triangle" }: ResizeOptions = {},
): Tensor4D {
  check(
    x.shape.length === 4,
    () => `resizeAntialiased: expected x of rank 4 (NHWC), got ${showShape(x.shape)}`,
  );
  check(
    size.length === 2 && size.every((side) => Number.isInteger(side) && side > 0),
    () => `resizeAntialiased: expected [height, width] of whole numbers above 0, got ${showShape(size)}`,
  );
  const [, height, width] = x.shape;
  if (height === size[0] && width === size[1]) return x.clone();
  return resampled(x, resizeWeights(height, size[0], filter), resizeWeights(width, size[1], filter));
}

/**
 * Every channel times a matrix from either side: rows·x·columnsᵀ.
 * @param x float32 [N, height, width, channels]
 * @param rows, columns [to, height] and [to, width], row by row
 */
export function resampled(x: Tensor4D, rows: Float32Array, columns: Float32Array): Tensor4D {
  const [n, height, width, channels] = x.shape;
  const [high, wide] = [rows.length / height, columns.length / width];
  return tidy(() => {
    const planes = reshape(transpose(x, [0, 3, 1, 2]), [n * channels * height, width]) as Tensor2D;
    const across = reshape(matMul(planes, tensor2d(columns, [wide, width]), false, true), [-1, height, wide]);
    // Turned, all channels are one product, not a small one each.
    const turned = reshape(transpose(across, [0, 2, 1]), [n * channels * wide, height]) as Tensor2D;
    const down = matMul(turned, tensor2d(rows, [high, height]), false, true);
    return transpose(reshape(down, [n, channels, wide, high]), [0, 3, 2, 1]) as Tensor4D;
  });
}
