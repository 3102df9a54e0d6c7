import {
  add,
  concat,
  conv2d,
  conv2dTranspose,
  logSumExp,
  mean,
  mul,
  neg,
  pad,
  reshape,
  rsqrt,
  slice,
  softplus,
  split,
  sub,
  type Tensor,
  type Tensor4D,
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
