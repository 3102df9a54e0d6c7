import type { GpuCall } from "../backend/op.ts";
import { FlatRegions, type Region } from "../webgpu/memory.ts";
import { type GpuOperand, spread } from "../webgpu/shader.ts";

/** A row's tensors: see `adamSteps()`. Without m it is only averaged. */
export interface AdamOperands {
  readonly param: GpuOperand;
  readonly m?: GpuOperand;
  readonly v?: GpuOperand;
  readonly gradient?: GpuOperand;
  readonly average?: GpuOperand;
}

const threads = 256;
/** Elements of a workgroup. */
const blockElements = 4 * threads;

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

const source = (count: number) => `
fn source(row: u32, i: u32) -> f32 {
  switch row {
    ${Array.from({ length: count - 1 }, (_, k) => `case ${k + 1}u: { return source${k + 1}[i]; }`).join("\n    ")}
    default: { return source0[i]; }
  }
}
const none = 0xffffffffu;
`;

/** Blocks of a row's elements after each other: `first` is the row's first block. */
const elements = (part: string) => `
  for (var k = 0u; k < 4u; k++) {
    let i = (block - first) * ${blockElements}u + k * ${threads}u + thread;
    if (i >= n) { return; }
    ${part}
  }`;

const rowFields = ["first", "n", "before", ...written] as const;

/** Rows whose written tensors lie in one buffer: `u` has each row's first block, and where its tensors begin. */
const together = (count: number, undo: boolean) => `
  let block = group.x + group.y * groups.x;
  var row = 0u;
  ${rowFields.map((field) => `var ${field} = u.${field}0;`).join("\n  ")}
  ${Array.from(
    { length: count - 1 },
    (_, k) =>
      `if (block >= u.first${k + 1}) { row = ${k + 1}u; ${rowFields.map((field) => `${field} = u.${field}${k + 1};`).join(" ")} }`,
  ).join("\n  ")}
  ${elements(
    element(
      undo,
      (field) => `state[${field} + i]`,
      (field, part) => `if (${field} != none) {\n      ${part}\n    }`,
    ),
  )}`;

/** One row, each tensor bound by itself. */
const alone = (has: readonly string[], undo: boolean) => `
  let block = group.x + group.y * groups.x;
  let row = 0u;
  let first = 0u;
  let n = u.n;
  let before = u.before;
  ${elements(
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
  const blocksOf = ({ param }: AdamOperands) => Math.ceil(param.size / blockElements);
  const common = { workgroupSize: [threads] as const, floats };
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
        workgroups: spread(blocksOf(row)),
        declarations: () => source(1),
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
        words[`${field}${k}`] = own[field] === undefined ? 0xffffffff : own[field].region.offset / 4;
      }
      blocks += blocksOf(row);
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
      declarations: () => source(bunch.length),
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
