// Each of ADA's changes against its equation and its distribution.
import { add, fill, randomUniform, scalar, type Tensor4D, tensor, tidy } from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { type AdaOptions, ada } from "../../src/gan/ada.ts";
import { drawsFor } from "../../src/gan/ada-draws.ts";
import { sourceMaps } from "../../src/gan/ada-geometry.ts";
import { deriveKey } from "../../src/random.ts";
import { useBuild } from "../builds.ts";

beforeAll(useBuild);

const turn = (p: number, seed = 1) => ({
  key: (purpose: string) => deriveKey(seed, purpose),
  control: () => scalar(p),
});
const changed = (options: AdaOptions, x: Tensor4D, p = 1) => ada(options).apply(x, turn(p));

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const rms = (values: readonly number[]) => Math.sqrt(mean(values.map((value) => value * value)));

/** Expects a mean within 4.5 of its standard errors. */
function expectMean(values: readonly number[], expected: number): void {
  const found = mean(values);
  const error = rms(values.map((value) => value - found)) / Math.sqrt(values.length);
  expect(Math.abs(found - expected)).toBeLessThan(4.5 * error + 1e-6);
}

/** Expects a normal distribution about 0 of this deviation. */
function expectNormal(values: readonly number[], deviation: number): void {
  expectMean(values, 0);
  expectMean(
    values.map((value) => value * value),
    deviation * deviation,
  );
  expectMean(
    values.map((value) => value ** 4),
    3 * deviation ** 4,
  );
}

it("blits move whole pixels: eight orientations, shifts of up to an eighth, mirrored at the edges", async () => {
  const [count, size] = [400, 16];
  const x = randomUniform([1, size, size, 3], -1, 1, "float32", 3) as Tensor4D;
  const source = (await x.array())[0];
  const results = await changed({ policy: ["blits"] }, add(x, fill([count, 1, 1, 1], 0)) as Tensor4D).array();
  const inside = (i: number) => (i < 0 ? -1 - i : i >= size ? 2 * size - 1 - i : i);
  const seen = new Map<string, number>();
  for (const result of results) {
    const matches: string[] = [];
    for (const flip of [false, true]) {
      for (let quarter = 0; quarter < 4; quarter++) {
        for (let dx = -2; dx <= 2; dx++) {
          for (let dy = -2; dy <= 2; dy++) {
            const from = (row: number, column: number): readonly number[] => {
              let [r, c] = [row + dy, column + dx];
              for (let q = 0; q < quarter; q++) [r, c] = [c, size - 1 - r];
              return source[inside(r)][inside(flip ? size - 1 - c : c)];
            };
            const same = result.every((line, row) =>
              line.every((pixel, column) =>
                pixel.every((value, k) => Math.abs(value - from(row, column)[k]) < 1e-5),
              ),
            );
            if (same) matches.push(`${flip} ${quarter}`, `x${dx}`, `y${dy}`);
          }
        }
      }
    }
    expect(matches).toHaveLength(3);
    for (const match of matches) seen.set(match, (seen.get(match) ?? 0) + 1);
  }
  // Rounded of a range from −2 to 2, of which the ends have but halves.
  const expected: Record<string, number> = { "x-2": 1 / 8, x2: 1 / 8, "y-2": 1 / 8, y2: 1 / 8 };
  for (const axis of ["x", "y"]) for (const by of [-1, 0, 1]) expected[`${axis}${by}`] = 1 / 4;
  for (const flip of [false, true]) for (let q = 0; q < 4; q++) expected[`${flip} ${q}`] = 1 / 8;
  for (const [match, times] of seen) {
    const part = expected[match];
    expect(Math.abs(times / count - part)).toBeLessThan(4.5 * Math.sqrt((part * (1 - part)) / count));
  }
  expect(seen.size).toBe(18);
});

describe("geometry", () => {
  const count = 4000;
  const maps = async (p: number) => {
    const size = 2;
    const theta = tidy(() => sourceMaps(size, drawsFor(turn(p), count), { blits: false, geometry: true }));
    // In units from −1 to 1, about the middle.
    return ((await theta.array()) as number[][][]).map(([[a, b, x], [c, d, y]]) => {
      const determinant = a * d - b * c;
      const [dx, dy] = [x - 1, y - 1];
      return {
        scale: Math.log2(determinant) / 2,
        // Of the singular values s₁/s₂ + s₂/s₁ is ‖M‖²/det, and their ratio is the stretch squared.
        stretch: Math.acosh((a * a + b * b + c * c + d * d) / (2 * determinant)) / (2 * Math.LN2),
        shift: [(d * dx - b * dy) / determinant, (a * dy - c * dx) / determinant],
        direction: Math.atan2(c - b, a + d),
      };
    });
  };

  it("scales and stretches by 2^N(0, 0.2²), and shifts the result by N(0, 0.125²) of the size", async () => {
    const all = await maps(1);
    expectNormal(
      all.map(({ scale }) => scale),
      0.2,
    );
    // Its sign is lost in the rotations.
    expectMean(
      all.map(({ stretch }) => stretch ** 2),
      0.2 ** 2,
    );
    for (const axis of [0, 1])
      expectNormal(
        all.map(({ shift }) => shift[axis]),
        2 * 0.125,
      );
  });

  it("rotates to all sides alike, and leaves unrotated what probability p says", async () => {
    const all = await maps(1);
    for (const wave of [1, 2, 3]) {
      expectMean(
        all.map(({ direction }) => Math.cos(wave * direction)),
        0,
      );
    }
    const rotated = (await maps(0.3)).map(({ direction }) => (Math.abs(direction) > 1e-4 ? 1 : 0));
    expectMean(rotated, 0.3);
  });
});

describe("colour", () => {
  const count = 3000;
  /** Each picture's matrix, by what becomes of black and of the three channels. */
  const matrices = async () => {
    const plain = (colour: readonly number[]) =>
      add(fill([count, 1, 1, 3], 0), tensor([...colour])) as Tensor4D;
    const of = async (colour: readonly number[]) =>
      (await changed({ policy: ["colour"] }, plain(colour)).array()).map(([[pixel]]) => pixel);
    const black = await of([0, 0, 0]);
    const columns = [await of([1, 0, 0]), await of([0, 1, 0]), await of([0, 0, 1])];
    return black.map((offset, n) => ({
      offset,
      apply: (x: readonly number[]) =>
        [0, 1, 2].map((k) => x.reduce((sum, value, j) => sum + value * (columns[j][n][k] - offset[k]), 0)),
    }));
  };
  const dot = (a: readonly number[], b: readonly number[]) =>
    a.reduce((sum, value, i) => sum + value * b[i], 0);

  it("changes luma by contrast, flip and brightness, chroma by saturation and hue, neither by the other's", async () => {
    const [contrasts, flips, brightness, saturations, hues]: number[][] = [[], [], [], [], []];
    for (const { offset, apply } of await matrices()) {
      const grey = apply([1, 1, 1]);
      const luma = grey[0];
      const near = 2e-5 * Math.max(1, Math.abs(luma));
      expect(Math.abs(grey[1] - luma) + Math.abs(grey[2] - luma)).toBeLessThan(2 * near);
      // Two directions across the luma axis, at right angles, of one length.
      const [u, v] = [
        [1, -1, 0].map((value) => value / Math.SQRT2),
        [1, 1, -2].map((value) => value / Math.sqrt(6)),
      ];
      const [cu, cv] = [apply(u), apply(v)];
      const chroma = Math.hypot(...cu);
      const close = 1e-5 * Math.max(1, chroma);
      expect(Math.abs(dot(cu, [1, 1, 1]))).toBeLessThan(4 * close);
      expect(Math.abs(Math.hypot(...cv) - chroma)).toBeLessThan(4 * close);
      expect(Math.abs(dot(cu, cv))).toBeLessThan(8 * close * Math.max(1, chroma));
      // A rotation, no reflection.
      expect(dot(cu, u) * dot(cv, v) - dot(cu, v) * dot(cv, u)).toBeGreaterThan(0);
      contrasts.push(Math.log2(Math.abs(luma)));
      flips.push(Math.sign(luma));
      brightness.push(offset[0] / luma);
      saturations.push(Math.log2(chroma / Math.abs(luma)));
      hues.push(Math.atan2(dot(cu, v), dot(cu, u)));
    }
    expectNormal(contrasts, 0.5);
    expectNormal(brightness, 0.2);
    expectNormal(saturations, 1);
    expectMean(flips, 0);
    for (const wave of [1, 2]) {
      expectMean(
        hues.map((hue) => Math.cos(wave * hue)),
        0,
      );
    }
  });
});

it("noise has N(0, 0.1²) for its deviation", async () => {
  const x = fill([2000, 4, 4, 3], 0) as Tensor4D;
  const pictures = (await changed({ policy: [], noise: 0.1 }, x).array()).map((picture) => picture.flat(2));
  expectMean(
    pictures.map((picture) => mean(picture.map((value) => value * value))),
    0.1 ** 2,
  );
});

it("cutout takes a hole of half the size, cut at the edges, with its probability", async () => {
  const x = fill([2000, 16, 16, 1], 1) as Tensor4D;
  const holes = (await changed({ policy: [], cutout: 0.5 }, x, 0.4).array()).map(
    (picture) => picture.flat(2).filter((value) => value === 0).length / 256,
  );
  expectMean(
    holes.map((area) => (area > 0 ? 1 : 0)),
    0.4,
  );
  // A side's half, less what is beyond an edge: 1/2 − 2·∫(1/4 − c)dc over c from 0 to 1/4.
  expectMean(
    holes.filter((area) => area > 0),
    (7 / 16) ** 2,
  );
});

it("refuses what it does not know", () => {
  expect(() => ada({ policy: ["color" as never] })).toThrow(/policy of blits, geometry, colour, got "color"/);
  expect(() => changed({}, fill([1, 4, 6, 3], 0) as Tensor4D)).toThrow(/ada: expected square pictures/);
});
