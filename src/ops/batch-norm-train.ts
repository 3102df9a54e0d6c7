import {
  add,
  leakyRelu,
  mean,
  mul,
  neg,
  reshape,
  rsqrt,
  square,
  sub,
  sum,
  type Tensor,
  zerosLike,
} from "@tensorflow/tfjs-core";
import { type Call, call, callMany, defineOp } from "../backend/op.ts";
import { check, showShape } from "../errors.ts";
import { type ActivationOptions, slopeOf } from "./activation.ts";
import { leakyReluGrad } from "./activation-grad.ts";
import { batchNormGradOnGpu, batchNormOnGpu } from "./batch-norm-train.wgsl.ts";
import { checkFloats } from "./operand.ts";

interface Attrs {
  epsilon: number;
  groups: number;
  /** Of the activation, below zero; at most 1. */
  slope: number;
}

/** Rows a group and channels of x, whose last axis is the channels. */
function sizes(x: { readonly shape: readonly number[] }, groups: number) {
  const channels = x.shape.at(-1)!;
  const rows = x.shape.slice(0, -1).reduce((a, b) => a * b, 1) / groups;
  return { rows, channels };
}

/** A block of rows holds so many bytes: some 10 µs of work, and it stays in a core's cache. */
const blockBytes = 65536;

/** How x is cut into units, and the memory that takes. */
function plan({ kernels, workspace }: Call, x: { readonly shape: readonly number[] }, groups: number) {
  const { rows, channels } = sizes(x, groups);
  const width = Math.max(channels, 4);
  const blockRows = Math.max(16, Math.floor(blockBytes / (64 * width)) * 16);
  const units = groups * Math.ceil(rows / blockRows);
  return {
    ...{ rows, channels, blockRows, units },
    scratchBytes: kernels.batchNormScratchBytes(channels, blockRows),
    records: workspace(kernels.batchNormRecordBytes(units, channels)),
    table: workspace(kernels.batchNormTableBytes(groups, channels)),
  };
}

/**
 * Gradient of `batchNormTrain`: dx, dscale, doffset.
 *
 * With x̂ = (x − mean)·s, s = 1/√(variance + epsilon), dz = dy·f'(scale·x̂ + offset) for the activation f, and
 * P(z) = z − mean(z) − x̂·mean(z·x̂), means over a group: dx = scale·s·P(dz), dscale = Σ dz·x̂, doffset = Σ dz.
 * P is its own adjoint, and its derivative by x is that of x̂: ∂x̂/∂x = s·P; f' is piecewise constant. Its
 * gradient follows from these. `mean` and `variance` are those of x: its gradient by x counts what they do.
 */
export const batchNormTrainGrad = defineOp<"dy" | "x" | "scale" | "offset" | "mean" | "variance", Attrs>({
  name: "GanvilBatchNormTrainGrad",
  inputs: ["dy", "x", "scale", "offset", "mean", "variance"],
  infer: ({ x, scale }) => [{ shape: x.shape }, { shape: scale.shape }, { shape: scale.shape }],
  wasm: (
    call,
    { dy, x, scale, offset, mean, variance },
    [dx, dscale, doffset],
    { epsilon, groups, slope },
  ) => {
    const { rows, channels, blockRows, units, scratchBytes, records, table } = plan(call, x, groups);
    const { kernels, split } = call;
    const shape = [rows, channels, blockRows, slope] as const;
    kernels.batchNormTable(
      ...([scale.ptr, offset.ptr, mean.ptr, variance.ptr, table, groups, channels, epsilon] as const),
    );
    split("batchNormProducts", units, scratchBytes, [dy.ptr, x.ptr, table, records, ...shape]);
    kernels.batchNormSettleGrad(
      ...([records, table, dscale.ptr, doffset.ptr, groups, rows, channels, blockRows] as const),
    );
    split("batchNormApplyGrad", units, scratchBytes, [dy.ptr, x.ptr, dx.ptr, table, units, ...shape]);
  },
  webgpu: (call, inputs, outputs, { groups, ...attrs }) =>
    batchNormGradOnGpu(call, inputs, outputs, { groups, ...sizes(inputs.x, groups) }, attrs),
  gradient: (_, inputs, { epsilon, groups, slope }, dys) => {
    const { rows, channels } = sizes(inputs.x, groups);
    const grouped = (z: Tensor) => reshape(z, [groups, rows, channels]);
    const average = (z: Tensor) => mean(z, 1, true);
    const { scale, offset } = inputs;
    const [dy, x, u] = [inputs.dy, inputs.x, dys[0]].map(grouped);
    const [, byScale, byOffset] = dys;
    const centred = sub(x, average(x));
    const s = rsqrt(add(average(square(centred)), epsilon));
    const xHat = mul(centred, s);
    const activated = add(mul(xHat, scale), offset);
    const throughActivation = (z: Tensor) =>
      slope === 1 ? z : call(leakyReluGrad, { x: activated, dy: z }, { alpha: slope });
    const dz = throughActivation(dy);
    const project = (z: Tensor) => sub(sub(z, average(z)), mul(xHat, average(mul(z, xHat))));
    const gain = mul(scale, s);
    const projected = project(dz);
    const shaped = (z: Tensor) => reshape(z, inputs.x.shape);
    return {
      dy: () => shaped(throughActivation(add(mul(gain, project(u)), add(mul(byScale, xHat), byOffset)))),
      x: () => {
        const spread = mul(xHat, average(mul(u, projected)));
        const crossed = add(mul(project(u), average(mul(dz, xHat))), mul(projected, average(mul(u, xHat))));
        const bent = neg(mul(mul(gain, s), add(spread, crossed)));
        return shaped(add(bent, mul(mul(byScale, s), projected)));
      },
      scale: () => sum(mul(mul(u, projected), s), [0, 1]),
      offset: () => zerosLike(offset),
      mean: () => zerosLike(inputs.mean),
      variance: () => zerosLike(inputs.variance),
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
  wasm: (call, { x, scale, offset }, [y, mean, variance], { epsilon, groups, slope }) => {
    const { rows, channels, blockRows, units, scratchBytes, records, table } = plan(call, x, groups);
    const { kernels, split } = call;
    split("batchNormMoments", units, scratchBytes, [x.ptr, records, rows, channels, blockRows]);
    kernels.batchNormSettle(
      ...([x.ptr, scale.ptr, offset.ptr, records, table, mean.ptr, variance.ptr] as const),
      ...([groups, rows, channels, blockRows, epsilon] as const),
    );
    const shape = [rows, channels, blockRows, slope] as const;
    split("batchNormApply", units, scratchBytes, [x.ptr, y.ptr, table, units, ...shape]);
  },
  webgpu: (call, inputs, outputs, { groups, ...attrs }) =>
    batchNormOnGpu(call, inputs, outputs, { groups, ...sizes(inputs.x, groups) }, attrs),
  saved: [false, true, true],
  gradient: (dy, { x, scale, offset }, attrs, _, [mean, variance]) => {
    const inputs = { dy, x, scale, offset, mean, variance };
    const [dx, dscale, doffset] = callMany(batchNormTrainGrad, inputs, attrs);
    return { x: () => dx, scale: () => dscale, offset: () => doffset };
  },
});

export interface BatchNormTrainOptions extends ActivationOptions {
  /** Added to the variance; default 1e-5. */
  readonly epsilon?: number;
  /**
   * Equal parts of the batch (leading axis), each with its own statistics, so that a discriminator sees real
   * and fake pictures in one call. Default 1.
   */
  readonly groups?: number;
  /** Applied to the result, in the same pass over memory. Default "linear": none. */
  readonly activation?: ActivationOptions["activation"];
}

/**
 * y = activation(scale·(x − mean)/√(variance + epsilon) + offset), with the statistics of x itself over all axes
 * but the last (Ioffe & Szegedy 2015, arXiv 1502.03167).
 * @param x float32 NHWC, [N, C], or any rank from 2 on with the channels last.
 * @param scale float32 [C].
 * @param offset float32 [C].
 * @returns y of x's shape, and each group's mean and biased variance, [groups, C], for running averages: no
 *   gradient flows through these two.
 * @throws RangeError for shapes that do not fit, or groups that do not divide the batch; TypeError for an
 *   unknown activation.
 */
export function batchNormTrain<T extends Tensor>(
  x: T,
  scale: Tensor,
  offset: Tensor,
  options: BatchNormTrainOptions = {},
): { y: T; mean: Tensor; variance: Tensor } {
  const { epsilon = 1e-5, groups = 1 } = options;
  const activationSlope = slopeOf("batchNormTrain", options);
  // The kernels take the greater of v and slope·v.
  const slope = activationSlope > 1 ? 1 : activationSlope;
  const [y, mean, variance] = callMany(batchNormTrainOp, { x, scale, offset }, { epsilon, groups, slope });
  return { y: (slope === activationSlope ? y : leakyRelu(y, activationSlope)) as T, mean, variance };
}
