import type { GpuCall } from "../backend/op.ts";
import { type GpuOperand, spread } from "../webgpu/shader.ts";

/** A loop of a copy: its elements, and how far either array's index moves from one to the next. */
export interface Loop {
  readonly count: number;
  readonly dst: number;
  readonly src: number;
}

interface Place {
  readonly operand: GpuOperand;
  /** Index of the first element. */
  readonly offset: number;
}

/** Edge of the square that a workgroup transposes, and the rows of it that it reads at once. */
const edge = 32;
const rowsAtOnce = 8;

/** WGSL that walks the loops, innermost first, by the flat index `rest` from the places `dst` and `src`. */
function walk(names: readonly string[]): string {
  const steps = names.map((name, k) => {
    const last = k === names.length - 1;
    const at = last ? "at = i32(rest);" : `at = i32(rest % u.${name}); rest /= u.${name};`;
    return `${at} dst += at * u.${name}Dst; src += at * u.${name}Src;`;
  });
  return ["var at = 0; var dst = u.dst; var src = u.src;", ...steps].join("\n  ");
}

function uniformsOf(loops: readonly Loop[], names: readonly string[], dst: Place, src: Place, lanes = 1) {
  const words: Record<string, number> = {};
  const ints: Record<string, number> = { dst: dst.offset / lanes, src: src.offset / lanes };
  for (const [k, loop] of loops.entries()) {
    words[names[k]] = loop.count;
    ints[`${names[k]}Dst`] = loop.dst;
    ints[`${names[k]}Src`] = loop.src;
  }
  return { words, ints };
}

/** Copies bits along loops, innermost first. */
export function copyLoops(call: GpuCall, loops: readonly Loop[], dst: Place, src: Place): void {
  const inPlace = dst.operand.region === src.operand.region;
  const [inner, ...outer] = loops;
  const unit = outer.findIndex((loop) => loop.src === 1);
  const wide = (loop: Loop) => loop.count >= edge / 2;
  if (unit >= 0 && inner.dst === 1 && wide(inner) && wide(outer[unit]) && !inPlace) {
    transposeLoops(call, inner, outer[unit], outer.toSpliced(unit, 1), dst, src);
    return;
  }
  const whole = (n: number) => n % 4 === 0;
  const vectors =
    inner?.dst === 1 &&
    inner.src === 1 &&
    [inner.count, dst.offset, src.offset, ...outer.flatMap((loop) => [loop.dst, loop.src])].every(whole);
  const lanes = vectors ? 4 : 1;
  const type = vectors ? "vec4u" : "u32";
  const list = vectors
    ? [
        { ...inner, count: inner.count / 4 },
        ...outer.map((loop) => ({ ...loop, dst: loop.dst / 4, src: loop.src / 4 })),
      ]
    : loops;
  const names = list.map((_, k) => `n${k}`);
  call.run({
    name: `copy along ${list.length}${inPlace ? " in place" : ""}`,
    read: inPlace ? {} : { x: src.operand },
    write: { y: dst.operand },
    types: { x: type, y: type },
    ...uniformsOf(list, names, dst, src, lanes),
    elements: list.reduce((product, { count }) => product * count, 1),
    body: () => `var rest = i;
  ${walk(names)}
  y[dst] = ${inPlace ? "y" : "x"}[src];`,
  });
}

/** The same where `columns` are neighbours in dst and `rows` in src: squares go by way of workgroup memory. */
function transposeLoops(
  call: GpuCall,
  columns: Loop,
  rows: Loop,
  others: readonly Loop[],
  dst: Place,
  src: Place,
): void {
  const names = ["columns", "rows", ...others.map((_, k) => `n${k}`)];
  const { words, ints } = uniformsOf([columns, rows, ...others], names, dst, src);
  const across = Math.ceil(columns.count / edge);
  const down = Math.ceil(rows.count / edge);
  const squares = others.reduce((product, { count }) => product * count, across * down);
  call.run({
    name: `transpose along ${others.length}`,
    read: { x: src.operand },
    write: { y: dst.operand },
    types: { x: "u32", y: "u32" },
    words: { ...words, across, down, squares },
    ints,
    workgroupSize: [edge, rowsAtOnce],
    workgroups: spread(squares),
    declarations: () => `var<workgroup> square: array<u32, ${edge * (edge + 1)}>;`,
    body: () => `var rest = group.x + group.y * groups.x;
  if (rest >= u.squares) { return; }
  let left = (rest % u.across) * ${edge}u; rest /= u.across;
  let top = (rest % u.down) * ${edge}u; rest /= u.down;
  ${walk(names.slice(2))}
  for (var k = local.y; k < ${edge}u; k += ${rowsAtOnce}u) {
    if (left + k < u.columns && top + local.x < u.rows) {
      square[k * ${edge + 1}u + local.x] = x[src + i32(left + k) * u.columnsSrc + i32(top + local.x)];
    }
  }
  workgroupBarrier();
  for (var k = local.y; k < ${edge}u; k += ${rowsAtOnce}u) {
    if (left + local.x < u.columns && top + k < u.rows) {
      y[dst + i32(left + local.x) + i32(top + k) * u.rowsDst] = square[local.x * ${edge + 1}u + k];
    }
  }`,
  });
}
