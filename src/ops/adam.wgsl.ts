import type { GpuCall } from "../backend/op.ts";
import { FlatRegions, type Region } from "../webgpu/memory.ts";
import { type GpuOperand, spread } from "../webgpu/shader.ts";
import { blocksOf, eachInBlock, pickRow, rowSource, rowThreads } from "./rows.wgsl.ts";

/** A row's tensors: see `adamSteps()`. Without m it is only averaged. */
export interface AdamOperands {
  readonly param: GpuOperand;
  readonly m?: GpuOperand;
  readonly v?: GpuOperand;
  readonly gradient?: GpuOperand;
  readonly average?: GpuOperand;
}

/** No such tensor, in place of where it begins. */
const none = 0xffffffff;

/** What is written of a row. */
const written = ["param", "m", "v", "average"] as const;
type Written = (typeof written)[number];

/** The tensor that a row only reads. */
const sourceOf = (row: AdamOperands): GpuOperand => (row.m === undefined ? row.param : row.gradient!);

const writtenOf = (row: AdamOperands): Partial<Record<Written, GpuOperand>> => {
  const { param, m, v, average } = row;
  return { ...(m && { param, m, v }), ...(average && { average }) };
};

/** The one buffer that all these are laid in, if there is one. */
function bufferOf(operands: readonly GpuOperand[]): Region | undefined {
  const source = operands[0]?.region.source;
  const all = source instanceof FlatRegions && operands.every(({ region }) => region.source === source);
  return all ? source.whole : undefined;
}

/** x, or a copy where it shares a buffer with what is written. */
export function apartFrom(call: GpuCall, x: GpuOperand, targets: readonly GpuOperand[]): GpuOperand {
  if (targets.every(({ region }) => region.buffer !== x.region.buffer)) return x;
  const copy = call.workspace(x.size);
  call.copy(x, copy);
  return copy;
}

/**
 * What happens to element i of a row.
 * @param at the place of a field's element
 * @param where guards a part that a row has if it has that field
 */
const element = (
  undo: boolean,
  at: (field: Written) => string,
  where: (field: Written, part: string) => string,
) => `
    var value = source(row, i);
    ${where(
      "m",
      `let parameter = ${at("param")};
      let first = ${at("m")};
      let second = ${at("v")};
      ${
        undo
          ? `undo[before + i] = parameter;
      undo[before + n + i] = first;
      undo[before + 2u * n + i] = second;`
          : ""
      }
      let mean = u.beta1 * first + u.rest1 * value;
      let square = u.beta2 * second + u.rest2 * (value * value);
      value = parameter - u.rate * mean / (sqrt(square) * u.correction + u.epsilon);
      ${at("m")} = mean;
      ${at("v")} = square;
      ${at("param")} = value;`,
    )}
    ${where("average", `${at("average")} = u.decay * ${at("average")} + u.rest * value;`)}`;

const rowFields = ["first", "n", "before", ...written] as const;

/** Rows whose written tensors lie in one buffer: `u` has where in it each row's begin. */
const together = (count: number, undo: boolean) =>
  `${pickRow(count, rowFields)}${eachInBlock(
    element(
      undo,
      (field) => `state[${field} + i]`,
      (field, part) => `if (${field} != ${none}u) {\n      ${part}\n    }`,
    ),
  )}`;

/** One row, each tensor bound by itself. */
const alone = (has: readonly string[], undo: boolean) => `
  let block = group.x + group.y * groups.x;
  let row = 0u;
  let first = 0u;
  let n = u.n;
  let before = u.before;
  ${eachInBlock(
    element(
      undo,
      (field) => `${field}[i]`,
      (field, part) => (has.includes(field) ? part : ""),
    ),
  )}`;

/**
 * Steps and averages of rows, as `adamSteps` in assembly/ops/adam.ts. Rows whose tensors were laid in one buffer go
 * several in a dispatch, as many as it can bind gradients; others one in a dispatch.
 * @param floats rate, correction, beta1, beta2, rest1, rest2, epsilon, decay, rest, as there
 * @param undo gets p, m and v of the rows that step, end to end
 */
export function adamOnGpu(
  call: GpuCall,
  rows: readonly AdamOperands[],
  floats: Readonly<Record<string, number>>,
  undo?: GpuOperand,
): void {
  const steps = rows.map((row) => row.m !== undefined);
  const undone = undo !== undefined;
  const befores = rows.map((_, k) =>
    rows.slice(0, k).reduce((sum, { param }, other) => sum + (steps[other] ? 3 * param.size : 0), 0),
  );
  const targets = rows.flatMap((row) => Object.values(writtenOf(row)));
  const whole = bufferOf(targets);
  const common = { workgroupSize: [rowThreads] as const, floats };
  if (whole === undefined) {
    for (const [k, row] of rows.entries()) {
      const own = writtenOf(row);
      const before = undone && steps[k];
      call.run({
        ...common,
        name: `adam ${Object.keys(own)}${before ? " undo" : ""}`,
        read: { source0: apartFrom(call, sourceOf(row), Object.values(own)) },
        write: { ...own, ...(before && { undo }) },
        words: { n: row.param.size, before: befores[k] },
        workgroups: spread(blocksOf(row.param.size)),
        declarations: () => rowSource(1),
        body: () => alone(Object.keys(own), before),
      });
    }
    return;
  }
  const state: GpuOperand = {
    ...{ region: whole, dtype: "float32" },
    ...{ size: whole.bytes / 4, shape: [whole.bytes / 4] },
  };
  const most = undone ? 6 : 7;
  for (let start = 0; start < rows.length; start += most) {
    const bunch = rows.slice(start, start + most);
    const words: Record<string, number> = {};
    let blocks = 0;
    for (const [k, row] of bunch.entries()) {
      const own = writtenOf(row);
      words[`first${k}`] = blocks;
      words[`n${k}`] = row.param.size;
      words[`before${k}`] = befores[start + k];
      for (const field of written) {
        words[`${field}${k}`] = own[field] === undefined ? none : own[field].region.offset / 4;
      }
      blocks += blocksOf(row.param.size);
    }
    call.run({
      ...common,
      name: `adam ${bunch.length} rows${undone ? " undo" : ""}`,
      read: Object.fromEntries(
        bunch.map((row, k) => [`source${k}`, apartFrom(call, sourceOf(row), [state])]),
      ),
      write: { state, ...(undone && { undo }) },
      words,
      workgroups: spread(blocks),
      declarations: () => rowSource(bunch.length),
      body: () => together(bunch.length, undone),
    });
  }
}

/** Puts back what `adamOnGpu` wrote to `undo`. */
export function restoreOnGpu(call: GpuCall, rows: readonly AdamOperands[], undo: GpuOperand): void {
  let before = 0;
  for (const { param, m, v } of rows) {
    if (m === undefined) continue;
    const { size } = param;
    call.run({
      ...{ name: "adam restore", read: { undo }, write: { param, m, v: v! } },
      ...{ words: { before, size }, elements: size },
      body: () => `param[i] = undo[u.before + i];
  m[i] = undo[u.before + u.size + i];
  v[i] = undo[u.before + 2u * u.size + i];`,
    });
    before += 3 * size;
  }
}
