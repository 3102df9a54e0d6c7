import { describe, expect, it } from "vitest";
import { judged } from "../../src/doctor/judge.ts";
import { balanceOf, type Measures, marksOf, separation } from "../../src/doctor/measures.ts";
import { random } from "../ops/check.ts";

/** A checkup of a healthy run, but for this. */
const checkup = (at: number, changed: Partial<Measures> = {}): Measures => ({
  ...{ at, progress: at / 20_000, passes: at / 5000, signs: 0.5 },
  diversity: { mean: 0.8, nearest: 0.7 },
  discernment: 0.9,
  familiarity: { value: 0.52, error: 0.036 },
  copies: { nearer: 0.5, closeness: 1, samples: 128 },
  stepSizes: { generator: 0.005, discriminator: 0.004 },
  ...changed,
});

/** What is found at the last of checkups a thousand pictures apart. */
const found = (...changes: readonly Partial<Measures>[]) =>
  judged(changes.map((changed, i) => checkup(1000 * (i + 1), changed)));

const kinds = (...changes: readonly Partial<Measures>[]) => found(...changes).map(({ kind }) => kind);

const diversity = (...means: readonly number[]) =>
  means.map((mean) => ({ diversity: { mean, nearest: mean } }));

const same = (change: Partial<Measures>, times = 5) => Array.from({ length: times }, () => change);

describe("a checkup's judgement", () => {
  it("finds nothing in a healthy run, nor in one whose samples become diverse slowly", () => {
    expect(found(...same({}, 8))).toEqual([]);
    for (let last = 1; last <= 8; last++)
      expect(found(...diversity(...[0, 0.01, 0.03, 0.06, 0.11, 0.2, 0.25, 0.4].slice(0, last)))).toEqual([]);
    expect(kinds(...diversity(0.41, 0.13, 0.05, 0.09))).toEqual([]);
  });

  it("finds a collapse from the start, and one later, where samples have become alike for good", () => {
    expect(kinds(...diversity(0, 0.001, 0.001, 0.001))).toEqual(["collapse"]);
    expect(kinds(...diversity(0, 0, 0))).toEqual(["collapse"]);
    expect(kinds(...diversity(0.1, 0.5, 0.8, 0.3))).toEqual([]);
    const [finding] = found(...diversity(0.1, 0.5, 0.8, 0.3, 0.2));
    expect(finding).toMatchObject({ kind: "collapse", severity: "fault", measured: 0.2, at: 5000 });
    expect(finding.threshold).toBeCloseTo(0.32);
    expect(finding.message).toMatch(/0\.20 times as much as the data.*mode collapse/);
  });

  it("finds a few modes by nearest neighbours where the mean hides them", () => {
    expect(kinds(...same({ diversity: { mean: 0.9, nearest: 0.01 } }))).toEqual(["collapse"]);
  });

  it("finds a discriminator that has only guessed, or whose weights stand still", () => {
    expect(kinds(...same({ discernment: 0.5 }, 3))).toEqual([]);
    expect(kinds({}, ...same({ discernment: 0.5 }, 3))).toEqual(["dead-discriminator"]);
    const still = { stepSizes: { generator: 0.005, discriminator: 0 } };
    expect(kinds(still)).toEqual([]);
    expect(kinds(still, still)).toEqual(["dead-discriminator"]);
    const later = Array.from({ length: 4 }, (_, i) => checkup(30_000 + 1000 * i, { discernment: 0.5 }));
    expect(judged(later)).toEqual([]);
    // Where it could tell before, samples may be what has changed.
    expect(kinds({}, {}, ...same({ discernment: 0.5 }, 4))).toEqual([]);
  });

  it("finds steps of the size of the weights, by network", () => {
    const [finding] = found({ stepSizes: { generator: 0.4, discriminator: 0.004 } });
    expect(finding).toMatchObject({ kind: "large-steps", about: "generator", measured: 0.4, threshold: 0.1 });
  });

  it("finds overfitting by held-out pictures, beyond what chance does with so few", () => {
    const twice = (value: number, error: number) => kinds(...same({ familiarity: { value, error } }, 2));
    expect(kinds({ familiarity: { value: 0.9, error: 0.036 } })).toEqual([]);
    expect(twice(0.66, 0.036)).toEqual(["overfitting"]);
    expect(twice(0.57, 0.036)).toEqual([]);
    expect(twice(0.66, 0.09)).toEqual([]);
    expect(twice(0.95, 0.09)).toEqual(["overfitting"]);
  });

  it("without them finds it by ADA's sign, and warns of a certain discriminator after many passes", () => {
    const none = { familiarity: undefined };
    expect(kinds({ ...none, signs: 0.8, strength: 0.4 })).toEqual([]);
    expect(kinds({ ...none, signs: 0.8, strength: 0.8 })).toEqual(["overfitting"]);
    expect(kinds({ ...none, signs: 1, passes: 3 })).toEqual([]);
    expect(found({ ...none, signs: 1, passes: 60 })).toMatchObject([
      { kind: "overfitting", severity: "warning" },
    ]);
  });

  it("finds copies, and does not take blurred samples, which are near everything, for such", () => {
    const copies = (nearer: number, closeness: number) => ({ copies: { nearer, closeness, samples: 128 } });
    expect(kinds(copies(1, 1))).toEqual([]);
    expect(kinds(copies(0.5, 0.2))).toEqual([]);
    expect(kinds(copies(0.95, 0.2))).toEqual(["memorization"]);
  });

  it("finds a mark that gives the class away, and does not take what a class looks like for one", () => {
    const marks = (explained: number, area: number) => ({
      marks: { explained, row: 0, column: 3, area },
    });
    expect(kinds(marks(0.99, 0.002))).toEqual(["label-leak"]);
    expect(kinds(marks(0.99, 0.6))).toEqual([]);
    expect(kinds(marks(0.5, 0))).toEqual([]);
  });

  it("finds an attribute out of balance, once samples are worth looking at", () => {
    const balance = [
      { name: "glasses", data: 0.3, samples: 0.1, error: 0.02 },
      { name: "hat", data: 0.1, samples: 0.12, error: 0.02 },
    ];
    expect(judged([checkup(1000, { balance })])).toEqual([]);
    expect(judged([checkup(12_000, { balance })])).toMatchObject([
      { kind: "bias", about: "glasses", severity: "warning" },
    ]);
  });

  it("is silent about what could not be measured", () => {
    const unknown = { familiarity: undefined, copies: undefined, stepSizes: {}, signs: Number.NaN };
    expect(found(...same(unknown))).toEqual([]);
  });
});

describe("what checkups measure", () => {
  it("separation is the part of pairs in order, ties by half", () => {
    expect(separation([3, 4], [1, 2])).toBe(1);
    expect(separation([1, 2], [3, 4])).toBe(0);
    expect(separation([1, 1], [1, 1])).toBe(0.5);
    expect(separation([1, 3], [2, 3])).toBe((0 + 0 + 1 + 0.5) / 4);
  });

  it("a pixel that the class decides is its mark; noise and content are none", () => {
    const next = random("marks");
    const [count, side, classes] = [300, 8, 4];
    const labels = Array.from({ length: count }, (_, i) => i % classes);
    const values = Float32Array.from({ length: count * side * side }, () => next());
    const shape = { side, channels: 1, classes };
    // (classes − 1)/(count − 1) is what chance explains.
    expect(marksOf(values, labels, shape)?.explained).toBeLessThan(0.06);
    for (const [i, label] of labels.entries()) values[i * side * side + 2 * side + 5] = label / 10;
    const marks = marksOf(values, labels, shape);
    expect(marks).toMatchObject({ row: 2, column: 5, area: 1 / 64 });
    expect(marks?.explained).toBeCloseTo(1, 6);
    expect(marksOf(values, labels.fill(0), shape)).toBeUndefined();
  });

  it("frequencies come with the error of their difference", () => {
    const [a] = balanceOf([0, 0, 1, 1], [0, 1, 1, 1], ["a", "b"]);
    expect(a).toMatchObject({ name: "a", data: 0.5, samples: 0.25 });
    expect(a.error).toBeCloseTo(Math.sqrt(0.4 * 0.6 * 0.5));
  });
});
