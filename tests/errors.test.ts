// One table, a row a fault: long, and read by looking up one's function.
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  createGan,
  dcgan,
  diffAugment,
  fromLayersModel,
  type Gan,
  type GanSettings,
  init,
  network,
  networkOf,
  sample,
  spaceToDepth,
  train,
} from "../src/index.ts";
import { batchNormTrain } from "../src/ops/batch-norm-train.ts";
import { colour } from "../src/ops/colour.ts";
import { conv2d, conv2dTranspose } from "../src/ops/conv2d.ts";
import { imageBatch, imageBytes, translate } from "../src/ops/image.ts";
import { logisticLoss } from "../src/ops/logistic-loss.ts";
import { randomNormal, randomUniform } from "../src/ops/random.ts";
import { useBuild } from "./builds.ts";
import { checkNoLeak } from "./ops/check.ts";

let gan: Gan;
let settings: GanSettings;

beforeAll(async () => {
  await useBuild();
  settings = dcgan({ widths: [4, 4, 4], latent: 5, batch: 2 });
  gan = createGan(settings);
});
afterAll(() => gan.dispose());

/** What TypeScript would refuse, as a program without it may pass it. */
const wrong = (value: unknown): never => value as never;
const zeros = (...shape: number[]): never => tf.zeros(shape) as never;
const ints = (...shape: number[]): never => tf.zeros(shape, "int32") as never;
const bytes = (n: number): Uint8Array => new Uint8Array(n);
const key = [1, 2] as const;
const { NaN: nan } = Number;
const integer = wrong({ w: { assign: () => {}, dtype: "int32" } });

type Fault = [what: string, call: () => unknown, error: "RangeError" | "TypeError", message: RegExp];

const faults: Record<string, Fault[]> = {
  conv2d: [
    [
      "rank",
      () => conv2d(zeros(4, 4, 3), zeros(3, 3, 3, 2)),
      "RangeError",
      /^conv2d: .*rank 4 \(x \[4,4,3\]/,
    ],
    ["channels", () => conv2d(zeros(1, 4, 4, 3), zeros(3, 3, 2, 2)), "RangeError", /in-channels 3, got 2/],
    [
      "dtype",
      () => conv2d(ints(1, 4, 4, 3), zeros(3, 3, 3, 2)),
      "TypeError",
      /x of dtype float32, got int32/,
    ],
    [
      "no tensor",
      () => conv2d(wrong(undefined), zeros(3, 3, 3, 2)),
      "TypeError",
      /"x" .*tensor, got Undefined/,
    ],
    ["stride", () => conv({ stride: nan }), "RangeError", /strides .* at least 1, got \[NaN,NaN\]/],
    ["dilation", () => conv({ dilation: -1 }), "RangeError", /dilations .* at least 1, got \[-1,-1\]/],
    ["groups", () => conv({ groups: 0 }), "RangeError", /groups .* at least 1, got \[0\]/],
    [
      "indivisible groups",
      () => conv({ groups: 2 }),
      "RangeError",
      /divisible by groups 2, got 3 and \d+ \(x \[1,4,4,3\]/,
    ],
    [
      "negative pad",
      () => conv({ pad: -1 }),
      "RangeError",
      /pad .* at least 0, got -1 \(x \[1,4,4,3\], filter/,
    ],
    ["pad NaN", () => conv({ pad: nan }), "RangeError", /pad .* at least 0, got NaN/],
    ["pad's name", () => conv({ pad: wrong("full") }), "TypeError", /pad "same", "valid".*got "full"/],
    [
      "pad of one axis",
      () => conv({ pad: wrong([[1, 1]]) }),
      "TypeError",
      /pairs for height and width.*\[1,1\]/,
    ],
  ],
  conv2dTranspose: [
    [
      "rank",
      () => conv2dTranspose(zeros(4, 4, 3), zeros(3, 3, 2, 3)),
      "RangeError",
      /rank 4 .*\(x \[4,4,3\]/,
    ],
    [
      "dtype",
      () => conv2dTranspose(ints(1, 4, 4, 3), zeros(3, 3, 2, 3)),
      "TypeError",
      /Transpose: .*got int32/,
    ],
    ["stride", () => up({ stride: 1.5 }), "RangeError", /strides .* at least 1, got \[1.5,1.5\]/],
    [
      "pad of one axis",
      () => up({ pad: wrong([[1, 1]]) }),
      "TypeError",
      /pairs for height and width.*\[1,1\]/,
    ],
    ["pad beyond the picture", () => up({ pad: 9 }), "RangeError", /at least 0, got \[-9,-9\].*Change .*pad/],
    ["size", () => up({ outputSize: [7.5, 8] }), "RangeError", /whole height and width .*got \[7.5,8\]/],
    [
      "other size",
      () => up({ outputSize: [11, 11] }),
      "RangeError",
      /\[11,11\] belongs to .*6x6, got x \[1,4,4,3\]/,
    ],
  ],
  batchNormTrain: [
    ["rank", () => batchNormTrain(zeros(4), zeros(4), zeros(4)), "RangeError", /rank 2 or more.*got \[4\]/],
    [
      "dtype",
      () => batchNormTrain(ints(4, 4), zeros(4), zeros(4)),
      "TypeError",
      /x of dtype float32, got int32/,
    ],
    [
      "dtype of scale",
      () => batchNormTrain(zeros(4, 4), ints(4), zeros(4)),
      "TypeError",
      /scale of dtype float32, got int32/,
    ],
    [
      "shape of offset",
      () => batchNormTrain(zeros(4, 4), zeros(4), zeros(5)),
      "RangeError",
      /offset of shape \[4\], got \[5\]/,
    ],
    ["groups", () => norm({ groups: 3 }), "RangeError", /divide the batch of 4, got 3/],
    ["groups NaN", () => norm({ groups: nan }), "RangeError", /divide the batch of 4, got NaN/],
    ["epsilon", () => norm({ epsilon: -1 }), "RangeError", /finite epsilon of at least 0, got -1/],
    ["epsilon NaN", () => norm({ epsilon: nan }), "RangeError", /finite epsilon of at least 0, got NaN/],
    [
      "activation",
      () => norm({ activation: "gelu" }),
      "TypeError",
      /^batchNormTrain: expected activation linear, relu, leakyRelu, got "gelu"/,
    ],
    [
      "alpha NaN",
      () => norm({ activation: "leakyRelu", alpha: nan }),
      "RangeError",
      /^batchNormTrain: expected a finite alpha, got NaN/,
    ],
  ],
  logisticLoss: [
    ["no terms", () => logisticLoss(zeros(4), []), "RangeError", /terms of equally many .* got none/],
    ["uneven terms", () => logisticLoss(zeros(4), [[1], [1, 0]]), "RangeError", /got \[1\], \[1,0\]/],
    ["parts", () => logisticLoss(zeros(5, 1), [[-1, 1]]), "RangeError", /2 equal parts, got \[5,1\]/],
    ["dtype", () => logisticLoss(ints(4), [[1]]), "TypeError", /logits of dtype float32, got int32/],
  ],
  image: [
    ["bytes", () => imageBatch({ data: bytes(3), shape: [1, 2, 2, 3] }), "RangeError", /\[1,2,2,3\].*got 3/],
    [
      "negative",
      () => imageBatch({ data: bytes(12), shape: [-1, -2, 2, 3] }),
      "RangeError",
      /got \[-1,-2,2,3\]/,
    ],
    [
      "fraction",
      () => imageBatch({ data: bytes(12), shape: [1.5, 2, 2, 2] }),
      "RangeError",
      /got \[1.5,2,2,2\]/,
    ],
    [
      "floats",
      () => imageBatch({ data: wrong(new Float32Array(12)), shape: [1, 2, 2, 3] }),
      "TypeError",
      /data in a Uint8Array, got Float32Array/,
    ],
    [
      "mirror",
      () => imageBatch({ data: bytes(12), shape: [1, 2, 2, 3], mirror: bytes(2) }),
      "RangeError",
      /each of 1 pictures, got 2/,
    ],
    ["dtype", () => imageBytes(ints(1, 2, 2, 3)), "TypeError", /^imageBytes: .*float32, got int32/],
    ["translate rank", () => translate(zeros(2, 2, 3), ints(2, 2)), "RangeError", /rank 4 .*got \[2,2,3\]/],
    ["translate dtype", () => translate(zeros(1, 2, 2, 3), zeros(1, 2)), "TypeError", /int32, got float32/],
    ["shift", () => translate(zeros(1, 2, 2, 3), ints(2, 2)), "RangeError", /\[1,2\], got \[2,2\]/],
    ["colour rank", () => colour(zeros(2, 2, 3), zeros(2, 3)), "RangeError", /^colour: .*got \[2,2,3\]/],
    ["colour dtype", () => colour(ints(2, 2, 2, 3), zeros(2, 3)), "TypeError", /x of .*float32, got int32/],
    ["factors", () => colour(zeros(2, 2, 2, 3), ints(2, 3)), "TypeError", /factors of .*float32, got int32/],
    ["block", () => spaceToDepth(zeros(1, 2, 2, 3), nan), "RangeError", /^spaceToDepth: .*NaN.*\[1,2,2,3\]/],
    ["negative block", () => spaceToDepth(zeros(1, 2, 2, 3), -2), "RangeError", /^spaceToDepth: .*-2/],
    ["pictures' rank", () => spaceToDepth(zeros(2, 2, 3), 2), "RangeError", /^spaceToDepth: .*\[2,2,3\]/],
  ],
  random: [
    ["negative", () => randomUniform([-2, -3], { key }), "RangeError", /^randomUniform: .*got \[-2,-3\]/],
    ["fraction", () => randomNormal([1.5], { key }), "RangeError", /^randomNormal: .*got \[1.5\]/],
    ["NaN", () => randomNormal([nan], { key }), "RangeError", /^randomNormal: .*got \[NaN\]/],
    ["no key", () => randomUniform([2], wrong({})), "RangeError", /key of two uint32, got \[undefined\]/],
    ["key", () => randomUniform([2], { key: [-1, 0] }), "RangeError", /key of two uint32, got \[-1,0\]/],
    ["offset", () => randomUniform([2], { key, offset: nan }), "RangeError", /at least 0, got NaN/],
    [
      "low > high",
      () => randomUniform([2], { key, low: 2, high: 1 }),
      "RangeError",
      /low <= high, got 2 and 1/,
    ],
    ["std", () => randomNormal([2], { key, std: -1 }), "RangeError", /std of at least 0, got 0 and -1/],
    ["mean", () => randomNormal([2], { key, mean: nan }), "RangeError", /finite mean.*got NaN and 1/],
  ],
  createGan: [
    ...["latent", "resolution", "channels", "batch"].flatMap((name) =>
      [nan, -1, 0, 1.5, "3"].map(
        (value): Fault => [
          `${name} ${JSON.stringify(value)}`,
          () => make({ [name]: value }),
          "RangeError",
          RegExp(`${name} to be a whole number above 0, got ${typeof value === "string" ? '"3"' : value}`),
        ],
      ),
    ),
    ["kimg", () => make({ kimg: nan }), "RangeError", /kimg above 0, got NaN/],
    ["seed", () => make({ seed: -1 }), "RangeError", /seed .* from 0 to 4294967295, got -1/],
    ["beta", () => make({ beta1: 1 }), "RangeError", /beta1 in \[0, 1\), got 1/],
    ["half-life", () => make({ averageHalfLife: nan }), "RangeError", /averageHalfLife .*got NaN/],
    ["rate", () => make({ learningRate: wrong("fast") }), "TypeError", /learningRate .*progress, got "fast"/],
    [
      "loss",
      () => make({ loss: wrong("hinge") }),
      "TypeError",
      /loss.discriminator .*function, got undefined/,
    ],
    [
      "augment",
      () => make({ augment: wrong(true) }),
      "TypeError",
      /augment.apply to be a function, got undefined/,
    ],
    ["generator", () => make({ generator: wrong(null) }), "TypeError", /generator to be a network/],
    ["augment's strength", () => diffAugment({ brightness: nan }), "RangeError", /brightness .*got NaN/],
    ["translation", () => diffAugment({ translation: 3 }), "RangeError", /translation from 0 to 1, got 3/],
  ],
  Gan: [
    ["pictures", () => step(zeros(2, 16, 16, 3)), "RangeError", /\[2,32,32,3\], got \[2,16,16,3\]/],
    ["dtype", () => step(ints(2, 32, 32, 3)), "TypeError", /^step: .*float32, got int32/],
    ["cursor", () => step(zeros(2, 32, 32, 3), nan), "RangeError", /cursor .*got NaN/],
    ["bytes", () => step({ data: bytes(3), shape: [2, 32, 32, 3] }), "RangeError", /^imageBatch: .*got 3/],
    ["z", () => gan.generate(zeros(1, 6)), "RangeError", /z \[N,5\], got \[1,6\]/],
    ["dtype of z", () => gan.generate(ints(1, 5)), "TypeError", /z of dtype float32, got int32/],
    ["count", () => sample(gan, { count: nan }), "RangeError", /count .*above 0, got NaN/],
    ["batch", () => sample(gan, { batch: -1 }), "RangeError", /batch .*above 0, got -1/],
    ["seed", () => sample(gan, { seed: -1 }), "RangeError", /seed .*to 4294967295, got -1/],
    ["kimg", () => train(gan, wrong({}), { kimg: nan }).next(), "RangeError", /kimg above 0, got NaN/],
    [
      "data",
      () => train(gan, wrong({ resolution: 16, channels: 1 })).next(),
      "RangeError",
      /32×32×3, got 16×16×1/,
    ],
  ],
  dcgan: [
    ["resolution", () => dcgan({ resolution: wrong(48) }), "RangeError", /32 or 64, got 48/],
    ["channels", () => dcgan({ channels: wrong(2) }), "RangeError", /1 or 3, got 2/],
    ["latent", () => dcgan({ latent: nan }), "RangeError", /latent .*got NaN/],
    ["widths", () => dcgan({ widths: [1, 2, nan] }), "RangeError", /3 widths .*got \[1,2,NaN\]/],
    ["seed", () => dcgan({ seed: -1 }), "RangeError", /seed .*got -1/],
    ["rate", () => dcgan({ learningRate: [nan, 1] }), "RangeError", /both above 0, got NaN,1/],
    ["one rate", () => dcgan({ learningRate: wrong(0.1) }), "RangeError", /\[from, to\].*got 0.1/],
  ],
  network: [
    ["seed", () => network(nan, "a", () => (x) => x), "RangeError", /seed .*got NaN/],
    ["build", () => network(1, "a", wrong(3)), "TypeError", /function that builds, got 3/],
    ["shape", () => layer([nan, 2]), "RangeError", /^network: "w": .*at least 0, got \[NaN,2\]/],
    ["negative shape", () => layer([-1]), "RangeError", /^network: "w": .*at least 0, got \[-1\]/],
    [
      "no variable",
      () => networkOf(wrong({ w: null }), (x) => x),
      "TypeError",
      /tf.Variable under "w", got null/,
    ],
    ["no function", () => networkOf({}, wrong(3)), "TypeError", /apply\(x, options\), got 3/],
    ["dtype", () => networkOf(integer, (x) => x), "TypeError", /"w" .*float32, got int32/],
    ["no model", () => fromLayersModel(wrong(undefined)), "TypeError", /one of its inputs, got none/],
  ],
  init: [
    ["device", () => init({ device: wrong("gpu") }), "TypeError", /"auto", "wasm" or "webgpu", got "gpu"/],
  ],
};

const conv = (options: object) => conv2d(zeros(1, 4, 4, 3), zeros(3, 3, 3, 2), options);
const up = (options: object) =>
  conv2dTranspose(zeros(1, 4, 4, 3), zeros(3, 3, 2, 3), { stride: 2, ...options });
const norm = (options: object) => batchNormTrain(zeros(4, 4), zeros(4), zeros(4), options);
const make = (options: object) => createGan({ ...settings, ...options });
const step = (image: unknown, cursor = 0) => gan.step({ image: wrong(image), cursor });
const layer = (shape: number[]) =>
  network(1, "a", (to) => {
    to.constant("w", shape, 0);
    return (x) => x;
  });

for (const [name, table] of Object.entries(faults)) {
  describe(`${name} says what it expected and found of a faulty`, () => {
    for (const [what, call, kind, message] of table) {
      it(what, () =>
        checkNoLeak(async () => {
          tf.engine().startScope();
          try {
            const error = await Promise.resolve()
              .then(call)
              .catch((caught: Error) => caught);
            expect(error).toBeInstanceOf(Error);
            expect((error as Error).message).toMatch(message);
            expect((error as Error).name).toBe(kind);
          } finally {
            tf.engine().endScope();
          }
        }),
      );
    }
  });
}

describe("a GAN", () => {
  it("takes a step after a faulty one", async () => {
    await expect(step({ data: bytes(3), shape: [2, 32, 32, 3] })).rejects.toThrow(/^imageBatch/);
    await expect(step(tf.zeros([2, 16, 16, 3]))).rejects.toThrow(/^step/);
    await step(tf.zeros([2, 32, 32, 3]));
    expect(gan.stepsDone).toBe(1);
  });

  it("takes an option that is undefined as left out", () => {
    const other = createGan({ ...dcgan({ widths: [4, 4, 4] }), batch: undefined, beta1: undefined });
    expect(other.settings).toMatchObject({ batch: 32, beta1: 0.5 });
    other.dispose();
  });
});
