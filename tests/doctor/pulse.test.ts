import { describe, expect, it } from "vitest";
import { Ledger } from "../../src/doctor/ledger.ts";
import { Pulse, turningPoints } from "../../src/doctor/pulse.ts";
import type { Finding } from "../../src/gan/finding.ts";
import type { Report } from "../../src/gan/train.ts";
import { random } from "../ops/check.ts";

interface Numbers {
  readonly generator?: number;
  readonly discriminator?: number;
  readonly lead?: number;
}

/** What is found in a run of 32 pictures a step whose numbers, with some noise, are these. */
function examined(steps: number, numbers: (step: number) => Numbers): Finding[] {
  const pulse = new Pulse();
  const ledger = new Ledger();
  const next = random("pulse");
  return Array.from({ length: steps }, (_, step) => {
    const { generator = 4, discriminator = 2, lead = 3 } = numbers(step);
    const noisy = (value: number) => value * (0.7 + 0.6 * next());
    const report = {
      imagesSeen: 32 * (step + 1),
      gradientNorms: { generator: noisy(generator), discriminator: noisy(discriminator) },
      signals: { realLogit: noisy(lead / 2), fakeLogit: -noisy(lead / 2) },
    } as unknown as Report;
    const found = pulse.add(report);
    return found === undefined ? [] : ledger.update(found);
  }).flat();
}

const kindsOf = (findings: readonly Finding[]) => findings.map(({ kind, about }) => [kind, about]);

describe("the pulse of a run", () => {
  it("are silent for steady norms, for ones that fall or grow as training goes, and for single odd steps", () => {
    expect(examined(400, () => ({}))).toEqual([]);
    expect(
      examined(400, (step) => ({
        generator: 4 + step / 20,
        discriminator: 20 * Math.exp(-step / 60) + 0.01,
        lead: 1 + step / 50,
      })),
    ).toEqual([]);
    expect(examined(400, (step) => (step % 40 === 0 ? { generator: 1e6, lead: -50 } : {}))).toEqual([]);
  });

  it("tell a gradient that explodes, with the player, what was measured and what to change", () => {
    const findings = examined(400, (step) => (step < 200 ? {} : { generator: 4 * 1.15 ** (step - 200) }));
    expect(kindsOf(findings)).toEqual([["exploding-gradients", "generator"]]);
    const [{ measured, threshold, message, remedy, severity, at }] = findings;
    expect(measured).toBeGreaterThan(threshold);
    expect(threshold).toBeGreaterThan(300);
    expect(threshold).toBeLessThan(600);
    expect(severity).toBe("fault");
    expect(at).toBeGreaterThan(200 * 32);
    expect(at).toBeLessThan(300 * 32);
    expect(message).toMatch(/norm of the generator's gradient is .* above .*thrown about/);
    expect(remedy).toMatch(/learning rates.*clipNorm/);
  });

  it("tell gradients that are beyond all bounds from the first step on", () => {
    expect(kindsOf(examined(60, () => ({ generator: 1e6, discriminator: 1e6 })))).toEqual([
      ["exploding-gradients", "generator"],
      ["exploding-gradients", "discriminator"],
    ]);
  });

  it("tell a gradient that vanishes", () => {
    const findings = examined(200, (step) => ({ discriminator: 2 * 0.8 ** step }));
    expect(kindsOf(findings)).toEqual([["vanishing-gradients", "discriminator"]]);
    expect(findings[0].measured).toBeLessThan(1e-6);
  });

  it("tell a discriminator that has no lead, and one that never had a logit but 0", () => {
    expect(kindsOf(examined(200, () => ({ lead: -0.2 })))).toEqual([["dead-discriminator", undefined]]);
    expect(kindsOf(examined(200, () => ({ lead: 0 })))).toEqual([["dead-discriminator", undefined]]);
  });

  it("tell players that turn about, and no lead that wavers by less than itself", () => {
    const wave = (size: number) => (step: number) => ({ lead: 3 + size * Math.sin(step / 12) });
    expect(kindsOf(examined(400, wave(9)))[0]).toEqual(["oscillation", undefined]);
    expect(examined(400, wave(1.5))).toEqual([]);
  });

  it("say nothing of a lead where a game observes no logits", () => {
    expect(examined(200, () => ({ lead: Number.NaN }))).toEqual([]);
  });
});

it("turning points are turns by at least so much", () => {
  expect(turningPoints([0, 1, 2, 3], 1)).toBe(0);
  expect(turningPoints([0, 3, 0, 3, 0], 2)).toBe(3);
  expect(turningPoints([0, 3, 2.5, 3.5, 0], 2)).toBe(1);
});

it("a ledger passes a finding on once until it has cleared", () => {
  const ledger = new Ledger();
  const finding = { kind: "collapse" } as Finding;
  const other = { kind: "bias", about: "glasses" } as Finding;
  expect(ledger.update([finding])).toEqual([finding]);
  expect(ledger.update([finding, other])).toEqual([other]);
  // Once absent is not over: numbers near a bound come and go.
  expect(ledger.update([])).toEqual([]);
  expect(ledger.update([finding])).toEqual([]);
  for (let i = 0; i < 3; i++) ledger.update([]);
  expect(ledger.update([finding])).toEqual([finding]);
});
