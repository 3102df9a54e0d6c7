import { dispose, tensor, type Variable, variable } from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { globalNorm } from "../../src/ops/global-norm.ts";
import {
  type AdamRow,
  adamStep,
  adamSteps,
  emaOfMeansStep,
  emaStep,
  restoreSteps,
  zeroVariable,
} from "../../src/ops/in-place.ts";
import { Adam } from "../../src/optim/adam.ts";
import { Ema } from "../../src/optim/ema.ts";
import { useBuild } from "../builds.ts";
import { checkNoLeak, expectClose, random } from "../ops/check.ts";

beforeAll(useBuild);

/** Sizes without and with a rest of less than four, one beyond a unit of the table. */
const sizes = [1, 3, 4, 17, 1027, 16384, 40001];

function drawn(size: number, next: () => number): Variable {
  const values = tensor(Float32Array.from({ length: size }, () => 2 * next() - 1));
  const made = variable(values);
  values.dispose();
  return made;
}

interface Row extends AdamRow {
  readonly m: Variable;
  readonly v: Variable;
  readonly gradient: Variable;
  readonly average: Variable;
}

function rowsFrom(seed: string): Row[] {
  const next = random(seed);
  return sizes.map((size) => {
    const [param, m, gradient, average] = Array.from({ length: 4 }, () => drawn(size, next));
    // Second moments are not negative.
    const v = drawn(size, () => (1 + next()) / 2);
    return { param, m, v, gradient, average };
  });
}

const attrs = { learningRate: 0.01, beta1: 0.5, beta2: 0.9, epsilon: 1e-3, step: 3 };
const bits = (x: Variable): Int32Array => new Int32Array(x.dataSync<"float32">().slice().buffer);
const freed = (rows: Row[]) => dispose(rows.flatMap((row) => Object.values(row)));

describe("adamSteps", () => {
  it("gives the bits of a step and an average for each variable by itself", () =>
    checkNoLeak(async () => {
      const [one, other] = [rowsFrom("bits"), rowsFrom("bits")];
      adamSteps(one, { ...attrs, decay: 0.9 });
      for (const { param, m, v, gradient, average } of other) {
        adamStep(param, m, v, gradient, attrs);
        emaStep(average, param, 0.9);
      }
      for (const [i, row] of one.entries()) {
        for (const name of ["param", "m", "v", "average"] as const) {
          expect(bits(row[name]), `${name} of ${sizes[i]}`).toEqual(bits(other[i][name]));
        }
      }
      freed([...one, ...other]);
    }));

  it("averages what it does not step", () => {
    const next = random("averages");
    const [param, average, copy] = [drawn(33, next), drawn(33, next), drawn(33, next)];
    copy.assign(average);
    adamSteps([{ param, average }], { ...attrs, decay: 0.25 });
    emaStep(copy, param, 0.25);
    expect(bits(average)).toEqual(bits(copy));
    dispose([param, average, copy]);
  });

  it("is undone to the very bits by what it kept, all but the averages", () =>
    checkNoLeak(async () => {
      const [rows, before] = [rowsFrom("undo"), rowsFrom("undo")];
      const zeros = tensor(new Float32Array(3 * sizes.reduce((a, b) => a + b)));
      const undo = zeroVariable(zeros);
      adamSteps(rows, { ...attrs, decay: 0.9, undo });
      expect(bits(rows[3].param)).not.toEqual(bits(before[3].param));
      restoreSteps(rows, undo);
      for (const [i, row] of rows.entries()) {
        for (const name of ["param", "m", "v"] as const) {
          expect(bits(row[name]), `${name} of ${sizes[i]}`).toEqual(bits(before[i][name]));
        }
      }
      expect(bits(rows[3].average)).not.toEqual(bits(before[3].average));
      freed([...rows, ...before]);
      dispose([zeros, undo]);
    }));

  it("refuses rows that do not fit, a decay beyond 1 and too small an undo, and writes nothing", () => {
    const next = random("refused");
    const [param, m, v, gradient, short] = [5, 5, 5, 5, 4].map((size) => drawn(size, next));
    const before = bits(param);
    expect(() => adamSteps([{ param, m, v, gradient: short }], attrs)).toThrow(
      "expected gradient of shape [5] like param, got [4]",
    );
    const rows = [{ param, m, v, gradient }];
    expect(() => adamSteps(rows, { ...attrs, decay: 2 })).toThrow("expected decay in [0, 1]");
    expect(() => adamSteps(rows, { ...attrs, undo: short })).toThrow("expected undo of shape [15]");
    expect(() => adamSteps(rows, { ...attrs, step: 0 })).toThrow("expected step to count from 1");
    expect(bits(param)).toEqual(before);
    dispose([param, m, v, gradient, short]);
  });
});

describe("Adam with an average and an undo", () => {
  it("averages in the same call what Ema would after it, and what is not stepped too", () => {
    const next = random("together");
    const [w, statistic] = [drawn(21, next), drawn(3, next)];
    const gradient = drawn(21, next);
    const averages = [new Ema({ w, statistic }), new Ema({ w, statistic })];
    const other = drawn(3, next);
    statistic.assign(other);
    const adam = new Adam({ w });
    adam.apply({ w: gradient }, 0.1, { average: averages[0], decay: 0.75 });
    averages[1].update(0.75);
    for (const name of ["w", "statistic"]) {
      expect(bits(averages[0].variables[name])).toEqual(bits(averages[1].variables[name]));
    }
    adam.dispose();
    for (const average of averages) average.dispose();
    dispose([w, statistic, gradient, other]);
  });

  it("reverts a step that kept what was, and only such a one", () =>
    checkNoLeak(async () => {
      const next = random("revert");
      const [w, b, gradientW, gradientB] = [20000, 3, 20000, 3].map((size) => drawn(size, next));
      const gradients = { w: gradientW, b: gradientB };
      const adam = new Adam({ w, b });
      adam.apply(gradients, 0.1);
      expect(() => adam.revert()).toThrow("Apply it with undo: true");
      const before = [w, b, adam.first.w, adam.second.b].map(bits);
      adam.apply(gradients, 0.1, { undo: true });
      expect(bits(w)).not.toEqual(before[0]);
      adam.revert();
      expect([w, b, adam.first.w, adam.second.b].map(bits)).toEqual(before);
      expect(adam.step).toBe(1);
      expect(() => adam.revert()).toThrow("Apply it with undo: true");
      adam.dispose();
      dispose([w, b, gradientW, gradientB]);
    }));
});

it("emaOfMeansStep follows the mean over groups", async () => {
  const next = random("means");
  const [average, values] = [drawn(5, next), drawn(15, next)];
  const three = tensor(values.dataSync(), [3, 5]);
  const [a, v] = [await average.data(), await three.data()];
  const expected = Array.from(a, (value, i) => 0.75 * value + (0.25 * (v[i] + v[5 + i] + v[10 + i])) / 3);
  emaOfMeansStep(average, three, 0.75);
  expectClose("average", await average.data(), expected, 1e-6);
  expect(() => emaOfMeansStep(average, values, 0.75)).toThrow("expected values of shape [5]");
  dispose([average, values, three]);
});

describe("globalNorm", () => {
  it("is the root of the sum of all squares", () =>
    checkNoLeak(async () => {
      const next = random("norm");
      const tensors = [0, ...sizes].map((size) => drawn(size, next));
      const norm = globalNorm(tensors);
      const expected = Math.hypot(...tensors.map((t) => Math.hypot(...t.dataSync())));
      expectClose("norm", await norm.data(), [expected], 1e-6);
      dispose([...tensors, norm]);
    }));

  it("is infinite or NaN where an element or the sum of squares is", async () => {
    for (const [values, expected] of [
      [[1, Number.NaN, 2], Number.NaN],
      [[1, Number.POSITIVE_INFINITY], Number.POSITIVE_INFINITY],
      [[1e30, 1], Number.POSITIVE_INFINITY],
    ] as const) {
      const x = tensor([...values]);
      const norm = globalNorm([x]);
      expect((await norm.data())[0]).toBe(expected);
      dispose([x, norm]);
    }
  });
});
