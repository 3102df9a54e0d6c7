// Batch norm of x [groups, rows, channels] with its own statistics, and its gradient, as the formulas in
// assembly/ops/batch-norm-train.ts. A workgroup takes a tile of channels of a block of rows; a pass leaves a record
// for each block and channel, a step between joins them in a fixed order, a second pass writes.
import type { GpuCall } from "../backend/op.ts";
import type { GpuOperand } from "../webgpu/shader.ts";

const threads = 256;
const settleThreads = 64;

/** Rows that a thread takes at least, and blocks that a group's rows are cut into at most. */
const fewestTurns = 4;
const mostBlocks = 512;

/** How [groups, rows, channels] is cut: channels by four where they are a multiple of it. */
function tiling(groups: number, rows: number, channels: number) {
  const wide = channels % 4 === 0;
  const columns = wide ? channels / 4 : channels;
  const lanes = Math.min(64, 2 ** Math.ceil(Math.log2(columns)));
  const down = threads / lanes;
  const turns = Math.max(fewestTurns, Math.ceil(rows / (down * mostBlocks)));
  const blockRows = down * turns;
  const blocks = Math.ceil(rows / blockRows);
  const type = wide ? "vec4f" : "f32";
  return {
    ...{ type, lanes, down, columns, blocks },
    name: `${type} ${lanes}`,
    words: { rows, columns, blockRows },
    pass: {
      workgroupSize: [threads] as const,
      workgroups: [Math.ceil(columns / lanes), blocks, groups] as const,
    },
    settle: { workgroupSize: [settleThreads] as const, workgroups: [columns, groups] as const },
    /** Types of bindings that have channels last. */
    typed: (...names: string[]) => Object.fromEntries(names.map((name) => [name, type])),
  };
}

type Tiling = ReturnType<typeof tiling>;

/** What a thread of a pass works on: rows `begin + lane`, `+ down`, ... below `end` of a column. */
const place = ({ lanes }: Tiling) => `
  let column = group.x * ${lanes}u + thread % ${lanes}u;
  let lane = thread / ${lanes}u;
  let inside = column < u.columns;
  let begin = group.y * u.blockRows;
  let end = select(0u, min(begin + u.blockRows, u.rows), inside);
  let channel = group.z * u.columns + column;
  let first = group.z * u.rows * u.columns + column;`;

const eachRow = ({ down }: Tiling, part: string) => `
  for (var row = begin + lane; row < end; row += ${down}u) {
    let i = first + row * u.columns;
    ${part}
  }`;

/** Joins what neighbours left in workgroup memory, by halves: `join(at, other)`. */
const joinHalves = (from: number, to: number) => `
  for (var half = ${from / 2}u; half >= ${to}u; half >>= 1u) {
    workgroupBarrier();
    if (thread < half) { join(thread, thread + half); }
  }
  workgroupBarrier();`;

const recordPlace = "2u * ((group.z * groups.y + group.y) * u.columns + column)";

/** Moments of parts are joined as Chan, Golub and LeVeque (1979) do. */
const momentsMemory = ({ type }: Tiling, size: number) => `
var<workgroup> means: array<${type}, ${size}>;
var<workgroup> squares: array<${type}, ${size}>;
var<workgroup> counts: array<f32, ${size}>;
fn join(a: u32, b: u32) {
  let count = counts[a] + counts[b];
  let share = counts[b] / max(count, 1.0);
  let between = means[b] - means[a];
  means[a] += between * share;
  squares[a] += squares[b] + between * between * (counts[a] * share);
  counts[a] = count;
}`;

/** Moments are those of x less the group's first row, so that a large mean costs no accuracy. */
const momentsBody = (t: Tiling) => `${place(t)}
  var mean = ${t.type}(0.0);
  var square = ${t.type}(0.0);
  var count = 0.0;
  var shift = ${t.type}(0.0);
  if (inside) { shift = x[first]; }
  ${eachRow(
    t,
    `count += 1.0;
    let e = x[i] - shift;
    let before = e - mean;
    mean += before * (1.0 / count);
    square += before * (e - mean);`,
  )}
  means[thread] = mean;
  squares[thread] = square;
  counts[thread] = count;
  ${joinHalves(threads, t.lanes)}
  if (thread < ${t.lanes}u && inside) {
    records[${recordPlace}] = means[thread];
    records[${recordPlace} + 1u] = squares[thread];
  }`;

const settleMomentsBody = ({ type }: Tiling) => `
  let blocks = (u.rows + u.blockRows - 1u) / u.blockRows;
  means[thread] = ${type}(0.0);
  squares[thread] = ${type}(0.0);
  counts[thread] = 0.0;
  for (var block = thread; block < blocks; block += ${settleThreads}u) {
    let at = 2u * ((group.y * blocks + block) * u.columns + group.x);
    means[thread + ${settleThreads}u] = records[at];
    squares[thread + ${settleThreads}u] = records[at + 1u];
    counts[thread + ${settleThreads}u] = f32(min(u.blockRows, u.rows - block * u.blockRows));
    join(thread, thread + ${settleThreads}u);
  }
  ${joinHalves(settleThreads, 1)}
  if (thread == 0u) {
    let channel = group.y * u.columns + group.x;
    mean[channel] = x[group.y * u.rows * u.columns + group.x] + means[0];
    variance[channel] = squares[0] / f32(u.rows);
  }`;

/** The channel's constants, of bindings of these names. */
const constants = ({ type }: Tiling) => `
  var average = ${type}(0.0);
  var gain = ${type}(0.0);
  var shift = ${type}(0.0);
  if (inside) {
    average = mean[channel];
    gain = scale[column] * (1.0 / sqrt(variance[channel] + u.epsilon));
    shift = offset[column];
  }`;

/** y, mean and variance of x. */
export function batchNormOnGpu(
  call: GpuCall,
  { x, scale, offset }: Record<"x" | "scale" | "offset", GpuOperand>,
  [y, mean, variance]: readonly GpuOperand[],
  { groups, rows, channels }: { groups: number; rows: number; channels: number },
  { epsilon, slope }: { epsilon: number; slope: number },
): void {
  if (x.size === 0) {
    for (const moment of [mean, variance]) call.clear(moment);
    return;
  }
  const t = tiling(groups, rows, channels);
  const { name, words, typed } = t;
  const records = call.workspace(2 * groups * t.blocks * channels);
  call.run({
    ...{ name: `batchNorm moments ${name}`, read: { x }, write: { records }, words, ...t.pass },
    types: typed("x", "records"),
    declarations: () => momentsMemory(t, threads),
    body: () => momentsBody(t),
  });
  call.run({
    ...{ name: `batchNorm settle ${name}`, read: { x, records }, write: { mean, variance }, words },
    ...t.settle,
    types: typed("x", "records", "mean", "variance"),
    declarations: () => momentsMemory(t, 2 * settleThreads),
    body: () => settleMomentsBody(t),
  });
  call.run({
    ...{ name: `batchNorm apply ${name}`, read: { x, mean, variance, scale, offset }, write: { y } },
    ...{ words, floats: { epsilon, slope }, ...t.pass },
    types: typed("x", "mean", "variance", "scale", "offset", "y"),
    body: () =>
      `${place(t)}${constants(t)}${eachRow(
        t,
        `let v = (x[i] - average) * gain + shift;
    y[i] = select(v * u.slope, v, v > ${t.type}(0.0));`,
      )}`,
  });
}

const sumsMemory = ({ type }: Tiling, size: number) => `
var<workgroup> sums: array<${type}, ${size}>;
var<workgroup> products: array<${type}, ${size}>;
fn join(a: u32, b: u32) {
  sums[a] += sums[b];
  products[a] += products[b];
}`;

/** e = x - mean and dz, the gradient behind the activation. */
const slopes = ({ type }: Tiling) => `let e = x[i] - average;
    let dz = dy[i] * select(${type}(u.slope), ${type}(1.0), e * gain + shift > ${type}(0.0));`;

/**
 * Joins the blocks' Σ dz and Σ dz·e: a group's part of the gradients by scale and offset, and for the second pass the
 * mean of dz and the slope of dx along e.
 */
const settleSumsBody = ({ type }: Tiling) => `
  let blocks = (u.rows + u.blockRows - 1u) / u.blockRows;
  var sum = ${type}(0.0);
  var product = ${type}(0.0);
  for (var block = thread; block < blocks; block += ${settleThreads}u) {
    let at = 2u * ((group.y * blocks + block) * u.columns + group.x);
    sum += records[at];
    product += records[at + 1u];
  }
  sums[thread] = sum;
  products[thread] = product;
  ${joinHalves(settleThreads, 1)}
  if (thread == 0u) {
    let channel = group.y * u.columns + group.x;
    let inverse = 1.0 / sqrt(variance[channel] + u.epsilon);
    let along = scale[group.x] * inverse * (products[0] * inverse) * inverse;
    toScale[channel] = products[0] * inverse;
    toOffset[channel] = sums[0];
    table[2u * channel] = sums[0] / f32(u.rows);
    table[2u * channel + 1u] = -along / f32(u.rows);
  }`;

/** dx, dscale and doffset; see `batchNormTrainGrad`. */
export function batchNormGradOnGpu(
  call: GpuCall,
  inputs: Record<"dy" | "x" | "scale" | "offset" | "mean" | "variance", GpuOperand>,
  [dx, dscale, doffset]: readonly GpuOperand[],
  { groups, rows, channels }: { groups: number; rows: number; channels: number },
  { epsilon, slope }: { epsilon: number; slope: number },
): void {
  const { x, scale, variance } = inputs;
  if (x.size === 0) {
    for (const gradient of [dscale, doffset]) call.clear(gradient);
    return;
  }
  const t = tiling(groups, rows, channels);
  const { name, words, typed } = t;
  const floats = { epsilon, slope };
  const records = call.workspace(2 * groups * t.blocks * channels);
  const table = call.workspace(2 * groups * channels);
  const parts = groups > 1 ? [0, 1].map(() => call.workspace(groups * channels)) : [dscale, doffset];
  const [toScale, toOffset] = parts;
  call.run({
    ...{ name: `batchNorm products ${name}`, read: inputs, write: { records }, words, floats, ...t.pass },
    types: typed(...Object.keys(inputs), "records"),
    declarations: () => sumsMemory(t, threads),
    body: () => `${place(t)}${constants(t)}
  var sum = ${t.type}(0.0);
  var product = ${t.type}(0.0);
  ${eachRow(t, `${slopes(t)}\n    sum += dz;\n    product += dz * e;`)}
  sums[thread] = sum;
  products[thread] = product;
  ${joinHalves(threads, t.lanes)}
  if (thread < ${t.lanes}u && inside) {
    records[${recordPlace}] = sums[thread];
    records[${recordPlace} + 1u] = products[thread];
  }`,
  });
  call.run({
    ...{ name: `batchNorm settle gradient ${name}`, words, floats: { epsilon }, ...t.settle },
    ...{ read: { records, variance, scale }, write: { table, toScale, toOffset } },
    types: typed("records", "variance", "scale", "table", "toScale", "toOffset"),
    declarations: () => sumsMemory(t, settleThreads),
    body: () => settleSumsBody(t),
  });
  if (groups > 1) {
    call.run({
      ...{ name: "batchNorm groups", read: { toScale, toOffset }, write: { dscale, doffset } },
      ...{ words: { groups }, elements: channels },
      body: () => `var a = 0.0;
  var b = 0.0;
  for (var at = i; at < u.groups * u.n; at += u.n) {
    a += toScale[at];
    b += toOffset[at];
  }
  dscale[i] = a;
  doffset[i] = b;`,
    });
  }
  call.run({
    ...{ name: `batchNorm apply gradient ${name}`, words, floats, ...t.pass },
    ...{ read: { ...inputs, table }, write: { dx } },
    types: typed(...Object.keys(inputs), "table", "dx"),
    body: () => `${place(t)}${constants(t)}
  var level = ${t.type}(0.0);
  var along = ${t.type}(0.0);
  if (inside) {
    level = table[2u * channel];
    along = table[2u * channel + 1u];
  }
  ${eachRow(t, `${slopes(t)}\n    dx[i] = gain * (dz - level) + along * e;`)}`,
  });
}
