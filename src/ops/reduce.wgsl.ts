import type { GpuCall } from "../backend/op.ts";
import { type GpuOperand, spread } from "../webgpu/shader.ts";
import { mathFor } from "./math.wgsl.ts";

/** One pass of a reduction: [outer, n, inner] over its middle axis. */
export interface Pass {
  readonly outer: number;
  readonly n: number;
  readonly inner: number;
}

const threads = 256;
/** Elements that a thread adds up one after the other at least, before a pass is cut for more threads, and at most. */
const [fewestTurns, mostTurns] = [16, 256];
/** Workgroups that keep a GPU busy. */
const enoughGroups = 512;
/** Up to so many elements are a single thread's work. */
const shortLength = 16;

/** How two values combine: a function of a and b. */
export const combinations = {
  sum: "a + b",
  prod: "a * b",
  max: "max(a, b)",
  min: "min(a, b)",
  all: "a & b",
  any: "a | b",
} as const;

export type Combination = keyof typeof combinations;

/** WGSL's max and min may lose a NaN. */
function combine(combination: Combination, type: string): string {
  const text = combinations[combination];
  const floatExtreme = type === "f32" && (combination === "max" || combination === "min");
  const body = floatExtreme ? `select(select(${text}, b, isNanF(b)), a, isNanF(a))` : text;
  return `${floatExtreme ? mathFor(body) : ""}
fn combine(a: ${type}, b: ${type}) -> ${type} { return ${body}; }`;
}

/** How a pass is cut into workgroups of `lanes` columns by `down` rows at a time. */
function tiling({ outer, n, inner }: Pass, mayCut: boolean) {
  const lanes = Math.min(64, 2 ** Math.ceil(Math.log2(inner)));
  const down = Math.min(threads / lanes, 2 ** Math.max(0, Math.ceil(Math.log2(n / 4))));
  const tiles = Math.ceil(inner / lanes);
  const wanted = Math.max(Math.ceil(enoughGroups / (outer * tiles)), Math.ceil(n / (down * mostTurns)));
  const pieces = mayCut ? Math.min(wanted, Math.ceil(n / (down * fewestTurns))) : 1;
  const blockRows = down * Math.ceil(n / (down * pieces));
  return { lanes, down, tiles, blockRows, blocks: Math.ceil(n / blockRows) };
}

/** Which block of the pass a workgroup has: rows `begin` to before `begin + count` of a column. */
const place = (lanes: number) => `
  let tiles = (u.inner + ${lanes - 1}u) / ${lanes}u;
  let blocks = (u.rows + u.blockRows - 1u) / u.blockRows;
  let flat = group.x + group.y * groups.x;
  let column = (flat % tiles) * ${lanes}u + thread % ${lanes}u;
  let lane = thread / ${lanes}u;
  let block = (flat / tiles) % blocks;
  let line = flat / (tiles * blocks);
  let begin = block * u.blockRows;
  let inside = column < u.inner && line < u.outer;
  let count = min(u.blockRows, u.rows - begin);
  let first = (line * u.rows + begin) * u.inner + column;`;

/** y [outer, inner] from x [outer, n, inner]; each result times `scale` where y is float32 and summed. */
export function reduceOnGpu(
  call: GpuCall,
  combination: Combination,
  x: GpuOperand,
  y: GpuOperand,
  pass: Pass,
  scale: number,
): void {
  const { outer, n, inner } = pass;
  const float = y.dtype === "float32";
  const type = float ? "f32" : "i32";
  const scaled = float && combination === "sum";
  const load = float && x.dtype !== "float32" ? "f32(x[i])" : "x[i]";
  const declarations = () => `${combine(combination, type)}\nfn load(i: u32) -> ${type} { return ${load}; }`;
  const result = (value: string) => (scaled ? `${value} * u.scale` : value);
  if (n <= shortLength) {
    call.run({
      ...{ name: `${combination} short`, read: { x }, write: { y }, words: { rows: n, inner } },
      ...{ floats: scaled ? { scale } : {}, elements: outer * inner, declarations },
      body: () => `let first = (i / u.inner) * u.rows * u.inner + i % u.inner;
  var value = load(first);
  for (var row = 1u; row < u.rows; row++) { value = combine(value, load(first + row * u.inner)); }
  y[i] = ${result("value")};`,
    });
    return;
  }
  const { lanes, down, tiles, blockRows, blocks } = tiling(pass, true);
  const last = blocks === 1;
  const target = last ? y : call.workspace(outer * blocks * inner, y.dtype);
  call.run({
    ...{ name: `${combination} ${lanes} ${down}`, read: { x }, write: { y: target } },
    words: { outer, rows: n, inner, blockRows },
    floats: scaled ? { scale: last ? scale : 1 } : {},
    workgroupSize: [lanes * down],
    workgroups: spread(tiles * blocks * outer),
    declarations: () => `${declarations()}
var<workgroup> values: array<${type}, ${lanes * down}>;`,
    // Sums of 16 are summed: the error grows with that and with the number of sums.
    body: () => `${place(lanes)}
  if (inside && lane < count) {
    var value = load(first + lane * u.inner);
    for (var row = lane + ${down}u; row < count;) {
      var part = load(first + row * u.inner);
      row += ${down}u;
      for (var k = 1u; k < 16u && row < count; k++) {
        part = combine(part, load(first + row * u.inner));
        row += ${down}u;
      }
      value = combine(value, part);
    }
    values[thread] = value;
  }
  for (var half = ${down >> 1}u; half > 0u; half >>= 1u) {
    workgroupBarrier();
    if (lane < half && lane + half < count) {
      values[thread] = combine(values[thread], values[thread + half * ${lanes}u]);
    }
  }
  workgroupBarrier();
  if (lane == 0u && inside) { y[(line * blocks + block) * u.inner + column] = ${result("values[thread]")}; }`,
  });
  if (!last) reduceOnGpu(call, combination, target, y, { outer, n: blocks, inner }, scale);
}

/** Position of the first extremum, int32 [outer, inner], from x [outer, n, inner]. NaN is passed over. */
export function argExtremeOnGpu(
  call: GpuCall,
  name: "ArgMax" | "ArgMin",
  x: GpuOperand,
  y: GpuOperand,
  pass: Pass,
) {
  const { outer, n, inner } = pass;
  if (y.size === 0) return;
  const { lanes, down, tiles, blockRows } = tiling(pass, false);
  const type = x.dtype === "float32" ? "f32" : "i32";
  const isNan = (value: string) => (type === "f32" ? `isNanF(${value})` : "false");
  const better = name === "ArgMax" ? ">" : "<";
  const declarations = `
fn precedes(a: ${type}, at: u32, b: ${type}, other: u32) -> bool {
  if (${isNan("a")} || ${isNan("b")}) { return !${isNan("a")} || (${isNan("b")} && at < other); }
  return a ${better} b || (a == b && at < other);
}
var<workgroup> values: array<${type}, ${lanes * down}>;
var<workgroup> positions: array<u32, ${lanes * down}>;`;
  call.run({
    ...{ name: `${name} ${lanes} ${down}`, read: { x }, write: { y } },
    words: { outer, rows: n, inner, blockRows },
    workgroupSize: [lanes * down],
    workgroups: spread(tiles * outer),
    declarations: () => mathFor(declarations) + declarations,
    body: () => `${place(lanes)}
  if (inside && lane < count) {
    var value = x[first + lane * u.inner];
    var position = lane;
    for (var row = lane + ${down}u; row < count; row += ${down}u) {
      let other = x[first + row * u.inner];
      if (precedes(other, row, value, position)) {
        value = other;
        position = row;
      }
    }
    values[thread] = value;
    positions[thread] = position;
  }
  for (var half = ${down >> 1}u; half > 0u; half >>= 1u) {
    workgroupBarrier();
    let other = thread + half * ${lanes}u;
    if (lane < half && lane + half < count) {
      if (precedes(values[other], positions[other], values[thread], positions[thread])) {
        values[thread] = values[other];
        positions[thread] = positions[other];
      }
    }
  }
  workgroupBarrier();
  if (lane == 0u && inside) { y[line * u.inner + column] = i32(positions[thread]); }`,
  });
}
