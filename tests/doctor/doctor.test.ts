import { beforeAll, describe, expect, it } from "vitest";
import { pictureDataset } from "../../src/data/dataset.ts";
import type { GanSettings } from "../../src/gan/settings.ts";
import { createGan, doctor, type Gan, type Report, train } from "../../src/index.ts";
import { useBuild } from "../builds.ts";
import { batch, pictures, size, smoothCritic, smoothGenerator } from "../gan/small-gan.ts";

beforeAll(useBuild);

const kimg = 0.24;

const gan = (settings: Partial<GanSettings> = {}): Gan =>
  createGan({
    ...{ generator: smoothGenerator(), discriminator: smoothCritic(), latent: 5, resolution: size, batch },
    ...{ kimg, learningRate: 1e-3 },
    ...settings,
  });

/** Noise, with a class each whose number may stand in the first byte. */
function noise(name: string, count: number, mark = false) {
  const { data } = pictures(name, count);
  const labels = Uint8Array.from({ length: count }, (_, i) => i % 3);
  if (mark) for (const [i, label] of labels.entries()) data[i * size * size * 3] = 100 * label;
  const shape = { resolution: size, channels: 3, mirror: false } as const;
  return pictureDataset({ pictures: data, count, ...shape, labels, classNames: ["a", "b", "c"] });
}

const data = noise("doctor", 60);

/** Makes one weight NaN. */
async function spoil(of: Gan): Promise<void> {
  const state = await of.state();
  const [name, array] = Object.entries(state.tensors)[0];
  const spoilt = { ...array, data: Float32Array.from(array.data).fill(Number.NaN, 0, 1) };
  of.restore({ ...state, tensors: { ...state.tensors, [name]: spoilt } });
}

describe("a doctor", () => {
  it("is silent in a run without faults, which goes as it does without a doctor", async () => {
    const [watched, alone] = [gan(), gan()];
    const watch = doctor({ heldOut: noise("held out", 40), every: 0.04 });
    const reports: Report[] = [];
    for await (const report of train(watched, data, { doctor: watch })) reports.push(report);
    for await (const _ of train(alone, data));
    expect(reports.length).toBe(60);
    expect(reports.flatMap(({ findings }) => findings)).toEqual([]);
    expect((await watched.state()).tensors).toEqual((await alone.state()).tensors);
    const sizes = watch.checkups.map(({ stepSizes }) => stepSizes.generator);
    expect(watch.checkups.length).toBeGreaterThan(4);
    // A step of Adam is at most the rate for each weight.
    expect(Math.max(...sizes.slice(0, -1))).toBeLessThan(0.01);
    for (const one of [watched, alone]) one.dispose();
  });

  it("finds a rate that is a thousand times too high within the first steps, for each network", async () => {
    const of = gan({ learningRate: 1 });
    for await (const { findings, step } of train(of, data, { doctor: doctor() })) {
      if (step < 3) expect(findings).toEqual([]);
      else {
        expect(findings.map(({ kind, about }) => [kind, about])).toEqual([
          ["large-steps", "generator"],
          ["large-steps", "discriminator"],
        ]);
        break;
      }
    }
    of.dispose();
  });

  it("finds a mark that tells the class, once", async () => {
    const of = gan({ classes: 3 });
    const watch = doctor({ every: 0.04 });
    for await (const _ of train(of, noise("marked", 60, true), { doctor: watch }));
    expect(watch.findings.map(({ kind }) => kind)).toEqual(["label-leak"]);
    expect(watch.findings[0].message).toMatch(/row 0, column 0/);
    of.dispose();
  });

  it("finds classes of samples out of balance with the data, by a classifier", async () => {
    const of = gan();
    let asked = 0;
    // The first question is about the data.
    const classify = async ({ shape: [count] }: { shape: readonly number[] }) => {
      asked++;
      return Array.from({ length: count }, (_, i) => (asked === 1 ? i % 3 : 0));
    };
    const watch = doctor({ classify, every: 0.04 });
    for await (const _ of train(of, data, { doctor: watch }));
    expect(watch.findings.map(({ kind, about }) => [kind, about])).toEqual([
      ["bias", "a"],
      ["bias", "b"],
      ["bias", "c"],
    ]);
    expect(watch.findings[0].at).toBeGreaterThanOrEqual(120);
    of.dispose();
  });

  it("goes back from values that are not finite, with lower rates, and trains to the end", async () => {
    const of = gan();
    const reports: Report[] = [];
    for await (const report of train(of, data, { doctor: doctor({ rollback: true, every: 0.04 }) })) {
      reports.push(report);
      if (reports.length === 30) await spoil(of);
    }
    const findings = reports.flatMap((report) => report.findings);
    expect(findings.map(({ kind }) => kind)).toEqual(["non-finite"]);
    expect(findings[0].rollback).toMatch(/went back to step \d+ and goes on with both learning rates × 0.3/);
    const last = reports[reports.length - 1];
    expect(last.progress).toBe(1);
    expect(last.controls["adjusted.learningRate.generator"]).toBe(0.3);
    expect(Object.values(last.losses).every(Number.isFinite)).toBe(true);
    of.dispose();
  });

  it("without going back says it in a last report, and lets the error through", async () => {
    const of = gan();
    const reports: Report[] = [];
    const run = async () => {
      for await (const report of train(of, data, { doctor: doctor() })) {
        reports.push(report);
        if (reports.length === 5) await spoil(of);
      }
    };
    await expect(run()).rejects.toThrow("both must be finite");
    expect(reports.length).toBe(6);
    expect(reports[5].findings).toMatchObject([{ kind: "non-finite", severity: "fault" }]);
    of.dispose();
  });

  it("goes back no more often than it may", async () => {
    const of = gan({ learningRate: 10 });
    const watch = doctor({ rollback: 2, every: 0.04 });
    for await (const _ of train(of, data, { doctor: watch }));
    const back = watch.findings.filter(({ rollback }) => rollback !== undefined);
    expect(back.length).toBe(2);
    // Changes add up.
    expect(of.controls["adjusted.learningRate.discriminator"]).toBeCloseTo(0.01);
    of.dispose();
  });

  it("refuses too few held-out pictures and samples", async () => {
    expect(() => doctor({ samples: 5 })).toThrow("doctor: expected at least 20 samples, got 5");
    const of = gan();
    const run = train(of, data, { doctor: doctor({ heldOut: noise("few", 9) }) });
    await expect(run.next()).rejects.toThrow("doctor: expected at least 20 held-out pictures, got 9");
    of.dispose();
  });
});
