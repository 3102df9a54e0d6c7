import * as tf from "@tensorflow/tfjs-core";
import { flat, type Network } from "./network.ts";

/** A tensor of whatever rank a function wants. */
type Loose = tf.Tensor<never>;
type Tensors = { readonly [name: string]: Loose };

const pair = (
  name: string,
  x: Network["x"],
  weights: Network["weights"],
  run: (x: Loose, w: Tensors, extras: Parameters<Network["run"]>[2]) => tf.Tensor,
  kind: Network["kind"] = "pair",
): Network => ({ name, kind, x, weights, run: run as unknown as Network["run"] });

const block: typeof pair = (name, x, weights, run) => pair(name, x, weights, run, "block");

const image = [2, 4, 4, 1] as const;
const convs = { a: [3, 3, 1, 2], b: [3, 3, 2, 2], last: [8, 2] } as const;

/** Convolution, something, convolution with stride 2, dense. */
const inside = (
  name: string,
  middle: (h: tf.Tensor4D, w: Tensors, extras: Parameters<Network["run"]>[2]) => tf.Tensor,
  weights: Network["weights"] = {},
): Network =>
  pair(name, image, { ...convs, ...weights }, (x, w, extras) => {
    const h = middle(tf.conv2d(x, w.a, 1, "same"), w, extras) as tf.Tensor4D;
    return tf.matMul(flat(tf.conv2d(h, w.b, 2, "same")), w.last);
  });

/** Pairs of ops between convolutions. */
const pairs: readonly Network[] = [
  inside("conv, leakyRelu, conv", (h) => tf.leakyRelu(h, 0.2)),
  inside("conv, relu, conv", (h) => tf.relu(h)),
  inside("conv, tanh, conv", (h) => tf.tanh(h)),
  inside("conv, swish, conv", (h) => tf.mul(h, tf.sigmoid(h))),
  inside("conv, softplus, conv", (h) => tf.softplus(h)),
  inside(
    "conv, batch norm and leakyRelu, conv",
    (h, { scale, offset }, { batchNormTrain }) =>
      tf.leakyRelu(batchNormTrain(h, scale, offset, 1) as tf.Tensor4D, 0.2),
    { scale: [2], offset: [2] },
  ),
  inside(
    "conv, batch norm of halves and tanh, conv",
    (h, { scale, offset }, { batchNormTrain }) => tf.tanh(batchNormTrain(h, scale, offset, 2)),
    { scale: [2], offset: [2] },
  ),
  inside("conv, blur by avgPool and leakyRelu, conv", (h) => tf.avgPool(tf.leakyRelu(h, 0.2), 3, 1, "same")),
  inside("conv, maxPool and tanh, conv", (h) => tf.maxPool(tf.tanh(h), 3, 1, "same")),
  inside("conv, nearest upsampling and elu, conv", (h) =>
    tf.avgPool(tf.elu(tf.image.resizeNearestNeighbor(h, [8, 8])), 2, 2, "valid"),
  ),
  inside("conv, bilinear upsampling and leakyRelu, conv", (h) =>
    tf.avgPool(tf.leakyRelu(tf.image.resizeBilinear(h, [8, 8], false, true), 0.2), 2, 2, "valid"),
  ),
  inside("conv, mirrorPad and sigmoid, conv", (h) =>
    tf.slice(
      tf.mirrorPad(
        tf.sigmoid(h),
        [
          [0, 0],
          [2, 2],
          [1, 1],
          [0, 0],
        ],
        "reflect",
      ),
      [0, 1, 0, 0],
      [2, 4, 4, 2],
    ),
  ),
  inside("conv, spaceToDepth and depthToSpace around selu, conv", (h, _, { spaceToDepth }) =>
    tf.depthToSpace(tf.selu(spaceToDepth(h, 2)) as tf.Tensor4D, 2),
  ),
  inside(
    "conv, depthwise and swish, conv",
    (h, { d }) => {
      const y = tf.depthwiseConv2d(h, d, 1, "same");
      return tf.mul(y, tf.sigmoid(y));
    },
    { d: [3, 3, 2, 1] },
  ),
  inside("conv, concat and split, conv", (h) => {
    const [a, b] = tf.split(tf.concat([tf.tanh(h), tf.softplus(h)], 3), 2, 3);
    return tf.mul(a, b);
  }),
  inside("conv, clip and softmax, conv", (h) => tf.mul(tf.softmax(h), tf.clipByValue(h, -0.5, 0.5))),
  inside("conv, transpose and flip, conv", (h) =>
    tf.mul(h, tf.image.flipLeftRight(tf.transpose(h, [0, 2, 1, 3]) as tf.Tensor4D)),
  ),
  inside("conv, where and abs, conv", (h) => tf.where(tf.greater(h, 0), tf.sqrt(tf.add(tf.abs(h), 1)), h)),
];

const normalise = (h: tf.Tensor, axes: number[]): tf.Tensor => {
  const { mean, variance } = tf.moments(h, axes, true);
  return tf.mul(tf.sub(h, mean), tf.rsqrt(tf.add(variance, 1e-2)));
};

/** Blocks of known networks, small. */
const blocks: readonly Network[] = [
  block(
    "DCGAN discriminator",
    [3, 4, 4, 1],
    { a: [4, 4, 1, 2], b: [4, 4, 2, 2], scale: [2], offset: [2], last: [2, 1] },
    (x, w, { batchNormTrain }) => {
      const h = tf.leakyRelu(tf.conv2d(x, w.a, 2, "same"), 0.2);
      const n = batchNormTrain(tf.conv2d(h, w.b, 2, "same"), w.scale, w.offset, 1);
      return tf.matMul(flat(tf.leakyRelu(n, 0.2)), w.last);
    },
  ),
  block("residual block with average pooling", image, { ...convs, skip: [1, 1, 1, 2] }, (x, w) => {
    const h = tf.conv2d(tf.relu(tf.conv2d(x, w.a, 1, "same")), w.b, 1, "same");
    const skip = tf.conv2d(tf.avgPool(x, 2, 2, "valid"), w.skip, 1, "same");
    return tf.matMul(flat(tf.add(tf.avgPool(h, 2, 2, "valid"), skip)), w.last);
  }),
  block(
    "R3GAN block: grouped convolution between 1×1",
    [2, 3, 3, 2],
    { a: [1, 1, 2, 4], b: [3, 3, 2, 4], c: [1, 1, 4, 2], last: [18, 1] },
    (x, w, { groupedConv2d }) => {
      const wide = tf.leakyRelu(tf.conv2d(x, w.a, 1, "same"), 0.2);
      const mixed = tf.leakyRelu(groupedConv2d(wide, w.b, 2, 1), 0.2) as tf.Tensor4D;
      return tf.matMul(flat(tf.add(x, tf.conv2d(mixed, w.c, 1, "same"))), w.last);
    },
  ),
  block("skip with upsampling", [2, 2, 2, 2], { a: [3, 3, 2, 2], b: [1, 1, 2, 1], last: [16, 1] }, (x, w) => {
    const up = tf.image.resizeNearestNeighbor(x, [4, 4]);
    const h = tf.leakyRelu(tf.conv2d(up, w.a, 1, "same"), 0.2);
    const skip = tf.image.resizeBilinear(tf.conv2d(x, w.b, 1, "same"), [4, 4], false, true);
    return tf.matMul(flat(tf.add(skip, tf.conv2d(h, w.b, 1, "same"))), w.last);
  }),
  block(
    "transposed convolutions of a generator",
    [2, 3],
    { project: [3, 8], a: [4, 4, 1, 2], last: [16, 1] },
    (z, w) => {
      const h = tf.relu(tf.reshape(tf.matMul(z, w.project), [2, 2, 2, 2])) as tf.Tensor4D;
      return tf.matMul(flat(tf.tanh(tf.conv2dTranspose(h as never, w.a, [2, 4, 4, 1], 2, "same"))), w.last);
    },
  ),
  block(
    "self-attention of pictures",
    [2, 2, 2, 3],
    { q: [1, 1, 3, 2], k: [1, 1, 3, 2], v: [1, 1, 3, 3], gamma: [1], last: [12, 1] },
    (x, w) => {
      const [q, k, v] = [w.q, w.k, w.v].map((f) => {
        return tf.reshape(tf.conv2d(x, f, 1, "same"), [2, 4, -1]);
      });
      const attended = tf.matMul(tf.softmax(tf.matMul(q, k, false, true)), v);
      return tf.matMul(flat(tf.add(flat(x), tf.mul(flat(attended), w.gamma))), w.last);
    },
  ),
  block(
    "transformer block: two heads, layer norm, GELU",
    [1, 3, 4],
    { qkv: [4, 12], out: [4, 4], up: [4, 5], down: [5, 4], last: [12, 1] },
    (x, w) => {
      const tokens = (h: tf.Tensor): tf.Tensor2D => tf.reshape(h, [3, -1]);
      const heads = tf.transpose(
        tf.reshape(tf.matMul(tokens(normalise(x, [2])), w.qkv), [3, 3, 2, 2]),
        [1, 2, 0, 3],
      );
      const [q, k, v] = tf.unstack(heads);
      const weights = tf.softmax(tf.mul(tf.matMul(q, k, false, true), Math.SQRT1_2));
      const attended = tokens(tf.transpose(tf.matMul(weights, v), [1, 0, 2]));
      const h = tf.add(tokens(x), tf.matMul(attended, w.out)) as tf.Tensor2D;
      const wide = tf.matMul(tokens(normalise(h, [1])), w.up);
      const gelu = tf.mul(tf.mul(wide, 0.5), tf.add(tf.erf(tf.mul(wide, Math.SQRT1_2)), 1)) as tf.Tensor2D;
      return tf.matMul(tf.reshape(tf.add(h, tf.matMul(gelu, w.down)), [1, 12]), w.last);
    },
  ),
  block("gated linear unit", [3, 4], { a: [4, 8], last: [4, 1] }, (x, w) => {
    const [value, gate] = tf.split(tf.matMul(x, w.a), 2, 1);
    return tf.matMul(tf.mul(value, tf.sigmoid(gate)) as tf.Tensor2D, w.last);
  }),
  block(
    "StyleGAN2 discriminator block with FIR downsampling",
    [2, 4, 4, 1],
    { a: [3, 3, 1, 2], ba: [2], b: [3, 3, 2, 2], bb: [2], skip: [1, 1, 1, 2], last: [8, 1] },
    (x, w, { biasActivation, upfirdn2d }) => {
      const fir = tf.tensor2d(
        [1, 3, 3, 1, 3, 9, 9, 3, 3, 9, 9, 3, 1, 3, 3, 1].map((v) => v / 64),
        [4, 4],
      );
      const down = (h: tf.Tensor): Loose =>
        upfirdn2d(h as tf.Tensor4D, fir, 1, 2, [
          [1, 1],
          [1, 1],
        ]) as Loose;
      const h = biasActivation(tf.conv2d(x, w.a, 1, "same"), w.ba) as Loose;
      const main = biasActivation(tf.conv2d(down(h), w.b, 1, "same"), w.bb);
      return tf.matMul(flat(tf.add(main, tf.conv2d(down(x), w.skip, 1, "same"))), w.last);
    },
  ),
  block(
    "modulated convolution (StyleGAN2)",
    [2, 3],
    { style: [3, 2], constant: [1, 3, 3, 2], filter: [3, 3, 2, 2], last: [18, 1] },
    (z, w) => {
      const style = tf.add(tf.matMul(z, w.style), 1);
      const modulated = tf.mul(tf.expandDims(w.filter, 0), tf.reshape(style, [2, 1, 1, 2, 1]));
      const energy = tf.sum(tf.mul(modulated, modulated), [1, 2, 3]);
      const x = tf.mul(tf.tile(w.constant, [2, 1, 1, 1]), tf.reshape(style, [2, 1, 1, 2]));
      const y = tf.conv2d(x as tf.Tensor4D, w.filter, 1, "same");
      const demodulated = tf.mul(y, tf.reshape(tf.rsqrt(tf.add(energy, 1e-4)), [2, 1, 1, 2]));
      return tf.matMul(flat(tf.leakyRelu(demodulated, 0.2)), w.last);
    },
  ),
  block("adaptive instance norm", [2, 3], { style: [3, 4], map: [3, 18], last: [18, 1] }, (z, w) => {
    const [scale, offset] = tf.split(tf.reshape(tf.matMul(z, w.style), [2, 1, 1, 4]), 2, 3);
    const h = normalise(tf.tanh(tf.reshape(tf.matMul(z, w.map), [2, 3, 3, 2])), [1, 2]);
    return tf.matMul(flat(tf.add(tf.mul(h, scale), offset)), w.last);
  }),
  block("minibatch standard deviation", [4, 4], { a: [4, 6], last: [7, 1] }, (x, w) => {
    const h = tf.tanh(tf.matMul(x, w.a));
    const deviation = tf.mean(tf.sqrt(tf.add(tf.moments(h, 0).variance, 1e-3)));
    return tf.matMul(
      tf.concat([h, tf.broadcastTo(tf.reshape(deviation, [1, 1]), [4, 1])], 1) as tf.Tensor2D,
      w.last,
    );
  }),
  block("spectral norm by power iteration", [3, 4], { a: [4, 5], last: [5, 1] }, (x, w) => {
    let u: tf.Tensor2D = tf.tensor2d([0.5, -0.2, 0.3, 0.7], [4, 1]);
    const unit = (v: tf.Tensor2D): tf.Tensor2D => tf.div(v, tf.sqrt(tf.sum(tf.mul(v, v))));
    let v: tf.Tensor2D = u;
    for (let i = 0; i < 2; i++) {
      v = unit(tf.matMul(w.a, u, true));
      u = unit(tf.matMul(w.a, v));
    }
    const sigma = tf.sum(tf.mul(u, tf.matMul(w.a, v)));
    return tf.matMul(tf.leakyRelu(tf.matMul(x, tf.div(w.a, sigma)), 0.2), w.last);
  }),
  block(
    "projection discriminator with embedding",
    [3, 4],
    { a: [4, 5], table: [6, 5], last: [5, 1] },
    (x, w) => {
      const h = tf.leakyRelu(tf.matMul(x, w.a), 0.2);
      const embedded = tf.gather(w.table, tf.tensor1d([5, 1, 1], "int32"));
      return tf.add(tf.matMul(h, w.last), tf.sum(tf.mul(h, embedded), 1, true));
    },
  ),
  block(
    "augmented discriminator (DiffAugment)",
    [2, 3, 3, 3],
    { a: [3, 3, 3, 2], last: [8, 1] },
    (x, w, { translate, colour }) => {
      const coloured = colour(x, [
        [0.1, 0.7, 1.2],
        [-0.2, 1.4, 0.8],
      ]);
      const moved = translate(coloured as tf.Tensor4D, [
        [1, 0],
        [-1, 1],
      ]);
      return tf.matMul(flat(tf.leakyRelu(tf.conv2d(moved as tf.Tensor4D, w.a, 2, "same"), 0.2)), w.last);
    },
  ),
  block(
    "PatchGAN with instance norm",
    [1, 6, 6, 1],
    { a: [4, 4, 1, 2], b: [4, 4, 2, 2], last: [3, 3, 2, 1] },
    (x, w) => {
      const h = tf.leakyRelu(tf.conv2d(x, w.a, 2, "same"), 0.2);
      const n = tf.leakyRelu(normalise(tf.conv2d(h, w.b, 1, "same"), [1, 2]), 0.2) as tf.Tensor4D;
      return tf.conv2d(n, w.last, 1, "same");
    },
  ),
  block("R1 of relativistic logits", [4, 3], { a: [3, 5], b: [5, 5], last: [5, 1] }, (x, w) => {
    const logits = tf.matMul(tf.leakyRelu(tf.matMul(tf.leakyRelu(tf.matMul(x, w.a), 0.2), w.b), 0.2), w.last);
    const [real, fake] = tf.split(logits, 2, 0);
    return tf.softplus(tf.sub(fake, real));
  }),
  block("LSTM cell, two steps", [2, 2, 3], { kernel: [5, 8], bias: [8], last: [2, 1] }, (x, w) => {
    let h: tf.Tensor2D = tf.zeros([2, 2]);
    let c: tf.Tensor2D = tf.zeros([2, 2]);
    for (const step of tf.unstack(x, 1)) {
      const gates = tf.add(tf.matMul(tf.concat([step as tf.Tensor2D, h], 1), w.kernel), w.bias);
      const [i, j, f, o] = tf.split(gates, 4, 1) as tf.Tensor2D[];
      c = tf.add(tf.mul(c, tf.sigmoid(f)), tf.mul(tf.sigmoid(i), tf.tanh(j)));
      h = tf.mul(tf.sigmoid(o), tf.tanh(c));
    }
    return tf.matMul(h, w.last);
  }),
  block("Fourier features and MLP", [3, 2], { a: [6, 5], b: [5, 5], last: [5, 1] }, (x, w) => {
    const turned = tf.matMul(x, tf.tensor2d([1.5, -0.7, 0.4, 1.1], [2, 2]));
    const features = tf.concat([x, tf.sin(turned), tf.cos(turned)], 1) as tf.Tensor2D;
    const h = tf.leakyRelu(tf.matMul(features, w.a), 0.2);
    return tf.matMul(tf.leakyRelu(tf.matMul(h, w.b), 0.2), w.last);
  }),
];

export const blockNetworks: readonly Network[] = [...pairs, ...blocks];
