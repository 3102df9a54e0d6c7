import { type TensorInfo, util } from "@tensorflow/tfjs-core";
import { type Call, defineOp, type Operand } from "../backend/op.ts";
import { check, checkType, showShape } from "../errors.ts";
import type { GpuOperand } from "../webgpu/shader.ts";
import { adamOnGpu, apartFrom, restoreOnGpu } from "./adam.wgsl.ts";
import { type Run, unitTable } from "./unit-table.ts";

/** What one Adam step needs beside its tensors. */
export interface AdamAttrs {
  learningRate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  /** Number of this step, from 1 on. */
  step: number;
}

function checkAlike(name: string, operands: Record<string, Pick<TensorInfo, "shape" | "dtype">>): void {
  const [first, ...others] = Object.entries(operands);
  for (const [which, { shape, dtype }] of [first, ...others]) {
    checkType(dtype === "float32", () => `${name}: expected ${which} of dtype float32, got ${dtype}`);
    check(
      shape.join() === first[1].shape.join(),
      () =>
        `${name}: expected ${which} of shape ${showShape(first[1].shape)} like ${first[0]}, got ${showShape(shape)}`,
    );
  }
}

function checkAdam({ step, learningRate }: AdamAttrs): void {
  check(Number.isFinite(learningRate), () => `adam: expected a finite learning rate, got ${learningRate}`);
  check(Number.isInteger(step) && step > 0, () => `adam: expected step to count from 1, got ${step}`);
}

function checkDecay(decay: number): void {
  check(decay >= 0 && decay <= 1, () => `ema: expected decay in [0, 1], got ${decay}`);
}

/** The kernels' scalars from an Adam step's. */
const adamScalars = ({ learningRate, beta1, beta2, epsilon, step }: AdamAttrs) =>
  [
    learningRate / (1 - beta1 ** step),
    1 / Math.sqrt(1 - beta2 ** step),
    beta1,
    beta2,
    1 - beta1,
    1 - beta2,
    epsilon,
  ] as const;

/** The shaders' scalars: the kernels', and those of averages. */
function gpuScalars(attrs: AdamAttrs, decay: number) {
  const [rate, correction, beta1, beta2, rest1, rest2, epsilon] = adamScalars(attrs);
  return { rate, correction, beta1, beta2, rest1, rest2, epsilon, decay, rest: 1 - decay };
}

/** For rows that do not step. */
export const noStep: AdamAttrs = { learningRate: 0, beta1: 0, beta2: 0, epsilon: 0, step: 1 };

/** Writes to its first three inputs and gives no result. */
export const adamOp = defineOp<"param" | "m" | "v" | "gradient", AdamAttrs>({
  name: "GanvilAdam",
  inputs: ["param", "m", "v", "gradient"],
  live: true,
  infer: (inputs, attrs) => {
    checkAlike("adam", inputs);
    checkAdam(attrs);
    return [];
  },
  updates: () => ["param", "m", "v"],
  wasm: ({ kernels }, { param, m, v, gradient }, _, attrs) =>
    kernels.adam(param.ptr, m.ptr, v.ptr, gradient.ptr, param.size, ...adamScalars(attrs)),
  webgpu: (call, inputs, _, attrs) => adamOnGpu(call, [inputs], gpuScalars(attrs, 1)),
});

/** Writes to its first input and gives no result. */
export const emaOp = defineOp<"average" | "value", { decay: number }>({
  name: "GanvilEma",
  inputs: ["average", "value"],
  live: true,
  infer: (inputs, { decay }) => {
    checkAlike("ema", inputs);
    checkDecay(decay);
    return [];
  },
  updates: () => ["average"],
  wasm: ({ kernels }, { average, value }, _, { decay }) =>
    kernels.ema(average.ptr, value.ptr, average.size, decay, 1 - decay),
  webgpu: (call, { average, value }, _, { decay }) =>
    adamOnGpu(call, [{ param: value, average }], gpuScalars(noStep, decay)),
});

/** Writes to its first inputs, averages [n], the means over the groups of [groups, n]; gives no result. */
export const emaOfMeansOp = defineOp<"average" | "values", { decay: number }>({
  name: "GanvilEmaOfMeans",
  inputs: ["average", "values"],
  live: true,
  infer: ({ average, values }, { decay }) => {
    checkAlike("ema", { average, values: { ...values, shape: values.shape.slice(1) } });
    checkDecay(decay);
    return [];
  },
  updates: () => ["average"],
  wasm: ({ kernels }, { average, values }, _, { decay }) =>
    kernels.emaOfMeans(average.ptr, values.ptr, values.shape[0], average.size, decay, 1 - decay),
  webgpu: (call, { average, values }, _, { decay }) =>
    call.run({
      ...{ name: "emaOfMeans", read: { values: apartFrom(call, values, [average]) }, write: { average } },
      ...{ words: { groups: values.shape[0] }, floats: { decay, rest: 1 - decay }, elements: average.size },
      body: () => `var total = 0.0;
  for (var group = 0u; group < u.groups; group++) { total += values[group * u.n + i]; }
  average[i] = u.decay * average[i] + u.rest * (total / f32(u.groups));`,
    }),
});

/** What a row's tensors are, by how many it has. */
const rowFields = {
  2: ["param", "average"],
  4: ["param", "m", "v", "gradient"],
  5: ["param", "m", "v", "gradient", "average"],
} as const;

/** Number of a row's tensors: see `rowFields`. */
export type RowSize = keyof typeof rowFields;

type Field = (typeof rowFields)[5][number];

export interface AdamStepsAttrs extends AdamAttrs {
  /** Of the averages. */
  decay: number;
  /** The inputs are rows of so many tensors end to end. */
  rows: readonly RowSize[];
  /** The last input, after the rows, is where p, m and v of every row are written before they change. */
  undo: boolean;
}

function rowsOf<T>(inputs: { readonly [name: string]: T }, rows: readonly RowSize[]): Record<Field, T>[] {
  let next = 0;
  return rows.map(
    (size) => Object.fromEntries(rowFields[size].map((field) => [field, inputs[next++]])) as Record<Field, T>,
  );
}

/** Names of the inputs that the rows' steps write to. */
function updatedInRows({ rows, undo }: AdamStepsAttrs): string[] {
  const written: readonly Field[] = ["param", "m", "v", "average"];
  let next = 0;
  const updated = rows.flatMap((size) =>
    rowFields[size].flatMap((field) => {
      const name = String(next++);
      return written.includes(field) && !(field === "param" && size === 2) ? [name] : [];
    }),
  );
  return undo ? [...updated, String(next)] : updated;
}

/** The kernels' table and its number of rows. */
function adamTable(
  { ints }: Call,
  inputs: { readonly [name: string]: Operand },
  { rows, undo }: Pick<AdamStepsAttrs, "rows" | "undo">,
) {
  let before = undo ? inputs[Object.keys(inputs).length - 1].ptr : 0;
  const runs = rowsOf(inputs, rows).map(({ param, m, v, gradient, average }): Run => {
    const steps = m !== undefined;
    const addresses = [param, m, v, gradient, average].map((operand) => operand?.ptr ?? 0);
    const run = { addresses: [...addresses, steps ? before : 0], length: param.size };
    if (undo && steps) before += 12 * param.size;
    return run;
  });
  const table = unitTable(runs, (addresses, length) => [...addresses, length, 0], [4, 4, 4, 4, 4, 12]);
  return { table: ints(table), units: table.length / 8 };
}

type Shaped = Pick<TensorInfo, "shape" | "dtype">;

/** The shaders' rows, and the undo. */
function gpuRows(
  inputs: { readonly [name: string]: GpuOperand },
  { rows, undo }: Pick<AdamStepsAttrs, "rows" | "undo">,
) {
  const before = undo ? inputs[Object.keys(inputs).length - 1] : undefined;
  return [rowsOf(inputs, rows), before] as const;
}

function inferRows(inputs: { readonly [name: string]: Shaped }, attrs: AdamStepsAttrs) {
  let stepped = 0;
  for (const row of rowsOf(inputs, attrs.rows)) {
    checkAlike("adam", row);
    if (row.m !== undefined) stepped += util.sizeFromShape(row.param.shape);
  }
  checkAdam(attrs);
  checkDecay(attrs.decay);
  if (attrs.undo) {
    const undo = inputs[Object.keys(inputs).length - 1];
    checkAlike("adam", { "three times the parameters": { dtype: "float32", shape: [3 * stepped] }, undo });
  }
  return [];
}

/** Adam steps and averages over rows of tensors, which it writes to; gives no result. See `adamSteps()`. */
export const adamStepsOp = defineOp<string, AdamStepsAttrs>({
  name: "GanvilAdamSteps",
  inputs: "list",
  live: true,
  infer: inferRows,
  overwrites: ({ rows, undo }) => (undo ? [String(rows.reduce<number>((a, b) => a + b, 0))] : []),
  updates: updatedInRows,
  wasm: (call, inputs, _, attrs) => {
    const { table, units } = adamTable(call, inputs, attrs);
    const { decay } = attrs;
    call.split("adamSteps", units, 0, [table, ...adamScalars(attrs), decay, 1 - decay]);
  },
  together: (attrs) => updatedInRows({ ...attrs, undo: false }),
  webgpu: (call, inputs, _, attrs) => {
    const [rows, undo] = gpuRows(inputs, attrs);
    adamOnGpu(call, rows, gpuScalars(attrs, attrs.decay), undo);
  },
});

/** Puts back what `adamStepsOp` with `undo` wrote away; of the same inputs and attributes. */
export const adamRestoreOp = defineOp<string, AdamStepsAttrs>({
  name: "GanvilAdamRestore",
  inputs: "list",
  live: true,
  infer: inferRows,
  updates: updatedInRows,
  wasm: (call, inputs, _, attrs) => {
    const { table, units } = adamTable(call, inputs, attrs);
    call.split("adamRestore", units, 0, [table]);
  },
  webgpu: (call, inputs, _, attrs) => {
    const [rows, undo] = gpuRows(inputs, attrs);
    if (undo !== undefined) restoreOnGpu(call, rows, undo);
  },
});

/** Writes to its first input and gives no result. */
export const assignOp = defineOp<"target" | "value">({
  name: "GanvilAssign",
  inputs: ["target", "value"],
  infer: (inputs) => {
    checkAlike("assign", inputs);
    return [];
  },
  updates: () => ["target"],
  overwrites: () => ["target"],
  wasm: ({ kernels }, { target, value }) => kernels.copy(value.ptr, target.ptr, 4 * target.size),
  webgpu: (call, { target, value }) => call.copy(value, target),
});
