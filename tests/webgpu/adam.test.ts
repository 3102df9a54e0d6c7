import { dispose, type Tensor, tensor, tidy, type Variable, variable } from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { currentBackend } from "../../src/backend/backend.ts";
import { compile } from "../../src/backend/compile.ts";
import {
  type AdamRow,
  type AverageRow,
  adamStep,
  adamSteps,
  assignStep,
  emaOfMeansStep,
  emaStep,
  restoreSteps,
  zeroVariable,
} from "../../src/ops/in-place.ts";
import { useBuild } from "../builds.ts";
import { checkNoLeak, expectClose, random } from "../ops/check.ts";

beforeAll(useBuild);

/** Sizes below, at and beyond a workgroup's block; more of them than one dispatch takes. */
const sizes = [1, 3, 64, 1024, 1027, 5000, 2, 65, 300];

interface Values {
  readonly param: Float32Array;
  readonly m: Float32Array;
  readonly v: Float32Array;
  readonly gradient: Float32Array;
  readonly average: Float32Array;
}

function valuesFrom(seed: string): Values[] {
  const next = random(seed);
  const draw = (size: number, low: number) =>
    Float32Array.from({ length: size }, () => low + (1 - low) * next());
  return sizes.map((size) => ({
    ...{ param: draw(size, -1), m: draw(size, -1), v: draw(size, 0) },
    ...{ gradient: draw(size, -1), average: draw(size, -1) },
  }));
}

const variableOf = (values: Float32Array): Variable => tidy(() => variable(tensor(values), false));

type Row = AdamRow & { readonly average: Variable };

const rowsOf = (values: readonly Values[]): Row[] =>
  values.map(
    (row) => Object.fromEntries(Object.entries(row).map(([name, x]) => [name, variableOf(x)])) as never,
  );

const attrs = { learningRate: 0.01, beta1: 0.5, beta2: 0.9, epsilon: 1e-3, step: 3 };

function stepped({ param, m, v, gradient, average }: Values, step: number, decay: number): Values {
  const { learningRate, beta1, beta2, epsilon } = attrs;
  const first = m.map((x, i) => beta1 * x + (1 - beta1) * gradient[i]);
  const second = v.map((x, i) => beta2 * x + (1 - beta2) * gradient[i] ** 2);
  const next = param.map((p, i) => {
    const size = Math.sqrt(second[i] / (1 - beta2 ** step)) + epsilon;
    return p - (learningRate * first[i]) / (1 - beta1 ** step) / size;
  });
  const averaged = average.map((x, i) => decay * x + (1 - decay) * next[i]);
  return { param: next, m: first, v: second, gradient, average: averaged };
}

async function expectRows(rows: readonly Row[], expected: readonly Values[], fields: (keyof Values)[]) {
  for (const [k, row] of rows.entries()) {
    for (const field of fields) {
      expectClose(`${field} ${k}`, await row[field].data(), expected[k][field], 1e-5);
    }
  }
}

const all: (keyof Values)[] = ["param", "m", "v", "average"];
const free = (rows: readonly Row[]) => dispose(rows.flatMap((row) => Object.values(row) as Tensor[]));

function expectOnGpu(...ops: string[]): void {
  for (const op of ops) expect(currentBackend().placer.explain(op), op).toMatchObject({ device: "webgpu" });
}

const dispatches = () => currentBackend().gpu!.queue.traffic.dispatches;

describe("adamSteps on the GPU", () => {
  it("takes as many rows in a dispatch as it can bind gradients, in one buffer from the first call on", () =>
    checkNoLeak(async () => {
      const values = valuesFrom("adam rows");
      const rows = rowsOf(values);
      adamSteps(rows, { ...attrs, decay: 0.9 });
      const before = dispatches();
      adamSteps(rows, { ...attrs, step: 4, decay: 0.8 });
      expect(dispatches() - before).toBe(2);
      const { residency } = currentBackend();
      const buffers = new Set(
        rows.flatMap(({ param, m, v, average }) =>
          [param, m, v, average].map(({ dataId }) => residency.of(dataId).region!.buffer),
        ),
      );
      expect(buffers.size).toBe(1);
      await expectRows(
        rows,
        values.map((row) => stepped(stepped(row, 3, 0.9), 4, 0.8)),
        all,
      );
      expectOnGpu("GanvilAdamSteps");
      free(rows);
    }));

  it("writes away what was, and puts it back", () =>
    checkNoLeak(async () => {
      const values = valuesFrom("adam undo");
      const rows = rowsOf(values);
      const length = sizes.reduce((a, b) => a + b, 0);
      const undo = tidy(() => zeroVariable(tensor(new Float32Array(3 * length))));
      adamSteps(rows, { ...attrs, undo });
      await expectRows(
        rows,
        values.map((row) => stepped(row, 3, 1)),
        all,
      );
      restoreSteps(rows, undo);
      await expectRows(rows, values, ["param", "m", "v"]);
      expectOnGpu("GanvilAdamSteps", "GanvilAdamRestore");
      free(rows);
      undo.dispose();
    }));

  it("steps rows that only average, also of values that lie where the averages do", () =>
    checkNoLeak(async () => {
      const values = valuesFrom("adam averages");
      const rows = rowsOf(values);
      adamSteps(rows, attrs);
      const averages: AverageRow[] = rows.map(({ param, average }) => ({ param, average }));
      adamSteps(averages, { ...attrs, decay: 0.7 });
      const after = values.map((row) => stepped(row, 3, 1));
      const expected = after.map(({ average, param, ...rest }) => ({
        ...{ ...rest, param },
        average: average.map((x, i) => 0.7 * x + 0.3 * param[i]),
      }));
      await expectRows(rows, expected, all);
      free(rows);
    }));

  it("does not move what another set has been laid with", () =>
    checkNoLeak(async () => {
      const values = valuesFrom("adam overlap");
      const rows = rowsOf(values);
      adamSteps(rows.slice(0, 6), attrs);
      adamSteps(rows.slice(3), attrs);
      const expected = values.map((row, k) => {
        const once = stepped(row, 3, 1);
        return k >= 3 && k < 6 ? stepped(once, 3, 1) : once;
      });
      await expectRows(rows, expected, all);
      free(rows);
    }));

  it("follows a captured step's rates, and its variables when they are laid together within it", () =>
    checkNoLeak(async () => {
      const values = valuesFrom("adam captured");
      const rows = rowsOf(values);
      let step = 1;
      const run = compile(() => {
        adamSteps(rows, { ...attrs, step: () => step, decay: () => 1 - 0.1 * step });
        return [];
      });
      let expected = values;
      for (; step <= 5; step++) {
        run();
        expected = expected.map((row) => stepped(row, step, 1 - 0.1 * step));
        await expectRows(rows, expected, all);
      }
      expect(run.status).toBe("captured");
      run.dispose();
      free(rows);
    }));
});

it("captures a step anew where a variable had to be laid with the others again", () =>
  checkNoLeak(async () => {
    const values = valuesFrom("adam moved");
    const rows = rowsOf(values);
    const run = compile(() => {
      adamSteps(rows, { ...attrs, decay: 0.9 });
      return [];
    });
    let expected = values;
    for (let call = 0; call < 8; call++) {
      // Before the recording, and again when it is captured.
      if (call === 1 || call === 5) {
        tidy(() => rows[2].param.assign(tensor(expected[2].param)));
      }
      run();
      expected = expected.map((row) => stepped(row, 3, 0.9));
      await expectRows(rows, expected, all);
    }
    expect(run.status).toBe("captured");
    run.dispose();
    free(rows);
  }));

it("steps, averages and assigns single variables on the GPU", () =>
  checkNoLeak(async () => {
    const values = valuesFrom("adam single");
    const rows = rowsOf(values);
    for (const { param, m, v, gradient, average } of rows) {
      adamStep(param, m, v, gradient, attrs);
      emaStep(average, param, 0.6);
    }
    const once = values.map((row) => stepped(row, 3, 0.6));
    await expectRows(rows, once, all);
    // Again where they lie in one buffer.
    adamSteps(rows, { ...attrs, learningRate: 0, beta1: 1 - 1e-9, beta2: 1 - 1e-9 });
    for (const { param, average } of rows) {
      emaStep(average, param, 0.5);
      assignStep(param, average);
    }
    for (const [k, { param, average }] of rows.entries()) {
      const expected = once[k].average.map((x, i) => 0.5 * x + 0.5 * once[k].param[i]);
      expectClose("average", await average.data(), expected, 2e-6);
      expectClose("assigned", await param.data(), expected, 2e-6);
    }
    expectOnGpu("GanvilAdam", "GanvilEma", "GanvilAssign");
    free(rows);
  }));

it("averages means over groups on the GPU", () =>
  checkNoLeak(async () => {
    const average = variableOf(Float32Array.of(1, 2, 3));
    const values = tensor([1, 2, 3, 5, 6, 7], [2, 3]);
    emaOfMeansStep(average, values, 0.5);
    expectClose("average", await average.data(), [2, 3, 4], 1e-6);
    expectOnGpu("GanvilEmaOfMeans");
    dispose([average, values]);
  }));
