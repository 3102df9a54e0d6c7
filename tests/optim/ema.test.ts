import { dispose, tensor, variable } from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { Ema } from "../../src/optim/ema.ts";
import { constant, cosine, emaDecay } from "../../src/optim/schedule.ts";
import { useBuild } from "../builds.ts";
import { expectClose, random } from "../ops/check.ts";

beforeAll(useBuild);

describe("Ema", () => {
  it.each([1, 4, 5, 17])("is the weighted mean of all that it saw, for %d values", async (size) => {
    const next = random(size);
    const draw = () => Float32Array.from({ length: size }, () => 2 * next() - 1);
    let expected = [...draw()];
    const start = tensor(expected);
    const w = variable(start);
    const ema = new Ema({ w });
    for (const decay of [0.9, 0, 0.5, 1, 0.25]) {
      const values = draw();
      const value = tensor(values);
      w.assign(value);
      ema.update(decay);
      value.dispose();
      expected = expected.map((average, i) => decay * average + (1 - decay) * values[i]);
    }
    expectClose("average", await ema.variables.w.data(), expected, 1e-6);
    expect(ema.variables.w.trainable).toBe(false);
    ema.dispose();
    dispose([start, w]);
  });

  it("starts at a copy of the variables and leaves them alone", async () => {
    const [start, other] = [tensor([1, 2, 3]), tensor([5, 5, 5])];
    const w = variable(start);
    const ema = new Ema({ w });
    w.assign(other);
    ema.update(0.5);
    expect([...(await w.data())]).toEqual([5, 5, 5]);
    expect([...(await ema.variables.w.data())]).toEqual([3, 3.5, 4]);
    expect(() => ema.update(1.5)).toThrow("expected decay in [0, 1]");
    ema.dispose();
    dispose([w, start, other]);
  });
});

describe("schedules", () => {
  it("cosine goes from one value to the other, half way at half time", () => {
    const schedule = cosine(8, 2);
    expect([-1, 0, 1, 2].map(schedule)).toEqual([8, 8, 2, 2]);
    expect(schedule(0.5)).toBeCloseTo(5, 12);
    expect(schedule(0.25) - 5).toBeCloseTo(5 - schedule(0.75), 12);
  });

  it("constant stays", () => {
    expect([0, 0.5, 1].map(constant(3))).toEqual([3, 3, 3]);
  });

  it("emaDecay halves a share in a half-life, whatever the batch", () => {
    for (const batch of [1, 8, 32]) expect(emaDecay(1024, batch) ** (1024 / batch)).toBeCloseTo(0.5, 12);
    expect(emaDecay(0, 32)).toBe(0);
  });
});
