import { type Tensor2D, tensor2d, tile } from "@tensorflow/tfjs-core";
import { beforeAll, expect, it } from "vitest";
import { createGan, type Gan } from "../../src/gan/gan.ts";
import { interpolate, meanStyle, slerp, styleMix, truncate } from "../../src/latent/mix.ts";
import { inferenceMode, type StyleNetwork } from "../../src/nn/network.ts";
import { randomNormal } from "../../src/ops/random.ts";
import { deriveKey } from "../../src/random.ts";
import { dcgan } from "../../src/recipes/dcgan.ts";
import { stylegan2 } from "../../src/recipes/stylegan2.ts";
import { useBuild } from "../builds.ts";
import { expectClose } from "../ops/check.ts";

beforeAll(useBuild);

const latents = (count: number, latent: number, name = "z") =>
  randomNormal([count, latent], { key: deriveKey(7, name) }) as Tensor2D;

const style = (classes = 0): Gan =>
  createGan(stylegan2({ resolution: 8, widths: [6, 4], latent: 5, classes }));

it("slerp between two vectors keeps to their arc: the length of both, and the part of the angle asked for", async () => {
  const [a, b] = [tensor2d([[3, 0, 0]]), tensor2d([[0, 0, 3]])];
  for (const t of [0, 0.25, 0.5, 1]) {
    const [x, y, z] = await slerp(a, b, t).data<"float32">();
    expectClose(
      "point",
      [x, y, z],
      [3 * Math.cos((t * Math.PI) / 2), 0, 3 * Math.sin((t * Math.PI) / 2)],
      1e-6,
    );
  }
  const [z1, z2] = [latents(20, 64, "one"), latents(20, 64, "two")];
  const [from, to, halfway] = await Promise.all([z1, z2, slerp(z1, z2, 0.5)].map((x) => x.data<"float32">()));
  for (let n = 0; n < 20; n++) {
    const [p, q, m] = [from, to, halfway].map((all) => all.slice(64 * n, 64 * (n + 1)));
    const dot = (u: Float32Array, v: Float32Array) => u.reduce((sum, value, i) => sum + value * v[i], 0);
    const angle = Math.acos(dot(p, q) / Math.sqrt(dot(p, p) * dot(q, q)));
    const weight = Math.sin(angle / 2) / Math.sin(angle);
    expectClose(
      `row ${n}`,
      m,
      p.map((value, i) => weight * (value + q[i])),
      1e-5,
    );
  }
});

it("slerp of parallel vectors is straight, and of rows each has its own part", async () => {
  const [a, b] = [
    tensor2d([
      [1, 2],
      [1, 2],
      [0, 1],
    ]),
    tensor2d([
      [2, 4],
      [1, 2],
      [1, 0],
    ]),
  ];
  const y = await slerp(a, b, [0.5, 0.3, 1]).data<"float32">();
  expectClose("rows", y, [1.5, 3, 1, 2, 1, 0], 1e-6);
  expect(() => slerp(a, tensor2d([[1, 2]]), 0)).toThrow("expected two tensors of one shape [N, latent]");
  expect(() => slerp(a, b, [0, 1])).toThrow("expected 3 numbers t, got 2");
});

it("interpolation begins and ends with the pictures of both ends", async () => {
  const gan = createGan(dcgan({ widths: [6, 5, 4], latent: 7 }));
  const [from, to] = [latents(1, 7, "from"), latents(1, 7, "to")];
  const way = await interpolate(gan, from, to, 5).data<"float32">();
  const size = way.length / 5;
  expectClose("first", way.slice(0, size), await gan.generate(from).data<"float32">(), 1e-5);
  expectClose("last", way.slice(4 * size), await gan.generate(to).data<"float32">(), 1e-5);
  expect(() => interpolate(gan, from, to, 1)).toThrow(
    "expected steps to be a whole number of at least 2, got 1",
  );
  expect(() => interpolate(gan, latents(2, 7), to, 3)).toThrow("expected one z at either end, got 2");
  gan.dispose();
});

it("truncation of 0 is the mean style's picture, of 1 the picture itself, for each class its own", async () => {
  for (const classes of [0, 2]) {
    const gan = style(classes);
    const z = latents(4, 5);
    const label = classes > 0 ? [0, 1, 1, 0] : undefined;
    const none = await truncate(gan, z, 0, { label }).data<"float32">();
    const size = none.length / 4;
    for (let n = 0; n < 4; n++) {
      const w = meanStyle(gan, { label: label?.[n] });
      const labels = classes > 0 ? tensor2d([label![n] === 0 ? [1, 0] : [0, 1]]) : undefined;
      const { synthesize } = gan.settings.generator as StyleNetwork;
      const expected = await synthesize(w, inferenceMode(labels)).data<"float32">();
      expectClose(
        `picture ${n}`,
        none.slice(n * size, (n + 1) * size),
        expected.map((v) => Math.max(-1, Math.min(1, v))),
        1e-5,
      );
    }
    expectClose(
      "whole",
      await truncate(gan, z, 1, { label }).data<"float32">(),
      await gan.generate(z, label).data<"float32">(),
      1e-5,
    );
    gan.dispose();
  }
});

it("truncation without a mapping network scales z", async () => {
  const gan = createGan(dcgan({ widths: [6, 5, 4], latent: 7 }));
  const z = latents(2, 7);
  const half = tensor2d(
    [...(await z.data<"float32">())].map((value) => value / 2),
    [2, 7],
  );
  expectClose(
    "half",
    await truncate(gan, z, 0.5).data<"float32">(),
    await gan.generate(half).data<"float32">(),
    1e-5,
  );
  gan.dispose();
});

it("the mean style is the mean of many codes", async () => {
  const gan = style();
  const { map } = gan.settings.generator as StyleNetwork;
  const codes = await map(latents(8192, 5, "many"), inferenceMode()).data<"float32">();
  const mean = Array.from({ length: 5 }, (_, i) => {
    let sum = 0;
    for (let n = 0; n < 8192; n++) sum += codes[5 * n + i] / 8192;
    return sum;
  });
  const found = await meanStyle(gan).data<"float32">();
  for (const [i, value] of mean.entries()) expect(found[i]).toBeCloseTo(value, 1);
  gan.dispose();
});

it("style mixing has both codes: the coarse one's picture, the fine one's, and others between", async () => {
  const gan = style();
  const [coarse, fine] = [latents(2, 5, "coarse"), latents(2, 5, "fine")];
  const { styles } = gan.settings.generator as StyleNetwork;
  const mixed = await Promise.all(
    Array.from({ length: styles + 1 }, (_, at) => styleMix(gan, coarse, fine, at).data<"float32">()),
  );
  expectClose("coarse", mixed[styles], await gan.generate(coarse).data<"float32">(), 1e-5);
  expectClose("fine", mixed[0], await gan.generate(fine).data<"float32">(), 1e-5);
  for (let at = 0; at < styles; at++) {
    expect(Math.max(...mixed[at].map((value, i) => Math.abs(value - mixed[at + 1][i])))).toBeGreaterThan(
      1e-3,
    );
  }
  expect(() => styleMix(gan, coarse, fine, 9)).toThrow(
    `expected at to be a layer from 0 to ${styles}, got 9`,
  );
  expect(() => styleMix(gan, coarse, tile(fine, [2, 1]), 1)).toThrow(
    "expected as many fine latents as coarse ones",
  );
  gan.dispose();
  const plain = createGan(dcgan({ widths: [6, 5, 4], latent: 5 }));
  expect(() => styleMix(plain, coarse, fine, 1)).toThrow("expected a generator with a mapping network");
  plain.dispose();
});
