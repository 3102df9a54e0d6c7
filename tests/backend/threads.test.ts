import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, inject, it } from "vitest";
import type { GanvilBackend } from "../../src/backend/backend.ts";
import { compile } from "../../src/backend/compile.ts";
import { createGan } from "../../src/gan/gan.ts";
import { train } from "../../src/gan/train.ts";
import { init } from "../../src/init.ts";
import { batchNormTrain } from "../../src/ops/batch-norm-train.ts";
import { colour } from "../../src/ops/colour.ts";
import { biasActivation } from "../../src/ops/fused-activation.ts";
import { globalNorm } from "../../src/ops/global-norm.ts";
import { imageBatch, translate } from "../../src/ops/image.ts";
import { adamSteps, variableLike } from "../../src/ops/in-place.ts";
import { randomNormal, randomUniform } from "../../src/ops/random.ts";
import { upfirdn2d } from "../../src/ops/upfirdn2d.ts";
import { deriveKey } from "../../src/random.ts";
import { dcgan } from "../../src/recipes/dcgan.ts";
import { noisePictures } from "../gan/fixtures.ts";
import { random } from "../ops/check.ts";

const start = (threads: number): Promise<GanvilBackend> => init({ build: inject("build"), threads });

const counts = [2, 4, 8];

/** Numbers in [-1, 1]. */
function noise(shape: number[], seed = 1): tf.Tensor {
  const next = random(seed);
  return tf.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 2 * next() - 1),
    shape,
  );
}

const key = deriveKey(3, "threads");
const pictures = () => noise([9, 61, 67, 5]) as tf.Tensor4D;

/** Ops at sizes of several pieces, none of them whole. */
const large: Readonly<Record<string, () => tf.Tensor>> = {
  tanh: () => tf.tanh(noise([333, 333])),
  "exp, int32": () => tf.exp(tf.cast(noise([100_001]), "int32")),
  "add of one shape": () => tf.add(noise([77, 1001]), noise([77, 1001], 2)),
  "add of a row": () => tf.add(noise([999, 101]), noise([101], 2)),
  "add of a column": () => tf.add(noise([999, 101]), noise([999, 1], 2)),
  "mul by a number": () => tf.mul(noise([100_003]), 0.37),
  "sub by two axes": () => tf.sub(noise([7, 131, 5, 37]), noise([7, 1, 5, 1], 2)),
  "greater, bool": () => tf.cast(tf.greater(noise([100_003]), noise([100_003], 2)), "int32"),
  where: () => tf.where(tf.greater(noise([100_003]), 0), noise([100_003], 2), noise([100_003], 3)),
  fill: () => tf.fill([300_007], 2.5),
  addN: () => tf.addN([noise([100_003]), noise([100_003], 2), noise([100_003], 3)]),
  "sum of all": () => tf.sum(noise([300_007])),
  "sum of columns": () => tf.sum(noise([3001, 65]), 0),
  "sum of rows": () => tf.sum(noise([3001, 65]), 1),
  "mean of the middle": () => tf.mean(noise([9, 301, 33]), 1),
  "max of columns": () => tf.max(noise([3001, 65]), 0),
  "prod of columns": () => tf.prod(noise([30_001, 5]), 0),
  argMax: () => tf.cast(tf.argMax(noise([3001, 65]), 1), "float32"),
  softmax: () => tf.softmax(noise([3001, 65]) as tf.Tensor2D),
  transpose: () => tf.transpose(noise([9, 101, 103]), [2, 0, 1]),
  pad: () =>
    tf.pad(pictures(), [
      [1, 0],
      [2, 3],
      [1, 1],
      [0, 2],
    ]),
  concat: () => tf.concat([pictures(), pictures()], 3),
  "concat of batches": () => tf.concat([noise([90_001, 5]), noise([90_001, 5], 2)], 0),
  broadcastTo: () => tf.tile(noise([1, 300, 1, 3]), [9, 1, 33, 1]),
  avgPool: () => tf.avgPool(pictures(), 3, 2, "same"),
  "maxPool, forward and backward": () =>
    tf.grad((x) => tf.maxPool(x as tf.Tensor4D, 2, 2, "same"))(pictures()),
  resizeBilinear: () => tf.image.resizeBilinear(pictures(), [90, 30]),
  "resizeNearest, backward": () =>
    tf.grad((x) => tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [90, 130]))(pictures()),
  upfirdn2d: () => upfirdn2d(pictures(), [1, 3, 3, 1], { up: 2, pad: 2 }),
  colour: () => colour(pictures(), noise([9, 3]) as tf.Tensor2D),
  translate: () => translate(pictures(), tf.cast(tf.mul(noise([9, 2]), 9), "int32") as tf.Tensor2D),
  imageBatch: () =>
    imageBatch({
      data: Uint8Array.from({ length: 31 * 33 * 35 * 3 }, (_, i) => (i * 37) % 256),
      shape: [31, 33, 35, 3],
      mirror: Uint8Array.from({ length: 31 }, (_, i) => i % 2),
    }),
  "biasActivation and its gradients": () =>
    tf.concat(
      tf
        .grads((x, bias) => biasActivation(x, bias))([pictures(), noise([5])])
        .map((g) => tf.reshape(g, [-1])),
    ),
  randomNormal: () => randomNormal([100_003], { key, offset: 5 }),
  "randomUniform past 2³² counters": () => randomUniform([100_003], { key, offset: 2 ** 33 - 20_001 }),
  batchNormTrain: () => batchNormTrain(pictures(), noise([5]), noise([5], 2)).y,
  "batchNormTrain's gradients, with leakyRelu": () =>
    tf.concat(
      tf
        .grads((x, scale, offset) => {
          return batchNormTrain(x, scale, offset, { groups: 3, activation: "leakyRelu" }).y;
        })([pictures(), noise([5]), noise([5], 2)], pictures())
        .map((g) => tf.reshape(g, [-1])),
    ),
  globalNorm: () => globalNorm([noise([100_003]), noise([50_001], 2)]),
  "adamSteps, weights and averages": () => {
    const [param, m, gradient, average] = [1, 2, 3, 4].map((seed) => variableLike(noise([100_003], seed)));
    const v = variableLike(tf.square(m));
    const options = { learningRate: 0.1, beta1: 0.5, beta2: 0.9, epsilon: 1e-8, step: 2, decay: 0.9 };
    adamSteps([{ param, m, v, gradient, average }], options);
    const result = tf.concat([param, m, v, average]);
    tf.dispose([param, m, v, gradient, average]);
    return result;
  },
  conv2d: () => tf.conv2d(pictures(), noise([3, 3, 5, 16]) as tf.Tensor4D, 1, "same"),
  matMul: () => tf.matMul(noise([301, 203]) as tf.Tensor2D, noise([203, 151], 2) as tf.Tensor2D),
};

const bitsOf = (f: () => tf.Tensor): string => {
  const y = tf.tidy(f);
  const values = Float32Array.from(y.dataSync());
  y.dispose();
  // One string of its bytes: comparing arrays of so many numbers takes seconds.
  return Buffer.from(values.buffer).toString("base64");
};

describe("with 2, 4 and 8 threads", () => {
  const results = new Map<number, Record<string, string>>();

  beforeAll(async () => {
    for (const threads of [1, ...counts]) {
      await start(threads);
      results.set(threads, Object.fromEntries(Object.entries(large).map(([name, f]) => [name, bitsOf(f)])));
    }
  });

  it.each(Object.keys(large))("%s has the very bits of one thread", (name) => {
    const expected = results.get(1)![name];
    for (const threads of counts) expect(results.get(threads)![name] === expected).toBe(true);
  });

  it("a DCGAN is trained to the very bits of one thread", async () => {
    const run = async (threads: number) => {
      expect((await start(threads)).threads).toBe(threads);
      const gan = createGan(
        dcgan({ resolution: 32, widths: [24, 16, 8], latent: 16, batch: 8, kimg: 0.024 }),
      );
      const losses: unknown[] = [];
      for await (const report of train(gan, noisePictures())) losses.push(report.losses);
      const { tensors } = await gan.state();
      gan.dispose();
      return { losses, tensors };
    };
    const expected = await run(1);
    expect(expected.losses.length).toBe(3);
    for (const threads of counts) expect(await run(threads)).toEqual(expected);
  }, 120_000);
});

it("a captured step follows a change of threads, to the same bits", async () => {
  await start(2);
  const weight = noise([33, 33], 2);
  const step = compile((x) => [tf.tanh(tf.matMul(x as tf.Tensor2D, weight as tf.Tensor2D)), tf.sum(x, 0)]);
  const x = noise([3001, 33]);
  const run = (): string =>
    step(x)
      .map((y) => {
        const bytes = Buffer.from(Float32Array.from(y.dataSync()).buffer).toString("base64");
        y.dispose();
        return bytes;
      })
      .join();
  const expected = run();
  for (const threads of [2, 4, 1, 2]) {
    await start(threads);
    for (let call = 0; call < 4; call++) expect(run() === expected).toBe(true);
    expect(step.status).toBe("captured");
  }
  step.dispose();
  tf.dispose([weight, x]);
});

describe("an op in pieces", () => {
  /** Rows that fit one piece. */
  const chunk = 100;
  const rowwise: Readonly<Record<string, (x: tf.Tensor) => tf.Tensor>> = {
    sigmoid: (x) => tf.sigmoid(x),
    "mul by a row": (x) => tf.mul(x, noise([201], 2)),
    "add of itself": (x) => tf.add(x, x),
    sum: (x) => tf.sum(x, 1),
    max: (x) => tf.max(x, 1),
    argMin: (x) => tf.argMin(x, 1),
    softmax: (x) => tf.softmax(x),
    "pad on the right": (x) =>
      tf.pad(x, [
        [0, 0],
        [0, 3],
      ]),
    leakyRelu: (x) => biasActivation(x, noise([201], 2)),
    "less than a row, bool": (x) => tf.cast(tf.less(x, noise([201], 2)), "int32"),
  };

  beforeAll(() => start(2));

  it.each(Object.entries(rowwise))("gives what its pieces give: %s", (_, f) => {
    tf.tidy(() => {
      const x = noise([1003, 201]);
      const parts: tf.Tensor[] = [];
      for (let row = 0; row < 1003; row += chunk) {
        parts.push(f(tf.slice(x, [row, 0], [Math.min(chunk, 1003 - row), 201])));
      }
      expect(bitsOf(() => f(x))).toBe(bitsOf(() => tf.concat(parts)));
    });
  });

  it("draws the same random numbers whole and from any offset on", () => {
    tf.tidy(() => {
      const all = randomNormal([200_003], { key }).dataSync();
      for (const offset of [1, 65_536, 131_073]) {
        const some = randomNormal([1000], { key, offset }).dataSync();
        expect(some).toEqual(all.slice(offset, offset + 1000));
      }
    });
  });
});
