import { abs, cast, less, mul, reshape, sub, type Tensor, tensor2d } from "@tensorflow/tfjs-core";

/**
 * 0 in a rectangle, 1 elsewhere (DeVries & Taylor 2017, arXiv 1708.04552).
 * @param shape [N, height, width, ...] of the pictures
 * @param centre float32 [N] each: row and column, as parts of height and width
 * @param size float32 [N]: height and width of the rectangle as parts of the picture's; 0: none
 * @returns float32 [N, height, width, 1]
 */
export function hole(
  [n, height, width]: readonly number[],
  centre: readonly [row: Tensor, column: Tensor],
  size: Tensor,
): Tensor {
  const half = mul(reshape(size, [n, 1]), 0.5);
  const inside = (middle: Tensor, pixels: number, shape: number[]): Tensor => {
    const centres = Float32Array.from({ length: pixels }, (_, i) => (i + 0.5) / pixels);
    const distance = abs(sub(reshape(middle, [n, 1]), tensor2d(centres, [1, pixels])));
    return reshape(cast(less(distance, half), "float32"), shape);
  };
  return sub(
    1,
    mul(inside(centre[0], height, [n, height, 1, 1]), inside(centre[1], width, [n, 1, width, 1])),
  );
}
