import { add, mean, mul, neg, reshape, rsqrt, square, sub, sum, type Tensor } from "@tensorflow/tfjs-core";
import { callMany, defineOp } from "../backend/op.ts";
import { check, showShape } from "../errors.ts";
import { checkFloats } from "./operand.ts";

interface Attrs {
  epsilon: number;
  groups: number;
}

/** Rows a group and channels of x, whose last axis is the channels. */
function sizes(x: { readonly shape: readonly number[] }, groups: number) {
  const channels = x.shape.at(-1)!;
  const rows = x.shape.slice(0, -1).reduce((a, b) => a * b, 1) / groups;
  return { rows, channels };
}

/**
 * Gradient of `batchNormTrain` in one pass: dx, dscale, doffset.
 *
 * With x̂ = (x − mean)·s, s = 1/√(variance + epsilon) and P(z) = z − mean(z) − x̂·mean(z·x̂), means over a
 * group: dx = scale·s·P(dy), dscale = Σ dy·x̂, doffset = Σ dy. P is its own adjoint, and its derivative by x is
 * that of x̂: ∂x̂/∂x = s·P. Its gradient follows from these.
 */
export const batchNormTrainGrad = defineOp<"dy" | "x" | "scale", Attrs>({
  name: "GanvilBatchNormTrainGrad",
  inputs: ["dy", "x", "scale"],
  infer: ({ x, scale }) => [{ shape: x.shape }, { shape: scale.shape }, { shape: scale.shape }],
  wasm: ({ kernels, workspace }, { dy, x, scale }, [dx, dscale, doffset], { epsilon, groups }) => {
    const { rows, channels } = sizes(x, groups);
    kernels.batchNormTrainGrad(
      dy.ptr,
      x.ptr,
      scale.ptr,
      dx.ptr,
      dscale.ptr,
      doffset.ptr,
      groups,
      rows,
      channels,
      epsilon,
      workspace(kernels.batchNormBytes(rows, channels, groups, 3)),
    );
  },
  gradient: (_, inputs, { epsilon, groups }, dys) => {
    const { rows, channels } = sizes(inputs.x, groups);
    const grouped = (z: Tensor) => reshape(z, [groups, rows, channels]);
    const average = (z: Tensor) => mean(z, 1, true);
    const { scale } = inputs;
    const [dy, x, u] = [inputs.dy, inputs.x, dys[0]].map(grouped);
    const [, byScale, byOffset] = dys;
    const centred = sub(x, average(x));
    const s = rsqrt(add(average(square(centred)), epsilon));
    const xHat = mul(centred, s);
    const project = (z: Tensor) => sub(sub(z, average(z)), mul(xHat, average(mul(z, xHat))));
    const gain = mul(scale, s);
    const projected = project(dy);
    const shaped = (z: Tensor) => reshape(z, inputs.x.shape);
    return {
      dy: () => shaped(add(mul(gain, project(u)), add(mul(byScale, xHat), byOffset))),
      x: () => {
        const spread = mul(xHat, average(mul(u, projected)));
        const crossed = add(mul(project(u), average(mul(dy, xHat))), mul(projected, average(mul(u, xHat))));
        const bent = neg(mul(mul(gain, s), add(spread, crossed)));
        return shaped(add(bent, mul(mul(byScale, s), projected)));
      },
      scale: () => sum(mul(mul(u, projected), s), [0, 1]),
    };
  },
});

/** y, mean, variance; see `batchNormTrain()`. */
export const batchNormTrainOp = defineOp<"x" | "scale" | "offset", Attrs>({
  name: "GanvilBatchNormTrain",
  inputs: ["x", "scale", "offset"],
  infer: ({ x, scale, offset }, { epsilon, groups }) => {
    const channels = x.shape.at(-1);
    checkFloats("batchNormTrain", { x, scale, offset });
    check(
      x.shape.length >= 2 && channels !== undefined,
      () => `batchNormTrain: expected x of rank 2 or more, channels last, got ${showShape(x.shape)}`,
    );
    for (const [name, { shape }] of Object.entries({ scale, offset })) {
      check(
        shape.length === 1 && shape[0] === channels,
        () =>
          `batchNormTrain: expected ${name} of shape [${channels}], got ${showShape(shape)} (x ${showShape(x.shape)})`,
      );
    }
    check(
      Number.isInteger(groups) && groups > 0 && x.shape[0] % groups === 0,
      () =>
        `batchNormTrain: expected groups to divide the batch of ${x.shape[0]}, got ${groups} (x ${showShape(x.shape)})`,
    );
    check(
      epsilon >= 0 && epsilon < Number.POSITIVE_INFINITY,
      () => `batchNormTrain: expected a finite epsilon of at least 0, got ${epsilon}`,
    );
    const moments = { shape: [groups, channels] };
    return [{ shape: x.shape }, moments, moments];
  },
  wasm: ({ kernels, workspace }, { x, scale, offset }, [y, mean, variance], { epsilon, groups }) => {
    const { rows, channels } = sizes(x, groups);
    kernels.batchNormTrain(
      x.ptr,
      scale.ptr,
      offset.ptr,
      y.ptr,
      mean.ptr,
      variance.ptr,
      groups,
      rows,
      channels,
      epsilon,
      workspace(kernels.batchNormBytes(rows, channels, groups, 2)),
    );
  },
  gradient: (dy, { x, scale }, attrs) => {
    const [dx, dscale, doffset] = callMany(batchNormTrainGrad, { dy, x, scale }, attrs);
    return { x: () => dx, scale: () => dscale, offset: () => doffset };
  },
});

export interface BatchNormTrainOptions {
  /** Added to the variance; default 1e-5. */
  readonly epsilon?: number;
  /**
   * Equal parts of the batch (leading axis), each with its own statistics, so that a discriminator sees real
   * and fake pictures in one call. Default 1.
   */
  readonly groups?: number;
}

/**
 * y = scale·(x − mean)/√(variance + epsilon) + offset, with the statistics of x itself over all axes but the
 * last (Ioffe & Szegedy 2015, arXiv 1502.03167).
 * @param x float32 NHWC, [N, C], or any rank from 2 on with the channels last.
 * @param scale float32 [C].
 * @param offset float32 [C].
 * @returns y of x's shape, and each group's mean and biased variance, [groups, C], for running averages: no
 *   gradient flows through these two.
 * @throws RangeError for shapes that do not fit, or groups that do not divide the batch.
 */
export function batchNormTrain<T extends Tensor>(
  x: T,
  scale: Tensor,
  offset: Tensor,
  { epsilon = 1e-5, groups = 1 }: BatchNormTrainOptions = {},
): { y: T; mean: Tensor; variance: Tensor } {
  const [y, mean, variance] = callMany(batchNormTrainOp, { x, scale, offset }, { epsilon, groups });
  return { y: y as T, mean, variance };
}
