// A table of every op, its rows one line each: longer than other files for that.
import * as tf from "@tensorflow/tfjs-core";
import { between, type Extras, type Network, type OpRow, type Weights } from "./network.ts";

type Run<T extends tf.Tensor> = (h: T, weights: Weights, extras: Extras) => tf.Tensor;
type Rest = Pick<OpRow, "weights" | "positive">;

/** A row over [3, 6] features. `result`: features a row of the result has. */
const features = (name: string, result: number, run: Run<tf.Tensor2D>, rest: Rest = {}): Network =>
  between({ name, shape: [3, 6], run: run as OpRow["run"], ...rest }, result);

/** A row over pictures. */
const pictures = (
  name: string,
  [height, width, channels]: readonly [number, number, number],
  result: number,
  run: Run<tf.Tensor4D>,
  rest: Rest = {},
): Network =>
  between({ name, shape: [2, height, width, channels], run: run as OpRow["run"], ...rest }, result);

const shaped = (name: string, shape: readonly number[], result: number, run: OpRow["run"], rest: Rest = {}) =>
  between({ name, shape, run, ...rest }, result);

const positive = { positive: true };
const f4 = (x: tf.Tensor): tf.Tensor4D => x as tf.Tensor4D;

/** A tensor of the other operand's kind, made of the same features so that both operands carry a gradient. */
const turned = (h: tf.Tensor2D): tf.Tensor2D => tf.add(tf.mul(tf.reverse(h, 1), 0.7), 0.1);

const elementwise: readonly Network[] = [
  features("add", 6, (h) => tf.add(h, turned(h))),
  features("sub", 6, (h) => tf.sub(h, tf.mul(turned(h), h))),
  features("mul", 6, (h) => tf.mul(h, turned(h))),
  features("div", 6, (h) => tf.div(h, tf.add(tf.mul(turned(h), turned(h)), 1))),
  features("broadcast add and mul", 6, (h, { a, b }) => tf.add(tf.mul(h, a), b), {
    weights: { a: [6], b: [3, 1] },
  }),
  features("pow", 6, (h, { e }) => tf.pow(h, e), { ...positive, weights: { e: [6] } }),
  features("squaredDifference", 6, (h) => tf.squaredDifference(h, turned(h))),
  features("maximum", 6, (h) => tf.maximum(h, turned(h))),
  features("minimum", 6, (h) => tf.minimum(h, turned(h))),
  features("atan2", 6, (h) => tf.atan2(h, tf.add(tf.mul(turned(h), turned(h)), 1))),
  features("mod", 6, (h) => tf.mod(h, 0.75)),
  features("addN", 6, (h) => tf.addN([h, turned(h), tf.mul(h, h)])),
  features("where", 6, (h) => tf.where(tf.greater(h, 0.1), tf.mul(h, h), turned(h))),
  features("neg", 6, (h) => tf.neg(h)),
  features("abs", 6, (h) => tf.abs(h)),
  features("square", 6, (h) => tf.square(h)),
  features("sqrt", 6, (h) => tf.sqrt(h), positive),
  features("rsqrt", 6, (h) => tf.rsqrt(h), positive),
  features("reciprocal", 6, (h) => tf.reciprocal(h), positive),
  features("exp", 6, (h) => tf.exp(h)),
  features("expm1", 6, (h) => tf.expm1(h)),
  features("log", 6, (h) => tf.log(h), positive),
  features("log1p", 6, (h) => tf.log1p(h), positive),
  features("sin", 6, (h) => tf.sin(h)),
  features("cos", 6, (h) => tf.cos(h)),
  features("sign", 6, (h) => tf.mul(h, tf.sign(h))),
  features("step", 6, (h) => tf.mul(tf.mul(h, h), tf.step(h, 0.3))),
  features("floor, ceil, round", 6, (h) => tf.mul(h, tf.addN([tf.floor(h), tf.ceil(h), tf.round(h)]))),
  features("tan", 6, (h) => tf.tan(tf.mul(h, 0.3))),
  features("asin", 6, (h) => tf.asin(tf.mul(h, 0.2))),
  features("acos", 6, (h) => tf.acos(tf.mul(h, 0.2))),
  features("atan", 6, (h) => tf.atan(h)),
  features("sinh", 6, (h) => tf.sinh(h)),
  features("cosh", 6, (h) => tf.cosh(h)),
  features("asinh", 6, (h) => tf.asinh(h)),
  features("acosh", 6, (h) => tf.acosh(tf.add(h, 1)), positive),
  features("atanh", 6, (h) => tf.atanh(tf.mul(h, 0.2))),
  features("erf", 6, (h) => tf.erf(h)),
  features("clipByValue", 6, (h) => tf.clipByValue(h, -0.6, 0.7)),
  features("relu", 6, (h) => tf.relu(h)),
  features("relu6", 6, (h) => tf.relu6(tf.mul(h, 5))),
  features("leakyRelu", 6, (h) => tf.leakyRelu(h, 0.2)),
  features("biasActivation", 6, (h, { b }, { biasActivation }) => biasActivation(h, b), {
    weights: { b: [6] },
  }),
  features("prelu", 6, (h, { alpha }) => tf.prelu(h, alpha), { weights: { alpha: [6] } }),
  features("elu", 6, (h) => tf.elu(h)),
  features("selu", 6, (h) => tf.selu(h)),
  features("swish", 6, (h) => tf.mul(h, tf.sigmoid(h))),
  features("gelu", 6, (h) => tf.mul(tf.mul(h, 0.5), tf.add(tf.erf(tf.mul(h, Math.SQRT1_2)), 1))),
  features("softplus", 6, (h) => tf.softplus(h)),
  features("sigmoid", 6, (h) => tf.sigmoid(h)),
  features("logSigmoid", 6, (h, _, { logSigmoid }) => logSigmoid(h)),
  features("tanh", 6, (h) => tf.tanh(h)),
  features("dropout, fixed mask", 6, (h) =>
    tf.mul(h, tf.tensor2d([0, 2, 2, 0, 2, 2, 2, 0, 2, 2, 0, 2, 2, 2, 0, 0, 2, 2], [3, 6])),
  ),
];

const reductions: readonly Network[] = [
  features("softmax", 6, (h) => tf.softmax(h)),
  features("logSoftmax", 6, (h, _, { logSoftmax }) => logSoftmax(h)),
  features("sum over the last axis", 1, (h) => tf.sum(h, 1)),
  features("sum over the first axis", 6, (h) => tf.sum(h, 0)),
  pictures("mean over height and width", [3, 2, 2], 2, (h) => tf.mean(h, [1, 2])),
  features("max", 1, (h) => tf.max(h, 1)),
  features("min", 6, (h) => tf.min(h, 0)),
  features("logSumExp", 1, (h) => tf.logSumExp(h, 1)),
  features("prod", 1, (h) => tf.prod(h, 1)),
  features("cumsum", 6, (h) => tf.cumsum(h, 1, true)),
  features("cumprod", 6, (h) => tf.cumprod(h, 1)),
  features("moments", 12, (h) => {
    const { mean, variance } = tf.moments(h, 0);
    return tf.concat([mean, variance], 0);
  }),
  features("euclidean norm", 1, (h) => tf.norm(h, "euclidean", 1)),
];

const normalisations: readonly Network[] = [
  pictures(
    "batch norm, training",
    [2, 2, 2],
    8,
    (h, { scale, offset }, { batchNormTrain }) => batchNormTrain(h, scale, offset, 1),
    { weights: { scale: [2], offset: [2] } },
  ),
  shaped(
    "batch norm, training, halves",
    [4, 3, 2],
    6,
    (h, { scale, offset }, { batchNormTrain }) => batchNormTrain(h, scale, offset, 2),
    { weights: { scale: [2], offset: [2] } },
  ),
  pictures(
    "batch norm, inference",
    [2, 2, 3],
    12,
    (h, { scale, offset }) => tf.batchNorm(h, [0.1, -0.2, 0.3], [0.5, 1.5, 1], f1(offset), f1(scale), 1e-3),
    { weights: { scale: [3], offset: [3] } },
  ),
  pictures(
    "batch norm by moments",
    [2, 2, 2],
    8,
    (h, { scale, offset }) => {
      const { mean, variance } = tf.moments(h, [0, 1, 2]);
      return tf.batchNorm(h, f1(mean), f1(variance), f1(offset), f1(scale), 1e-3);
    },
    { weights: { scale: [2], offset: [2] } },
  ),
  pictures("instance norm", [2, 2, 2], 8, (h) => normalise(h, [1, 2])),
  features("layer norm", 6, (h) => normalise(h, [1])),
  pictures("group norm", [2, 2, 4], 16, (h) => normalise(tf.reshape(h, [2, 2, 2, 2, 2]), [1, 2, 4])),
  pictures("local response normalisation", [2, 2, 4], 16, (h) => tf.localResponseNormalization(h, 1, 1, 0.5)),
  features("pixel norm", 6, (h) => tf.mul(h, tf.rsqrt(tf.add(tf.mean(tf.mul(h, h), 1, true), 1e-4)))),
  features("l2 normalisation", 6, (h) => tf.div(h, tf.sqrt(tf.sum(tf.mul(h, h), 1, true)))),
];

function normalise(h: tf.Tensor, axes: number[]): tf.Tensor {
  const { mean, variance } = tf.moments(h, axes, true);
  return tf.mul(tf.sub(h, mean), tf.rsqrt(tf.add(variance, 1e-2)));
}

const f1 = (x: tf.Tensor): tf.Tensor1D => x as tf.Tensor1D;

/** A row of a convolution whose filter is a weight. */
const convolved = (
  name: string,
  size: readonly [number, number, number],
  filter: readonly number[],
  result: number,
  run: (h: tf.Tensor4D, filter: tf.Tensor4D, extras: Extras) => tf.Tensor,
): Network =>
  pictures(name, size, result, (h, w, extras) => run(h, f4(w.filter), extras), { weights: { filter } });

const convolutions: readonly Network[] = [
  convolved("conv2d 3×3", [3, 3, 2], [3, 3, 2, 2], 18, (h, f) => tf.conv2d(h, f, 1, "same")),
  convolved("conv2d 4×4, stride 2", [4, 4, 1], [4, 4, 1, 2], 8, (h, f) => tf.conv2d(h, f, 2, "same")),
  convolved("conv2d 1×1", [2, 3, 2], [1, 1, 2, 3], 18, (h, f) => tf.conv2d(h, f, 1, "valid")),
  convolved("conv2d, dilation 2", [4, 5, 1], [2, 2, 1, 2], 12, (h, f) =>
    tf.conv2d(h, f, 1, "valid", "NHWC", 2),
  ),
  convolved("conv2d, groups", [3, 3, 4], [3, 3, 2, 4], 36, (h, f, { groupedConv2d }) =>
    groupedConv2d(h, f, 2, 1),
  ),
  convolved("conv2d, groups, stride 2", [4, 4, 2], [3, 3, 1, 4], 16, (h, f, { groupedConv2d }) =>
    groupedConv2d(h, f, 2, 2),
  ),
  convolved("conv2dTranspose, stride 2", [2, 2, 2], [4, 4, 1, 2], 16, (h, f) =>
    tf.conv2dTranspose(h as never, f, [2, 4, 4, 1], 2, "same"),
  ),
  convolved("conv2dTranspose, groups", [2, 2, 2], [4, 4, 1, 2], 32, (h, f, { groupedConv2dTranspose }) =>
    groupedConv2dTranspose(h, f, 2, 2),
  ),
  convolved("depthwiseConv2d", [3, 3, 2], [3, 3, 2, 2], 36, (h, f) => tf.depthwiseConv2d(h, f, 1, "same")),
  convolved("depthwiseConv2d, stride 2", [4, 4, 2], [3, 3, 2, 1], 8, (h, f) =>
    tf.depthwiseConv2d(h, f, 2, "same"),
  ),
  pictures(
    "fused conv2d, bias and leakyrelu",
    [3, 3, 2],
    18,
    (h, { f, b }) =>
      tf.fused.conv2d({
        ...{ x: h, filter: f4(f), strides: 1, pad: "same", bias: b },
        ...{ activation: "leakyrelu", leakyreluAlpha: 0.2 },
      }),
    { weights: { f: [3, 3, 2, 2], b: [2] } },
  ),
  pictures(
    "upfirdn2d, up 2",
    [2, 3, 2],
    48,
    (h, { f }, { upfirdn2d }) =>
      upfirdn2d(h, f as tf.Tensor2D, 2, 1, [
        [2, 1],
        [1, 2],
      ]),
    { weights: { f: [4, 4] } },
  ),
  pictures(
    "upfirdn2d, down 2",
    [4, 4, 1],
    4,
    (h, { f }, { upfirdn2d }) =>
      upfirdn2d(h, f as tf.Tensor2D, 1, 2, [
        [1, 1],
        [1, 1],
      ]),
    { weights: { f: [4, 3] } },
  ),
  pictures(
    "separableConv2d",
    [3, 3, 2],
    27,
    (h, { depth, point }) => tf.separableConv2d(h, f4(depth), f4(point), 1, "same"),
    { weights: { depth: [2, 2, 2, 2], point: [1, 1, 4, 3] } },
  ),
  shaped(
    "conv3d, stride 2",
    [2, 2, 3, 2, 2],
    4,
    (h, { filter }) => tf.conv3d(h as tf.Tensor5D, filter as tf.Tensor5D, 2, "same"),
    { weights: { filter: [2, 2, 2, 2, 2] } },
  ),
  shaped(
    "conv3dTranspose, stride 2",
    [2, 1, 2, 1, 2],
    16,
    (h, { filter }) =>
      tf.conv3dTranspose(h as tf.Tensor5D, filter as tf.Tensor5D, [2, 2, 4, 2, 1], 2, "same"),
    { weights: { filter: [2, 2, 2, 1, 2] } },
  ),
  shaped(
    "conv1d",
    [2, 5, 2],
    15,
    (h, { filter }) => tf.conv1d(h as tf.Tensor3D, filter as tf.Tensor3D, 1, "same"),
    { weights: { filter: [3, 2, 3] } },
  ),
];

const products: readonly Network[] = [
  features("matMul", 4, (h, { w }) => tf.matMul(h, w as tf.Tensor2D), { weights: { w: [6, 4] } }),
  features("matMul, both transposed", 3, (h, { w }) => tf.matMul(h, w as tf.Tensor2D, true, true), {
    weights: { w: [4, 3] },
  }),
  features("matMul with itself", 3, (h) => tf.matMul(h, h, false, true)),
  shaped("matMul, batches", [2, 3, 2], 9, (h) => tf.matMul(h, h, false, true)),
  shaped("matMul, batches broadcast", [2, 3, 2], 6, (h, { w }) => tf.matMul(h, w), {
    weights: { w: [1, 2, 2] },
  }),
  features("einsum", 4, (h, { w }) => tf.einsum("ij,kj->ik", h, w), { weights: { w: [4, 6] } }),
  shaped("einsum of batches", [2, 3, 2], 9, (h, { w }) => tf.einsum("bij,blj->bil", h, tf.mul(h, w)), {
    weights: { w: [2] },
  }),
  features(
    "fused matMul, bias and relu",
    4,
    (h, { w, b }) => tf.fused.matMul({ a: h, b: w, bias: b, activation: "relu" }),
    { weights: { w: [6, 4], b: [4] } },
  ),
  features("dot", 4, (h, { w }) => tf.dot(h, w), { weights: { w: [6, 4] } }),
];

const pools: readonly Network[] = [
  pictures("maxPool", [4, 4, 1], 4, (h) => tf.maxPool(h, 2, 2, "valid")),
  pictures("maxPool, overlapping", [3, 3, 2], 18, (h) => tf.maxPool(h, 3, 1, "same")),
  pictures("avgPool", [4, 4, 1], 4, (h) => tf.avgPool(h, 2, 2, "valid")),
  pictures("avgPool, overlapping", [3, 3, 2], 8, (h) => tf.avgPool(h, 3, 2, "same")),
  shaped("maxPool3d", [2, 2, 2, 2, 2], 2, (h) => tf.maxPool3d(h as tf.Tensor5D, 2, 2, "valid")),
  shaped("avgPool3d", [2, 2, 2, 3, 1], 2, (h) => tf.avgPool3d(h as tf.Tensor5D, 2, 2, "same")),
  pictures("global average pool", [3, 3, 2], 2, (h) => tf.mean(h, [1, 2])),
  pictures("global max pool", [3, 3, 2], 2, (h) => tf.max(h, [1, 2])),
];

const resizes: readonly Network[] = [
  pictures("resizeNearestNeighbor", [2, 2, 2], 32, (h) => tf.image.resizeNearestNeighbor(h, [4, 4])),
  pictures("resizeNearestNeighbor, half-pixel centres", [3, 3, 1], 20, (h) =>
    tf.image.resizeNearestNeighbor(h, [4, 5], false, true),
  ),
  pictures("resizeBilinear", [2, 3, 2], 40, (h) => tf.image.resizeBilinear(h, [4, 5])),
  pictures("resizeBilinear, half-pixel centres", [2, 3, 1], 24, (h) =>
    tf.image.resizeBilinear(h, [4, 6], false, true),
  ),
  pictures("resizeBilinear, aligned corners", [4, 3, 1], 6, (h) => tf.image.resizeBilinear(h, [3, 2], true)),
];

const movements: readonly Network[] = [
  pictures("pad", [2, 2, 1], 20, (h) => tf.pad(h, around([0, 0], [1, 1], [2, 1], [0, 0]))),
  pictures("mirrorPad reflect", [3, 3, 1], 30, (h) =>
    tf.mirrorPad(h, around([0, 0], [1, 1], [2, 1], [0, 0]), "reflect"),
  ),
  pictures("mirrorPad symmetric", [2, 2, 1], 20, (h) =>
    tf.mirrorPad(h, around([0, 0], [1, 1], [2, 1], [0, 0]), "symmetric"),
  ),
  pictures("slice", [3, 3, 1], 4, (h) => tf.slice(h, [0, 1, 0, 0], [2, 2, 2, 1])),
  features("stridedSlice", 3, (h) => tf.stridedSlice(h, [0, 5], [3, 0], [1, -2])),
  features("concat", 12, (h) => tf.concat([h, tf.mul(h, h)], 1)),
  features("split", 3, (h) => {
    const [a, b] = tf.split(h, 2, 1);
    return tf.mul(a, b);
  }),
  features("stack", 12, (h) => tf.stack([h, turned(h)], 1)),
  features("unstack", 3, (h) => {
    const parts = tf.unstack(h, 1);
    return tf.mul(parts[0], parts[4]);
  }),
  shaped("transpose", [3, 2, 4], 8, (h) => tf.transpose(h, [2, 0, 1])),
  features("reshape", 9, (h) => tf.reshape(h, [2, 9])),
  features("expandDims and squeeze", 6, (h) => tf.squeeze(tf.expandDims(h, 1))),
  features("tile", 12, (h) => tf.tile(h, [1, 2])),
  shaped("tile, rank 5", [2, 1, 2, 1, 2], 24, (h) => tf.tile(h, [1, 3, 1, 2, 1])),
  shaped("broadcastTo", [3, 1, 2], 8, (h) => tf.broadcastTo(h, [3, 4, 2])),
  features("gather", 4, (h) => tf.gather(h, tf.tensor1d([5, 0, 0, 3], "int32"), 1)),
  features("gatherND", 1, (h) => tf.gatherND(h, tf.tensor2d([0, 1, 2, 2, 0, 1], [3, 2], "int32"))),
  features("scatterND", 6, (h) => tf.scatterND(tf.tensor2d([3, 0, 3], [3, 1], "int32"), h, [4, 6])),
  features(
    "tensorScatterUpdate",
    6,
    (h, { base }) => tf.tensorScatterUpdate(base, tf.tensor2d([3, 0, 1], [3, 1], "int32"), h),
    { weights: { base: [4, 6] } },
  ),
  features("unsortedSegmentSum", 6, (h) => tf.unsortedSegmentSum(h, tf.tensor1d([1, 0, 1], "int32"), 2)),
  pictures("depthToSpace", [2, 2, 4], 16, (h) => tf.depthToSpace(h, 2)),
  pictures("spaceToDepth", [4, 2, 2], 16, (h, _, { spaceToDepth }) => spaceToDepth(h, 2)),
  features(
    "oneHot embedding",
    4,
    (h, { table }) => {
      const chosen = tf.matMul(
        tf.oneHot(tf.tensor1d([4, 0, 2], "int32"), 5) as tf.Tensor2D,
        table as tf.Tensor2D,
      );
      return tf.mul(tf.slice(h, [0, 1], [3, 4]), chosen);
    },
    { weights: { table: [5, 4] } },
  ),
  shaped("batchToSpaceND", [4, 2, 1, 2], 16, (h) =>
    tf.batchToSpaceND(
      h,
      [2, 2],
      [
        [0, 0],
        [0, 0],
      ],
    ),
  ),
  pictures("spaceToBatchND", [2, 3, 1], 2, (h) =>
    tf.spaceToBatchND(
      h,
      [2, 2],
      [
        [0, 0],
        [1, 0],
      ],
    ),
  ),
  features("reverse", 6, (h) => tf.reverse(h, 1)),
  pictures("flipLeftRight", [2, 3, 1], 6, (h) => tf.image.flipLeftRight(h)),
  features("cast and clone", 6, (h) => tf.clone(tf.cast(h, "float32"))),
];

type Before = [number, number];
const around = (...pads: [Before, Before, Before, Before]): [Before, Before, Before, Before] => pads;

const augmentations: readonly Network[] = [
  pictures("gridSample", [3, 3, 1], 4, (h, { grid }, { gridSample }) => gridSample(h, f4(grid)), {
    weights: { grid: [2, 2, 2, 2] },
  }),
  pictures(
    "gridSample of affineGrid",
    [3, 3, 1],
    6,
    (h, { theta }, { gridSample, affineGrid }) =>
      gridSample(h, f4(affineGrid(tf.mul(tf.reshape(theta, [2, 2, 3]), 0.5), [3, 2]))),
    { weights: { theta: [2, 6] } },
  ),
  // One picture: TensorFlow.js's own kernel, which the reference uses, leaves the others of a batch zero.
  shaped("transform", [1, 3, 3, 1], 9, (h) =>
    tf.image.transform(f4(h), tf.tensor2d([0.8, 0.3, 0.2, -0.3, 0.9, 0.4, 0, 0], [1, 8]), "bilinear"),
  ),
  pictures("rotateWithOffset", [3, 4, 1], 12, (h) => tf.image.rotateWithOffset(h, 0.4)),
  pictures("cropAndResize", [4, 4, 1], 6, (h) =>
    tf.image.cropAndResize(
      h,
      [
        [0.1, 0.1, 0.8, 0.9],
        [0.05, 0.2, 0.7, 0.95],
      ],
      [1, 0],
      [2, 3],
      "bilinear",
    ),
  ),
  pictures("translate", [3, 3, 1], 9, (h, _, { translate }) =>
    translate(h, [
      [1, -1],
      [0, 2],
    ]),
  ),
  pictures("colour", [2, 2, 3], 12, (h, _, { colour }) =>
    colour(h, [
      [0.2, 1.5, 0.7],
      [-0.3, 0.4, 1.2],
    ]),
  ),
];

/** Every op that a GAN may use, each between two dense layers. */
export const opNetworks: readonly Network[] = [
  ...elementwise,
  ...reductions,
  ...normalisations,
  ...convolutions,
  ...products,
  ...pools,
  ...resizes,
  ...movements,
  ...augmentations,
];
