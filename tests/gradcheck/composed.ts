import {
  abs,
  add,
  concat,
  conv2d,
  conv2dTranspose,
  leakyRelu,
  logSumExp,
  matMul,
  mean,
  mul,
  neg,
  onesLike,
  pad,
  range,
  relu,
  reshape,
  reverse,
  rsqrt,
  slice,
  softplus,
  split,
  stack,
  sub,
  type Tensor,
  type Tensor4D,
  tile,
  transpose,
} from "@tensorflow/tfjs-core";
import type { Extras } from "./network.ts";

/** The definitions of what TensorFlow.js lacks, made of its functions: what the float64 reference computes. */
export const composed: Extras = {
  groupedConv2d: (x, filter, groups, stride) => {
    const filters = split(filter, groups, 3);
    return concat(
      split(x, groups, 3).map((part, i) => conv2d(part as Tensor4D, filters[i] as Tensor4D, stride, "same")),
      3,
    );
  },
  groupedConv2dTranspose: (x, filter, groups, stride) => {
    const filters = split(filter, groups, 3);
    return concat(
      split(x, groups, 3).map((part, i) => {
        const [n, height, width] = part.shape;
        const shape: [number, number, number, number] = [n, height * stride, width * stride, filter.shape[2]];
        return conv2dTranspose(part as Tensor4D, filters[i] as Tensor4D, shape, stride, "same");
      }),
      3,
    );
  },
  batchNormTrain: (x, scale, offset, groups) => {
    const parts = split(x, groups, 0).map((part) => {
      const axes = part.shape.slice(0, -1).map((_, axis) => axis);
      const centred = sub(part, mean(part, axes, true));
      const variance = mean(mul(centred, centred), axes, true);
      return add(mul(mul(centred, rsqrt(add(variance, 1e-3))), scale), offset);
    });
    return concat(parts, 0);
  },
  logSigmoid: (x) => neg(softplus(neg(x))),
  logSoftmax: (x) => sub(x, logSumExp(x, x.rank - 1, true)),
  spaceToDepth: (x, block) => {
    const [n, height, width, channels] = x.shape;
    const [high, wide] = [height / block, width / block];
    const cut = reshape(x, [n, high, block, wide, block, channels]);
    return reshape(transpose(cut, [0, 1, 3, 2, 4, 5]), [n, high, wide, block * block * channels]);
  },
  upfirdn2d: (x, filter, up, down, [[top, bottom], [left, right]]) => {
    const [n, height, width, channels] = x.shape;
    const spaced = pad(reshape(x, [n, height, 1, width, 1, channels]), [
      [0, 0],
      [0, 0],
      [0, up - 1],
      [0, 0],
      [0, up - 1],
      [0, 0],
    ]);
    const padded = pad(reshape(spaced, [n, height * up, width * up, channels]), [
      [0, 0],
      [top, bottom],
      [left, right],
      [0, 0],
    ]);
    // Each channel is a picture of its own; the convolution turns the filter.
    const [, rows, columns] = padded.shape as number[];
    const singly = reshape(transpose(padded, [0, 3, 1, 2]), [n * channels, rows, columns, 1]) as Tensor4D;
    const turned = reshape(reverse(filter), [...filter.shape, 1, 1]) as Tensor4D;
    const y = conv2d(singly, turned, down, "valid");
    return transpose(reshape(y, [n, channels, y.shape[1], y.shape[2]]), [0, 2, 3, 1]);
  },
  biasActivation: (x, bias) => mul(leakyRelu(add(x, bias), 0.2), Math.SQRT2),
  gridSample: (x, grid) => {
    const [n, height, width, channels] = x.shape;
    const [, high, wide] = grid.shape;
    const [along, down] = split(reshape(grid, [n, high * wide, 2]), 2, 2);
    // A pixel's weight is a hat around it: max(0, 1 - distance).
    const hat = (at: Tensor, size: number): Tensor =>
      relu(sub(1, abs(sub(sub(mul(add(at, 1), size / 2), 0.5), range(0, size)))));
    const weights = mul(
      reshape(hat(down, height), [n, high * wide, height, 1]),
      reshape(hat(along, width), [n, high * wide, 1, width]),
    );
    const y = matMul(
      reshape(weights, [n, high * wide, height * width]),
      reshape(x, [n, height * width, channels]),
    );
    return reshape(y, [n, high, wide, channels]);
  },
  affineGrid: (theta, [height, width]) => {
    const centres = (size: number): Tensor => sub(mul(add(range(0, size), 0.5), 2 / size), 1);
    const x = tile(reshape(centres(width), [1, width]), [height, 1]);
    const y = tile(reshape(centres(height), [height, 1]), [1, width]);
    const points = reshape(stack([x, y, onesLike(x)], 2), [1, height * width, 3]);
    const [n] = theta.shape;
    return reshape(matMul(tile(points, [n, 1, 1]), theta, false, true), [n, height, width, 2]);
  },
  translate: (x, shifts) =>
    each(x, (picture, i) => {
      const [, height, width, channels] = picture.shape;
      const [down, right] = shifts[i];
      const edge: [number, number] = [Math.max(height, width), Math.max(height, width)];
      const padded = pad(picture, [[0, 0], edge, edge, [0, 0]]);
      return slice(padded, [0, edge[0] - down, edge[0] - right, 0], [1, height, width, channels]);
    }),
  colour: (x, factors) =>
    each(x, (picture, i) => {
      const [brightness, saturation, contrast] = factors[i];
      const bright = add(picture, brightness);
      const grey = mean(bright, 3, true);
      const saturated = add(mul(sub(bright, grey), saturation), grey);
      const middle = mean(saturated, [1, 2, 3], true);
      return add(mul(sub(saturated, middle), contrast), middle);
    }),
};

const each = (x: Tensor4D, change: (picture: Tensor4D, i: number) => Tensor): Tensor =>
  concat(
    split(x, x.shape[0], 0).map((picture, i) => change(picture as Tensor4D, i)),
    0,
  );
