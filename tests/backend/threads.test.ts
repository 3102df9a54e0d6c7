import { execFile } from "node:child_process";
import { promisify } from "node:util";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, inject, it, vi } from "vitest";
import type { GanvilBackend } from "../../src/backend/backend.ts";
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

describe("the pool of workers", () => {
  it("is replaced when init() asks for another number of threads, and tensors stay", async () => {
    const backend = await start(2);
    const x = tf.tensor1d([1, 2, 3]);
    const first = backend.executor.pool;
    expect(await start(4)).toBe(backend);
    expect(backend.threads).toBe(4);
    expect(backend.executor.pool).not.toBe(first);
    const second = backend.executor.pool;
    await start(4);
    await init();
    expect(backend.executor.pool).toBe(second);
    await start(1);
    expect(backend.executor.pool).toBeUndefined();
    expect([...x.dataSync()]).toEqual([1, 2, 3]);
    x.dispose();
  });

  it("refuses numbers of threads that are none", async () => {
    for (const threads of [0, -1, 1.5, 65, Number.NaN, "2" as never]) {
      await expect(init({ threads })).rejects.toThrow(/init: expected threads from 1 to 64, got/);
    }
  });

  it("says which kernel trapped, in whichever thread, and goes on working", async () => {
    const { executor } = await start(2);
    const far = 4e9;
    for (let i = 0; i < 20; i++) {
      expect(() => executor.sweep("abs", [far, far, 1000], 2, 10, [40, 40])).toThrow(
        expect.objectContaining({
          code: "kernel-failed",
          message: expect.stringMatching(/^abs: .*out of bounds/),
        }),
      );
    }
    expect(bitsOf(() => tf.relu(tf.fill([100_000], -1)))).toBe(bitsOf(() => tf.zeros([100_000])));
  });

  it("does every unit once, for workers awake, asleep and late", async () => {
    const { executor, heap } = await start(4);
    const y = heap.alloc(4096 * 4);
    const next = random("units");
    for (let job = 0; job < 3000; job++) {
      const n = 1 + Math.floor(next() * 4096);
      const unit = 1 + Math.floor(next() * 300);
      executor.kernels.fill(y, 4096, 1);
      // In place, so that a unit done twice, or not at all, shows.
      executor.sweep("neg", [y, y, n], 2, Math.max(unit, Math.ceil(n / 1000)), [
        4 * Math.max(unit, Math.ceil(n / 1000)),
        4 * Math.max(unit, Math.ceil(n / 1000)),
      ]);
      if (heap.f32(y, 4096).findIndex((value, i) => value !== (i < n ? -1 : 1)) >= 0) {
        throw new Error(`job ${job}: ${n} elements in units of ${unit}`);
      }
      if (job % 300 === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    }
    heap.free(y);
  });

  it("splits units among more parts than a claim can count, and gives each thread scratch of its own", async () => {
    const { executor, heap } = await start(2);
    const n = 5000;
    const [x, y, geometry] = [heap.alloc(4 * n), heap.alloc(4 * n), heap.alloc(48)];
    heap.f32(x, n).forEach((_, i, all) => {
      all[i] = i;
    });
    // Pictures of one pixel: average pooling copies them.
    heap.i32(geometry, 12).set([n, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0]);
    const asked: number[] = [];
    executor.split("avgPool", n, 100, [y, x, geometry], (bytes) => {
      asked.push(bytes);
      return 64;
    });
    expect(asked).toEqual([2 * 128]);
    expect(heap.f32(y, n)).toEqual(heap.f32(x, n));
    for (const ptr of [x, y, geometry]) heap.free(ptr);
  });

  it("keeps no process alive, asleep or awake", async () => {
    const run = promisify(execFile);
    const code = `
      import { init } from "./src/index.ts";
      import * as tf from "@tensorflow/tfjs-core";
      const { threads } = await init({ threads: 3 });
      tf.tanh(tf.zeros([300000])).dataSync();
      if (process.env.SLEEP) await new Promise((resolve) => setTimeout(resolve, 50));
      console.log(threads);`;
    for (const SLEEP of ["", "1"]) {
      const { stdout } = await run(process.execPath, ["--import", "tsx", "--input-type=module", "-e", code], {
        cwd: new URL("../..", import.meta.url).pathname,
        env: { ...process.env, SLEEP },
        timeout: 30_000,
      });
      expect(stdout.trim().split("\n").at(-1)).toBe("3");
    }
  }, 60_000);

  it("reads tensors as arrays of their own, not as views of the shared memory", async () => {
    await start(2);
    const x = tf.tensor1d([1, 2, 3]);
    const values = x.dataSync();
    expect(values.buffer).toBeInstanceOf(ArrayBuffer);
    expect(values.buffer.byteLength).toBe(12);
    x.dispose();
  });
});

describe("init() without cross-origin isolation", () => {
  afterAll(() => vi.unstubAllGlobals());

  it("computes with one thread and warns once, naming both headers", async () => {
    tf.removeBackend("ganvil");
    vi.stubGlobal("crossOriginIsolated", false);
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const backend = await init({ build: inject("build"), threads: 4 });
    expect(backend.threads).toBe(1);
    expect(backend.module.memory.buffer).toBeInstanceOf(ArrayBuffer);
    await init({ threads: 2 });
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.lastCall?.[0]).toMatch(
      /one thread.*Cross-Origin-Opener-Policy: same-origin.*Cross-Origin-Embedder-Policy: require-corp/,
    );
    expect(tf.tidy(() => [...tf.relu([-1, 2]).dataSync()])).toEqual([0, 2]);
    warn.mockRestore();
    vi.unstubAllGlobals();
    tf.removeBackend("ganvil");
  });
});
