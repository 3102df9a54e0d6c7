import type { GpuOperand } from "../webgpu/shader.ts";
import type { Extents } from "./gemm-plan.ts";

/** How a product's factor is read: a [m, k] or b [k, n], which may be made up as it is read, as patches of a picture. */
export interface Factor {
  readonly values: GpuOperand;
  /** Four neighbours in memory differ in their depth k, or in their row of a (column of b). */
  readonly along: "depth" | "side";
  /** True: they are read as one vec4f. */
  readonly vectors: boolean;
  /** WGSL, body of (at: i32) -> vec4i: what is known of a row (column), of which there may be too many. */
  readonly place: string;
  /** WGSL, body of (p: vec4i, k: i32) -> vec4f or f32: its value, or four; 0 outside. */
  readonly load: string;
}

/** Products and their operands. */
export interface Product extends Extents {
  /** What the WGSL depends on, but for the sizes and what is said of the factors. */
  readonly name: string;
  /** Further sizes that the WGSL knows as u.name, i32. */
  readonly sizes: Readonly<Record<string, number>>;
  readonly a: Factor;
  readonly b: Factor;
  readonly y: GpuOperand;
  /** WGSL, body of (row: i32) -> i32: where y's row begins, −1: nowhere. Columns follow each other. */
  readonly row: string;
  /** True: rows of y begin and end at vectors of four. */
  readonly rowVectors: boolean;
  /** A further table, int32, that the WGSL knows as `table`. */
  readonly table?: GpuOperand;
  /** WGSL of the module. `zone` is the number of the zone there. */
  readonly declarations?: string;
  /** WGSL, an expression of `at`, the zone: depth where it is not k. */
  readonly depth?: string;
  /** WGSL before all else in main. */
  readonly setup?: string;
}

export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
/** One text for each number. */
export const each = (n: number, text: (i: number) => string): string => range(n).map(text).join("\n");

/** How a factor lies in workgroup memory, and how threads bring it there. */
export interface Staging {
  readonly factor: Factor;
  readonly name: "A" | "B";
  /** Rows of a tile of a, columns of one of b. */
  readonly side: number;
  /** Vectors from a row (a depth, along the side) to the next. */
  readonly stride: number;
  readonly vectors: number;
  /** Rows along the depth lie in the order 0, 4, 8, ..., 1, 5, 9, ... */
  readonly dealt: boolean;
}

/** A factor's rows of `depth` / 4 vectors where it lies along the depth; else its depths of `side` / 4. */
export function staging(
  factor: Factor,
  name: "A" | "B",
  side: number,
  depth: number,
  padding: number,
  dealt = false,
): Staging {
  const [rows, length] = factor.along === "depth" ? [side, depth] : [depth, side];
  const stride = length / 4 + padding;
  return { factor, name, side, stride, vectors: rows * stride, dealt };
}

/**
 * WGSL that fetches a factor's tile at `k0` into registers, and that puts these into workgroup memory: `write` is
 * given the place there, as a number of vectors, and a vec4f.
 */
export function transfer(
  { factor, name, side, stride, dealt }: Staging,
  depth: number,
  threads: number,
  write: (slot: string, value: string) => string,
) {
  const alongDepth = factor.along === "depth";
  const inRow = (alongDepth ? depth : side) / 4;
  const total = (side * depth) / 4;
  const turns = Math.ceil(total / threads);
  const guarded = (i: number, text: string) =>
    (i + 1) * threads > total ? `if (thread < ${total - i * threads}u) { ${text} }` : text;
  const places = !alongDepth && !factor.vectors ? 4 : 1;
  const places0 = (i: number) => {
    const at = `first${name} + ${alongDepth ? `i${name}${i} / ${inRow}` : `(i${name}${i} % ${inRow}) * 4`}`;
    return each(places, (j) => `let p${name}${i}_${j} = place${name}(${at} + ${j});`);
  };
  const prepare = each(
    turns,
    (i) => `let i${name}${i} = i32(thread) + ${i * threads};\n${places0(i)}
let k${name}${i} = ${alongDepth ? `(i${name}${i} % ${inRow}) * 4` : `i${name}${i} / ${inRow}`};
var r${name}${i} = vec4f();`,
  );
  const fetch = each(turns, (i) => {
    const load = (j: number) =>
      alongDepth
        ? `load${name}(p${name}${i}_0, at${name}${i} + ${j})`
        : `load${name}(p${name}${i}_${j}, at${name}${i})`;
    const value = factor.vectors ? load(0) : `vec4f(${range(4).map(load).join(", ")})`;
    return guarded(i, `let at${name}${i} = k0 + k${name}${i}; r${name}${i} = ${value};`);
  });
  const put = each(turns, (i) => {
    const index = `i${name}${i}`;
    const row = `${index} / ${inRow}`;
    const place = dealt ? `((${row}) % 4) * ${side / 4} + ${index} / ${4 * inRow}` : row;
    const slot = `(${place}) * ${stride} + ${index} % ${inRow}`;
    return guarded(i, write(slot, `r${name}${i}`));
  });
  return { prepare, fetch, put };
}

/** WGSL functions that say where rows (columns) are, and that read them. */
export const factorFunctions = ({ vectors, place, load }: Factor, name: "A" | "B") => `
fn place${name}(at: i32) -> vec4i { ${place} }
fn load${name}(p: vec4i, k: i32) -> ${vectors ? "vec4f" : "f32"} { ${load} }`;

/** How a workgroup multiplies its tiles, in WGSL. */
export interface Core {
  /** What distinguishes its text. */
  readonly name: string;
  readonly depth: number;
  readonly staging: readonly [Staging, Staging];
  readonly enable: readonly string[];
  readonly builtins?: Readonly<Record<string, string>>;
  /** Of the module: the tiles, among others. */
  readonly declarations: string;
  /** Puts a vec4f into a tile, at a number of vectors. */
  readonly write: (name: "A" | "B", slot: string, value: string) => string;
  /** Before all depths, at a depth's tiles, and after all. */
  readonly begin: string;
  readonly multiply: string;
  readonly store: string;
}
