// One shader's text and the choice of its tiles, which are read together: longer than most.
import type { GpuCall } from "../backend/op.ts";
import { type GpuOperand, spread } from "../webgpu/shader.ts";

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

/** Sizes of products y = a·b side by side: zones. */
export interface Extents {
  /** Of the largest zone. */
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly zones: number;
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

/** A workgroup's part of y, and a thread's: `rows`×`columns`, by down×across threads. */
export interface Tile {
  readonly rows: number;
  readonly columns: number;
  readonly down: number;
  readonly across: number;
}

const tile = (rows: number, columns: number, down: number, across: number): Tile => ({
  ...{ rows, columns, down, across },
});

/** What small products are computed by, whatever their shape. */
export const smallTile = tile(4, 4, 8, 8);

/** The tiles, by name. */
export const tiles: Readonly<Record<string, Tile>> = {
  "128x128": tile(8, 8, 16, 16),
  "128x64": tile(8, 8, 16, 8),
  "64x128": tile(8, 8, 8, 16),
  "64x64": tile(8, 4, 8, 16),
  "32x64": tile(4, 8, 8, 8),
  "32x32": smallTile,
  "16x64": tile(4, 4, 4, 16),
  "128x16": tile(8, 4, 16, 4),
  "64x16": tile(4, 4, 16, 4),
  "256x4": tile(4, 4, 64, 1),
};

/** Workgroups that run at once on a large GPU, one on each of its processors. */
const processors = 128;
/** Least depth of a slice, and most slices' workgroups for a processor. */
const [shortestSlice, mostRounds] = [128, 4];
/** Depth that a tile's begin and end cost. */
const tileDepth = 32;
/** A processor's multiplications in the time that a call takes, and that a number takes to memory and back. */
const [callWork, numberWork] = [5e5, 80 / processors];
/** Most elements of a workspace for slices: 64 MiB. */
const mostSliced = 1 << 24;
/** Multiplications from which on a shader is compiled for the sizes. */
const largeWork = 1 << 23;

/** How a product is computed. */
export interface GemmPlan {
  readonly tile: Tile;
  /** The depth is cut into so many slices, which are summed in their order. */
  readonly slices: number;
  /** Sizes are constants of the text, and vectors are read where they can be: else few texts do for all sizes. */
  readonly special: boolean;
}

const groupsOf = ({ m, n, zones }: Extents, { rows, columns, down, across }: Tile): number =>
  Math.ceil(m / (rows * down)) * Math.ceil(n / (columns * across)) * zones;

/** Slices for a tile, and the time that the product takes then, in a processor's multiplications. */
function slicing(extents: Extents, tile: Tile): { tile: Tile; slices: number; time: number } {
  const groups = groupsOf(extents, tile);
  const { m, n, k, zones } = extents;
  const { rows, columns, down, across } = tile;
  const threads = down * across;
  // For its multiplications of one depth, a thread reads rows and columns, and brings its share of the tile.
  const side = rows * down + columns * across;
  const step = threads * (rows * columns + (rows + columns) / 2) + 4 * side;
  const most = Math.min(
    ...[k / shortestSlice, mostSliced / (m * n * zones), (mostRounds * processors) / groups],
  );
  let best = { tile, slices: 1, time: Number.POSITIVE_INFINITY };
  for (let slices = 1; slices === 1 || slices <= most; slices++) {
    const rounds = Math.ceil((groups * slices) / processors);
    const summing = slices > 1 ? callWork + numberWork * slices * m * n * zones : 0;
    const time = rounds * (Math.ceil(k / slices) + tileDepth) * step + summing;
    if (time < best.time) best = { tile, slices, time };
  }
  return best;
}

/** Chooses the tile and the slices. */
export function planGemm(extents: Extents): GemmPlan {
  const { m, n, k, zones } = extents;
  if (m * n * k * zones < largeWork) return { ...slicing(extents, smallTile), special: false };
  const choices = Object.values(tiles).map((tile) => slicing(extents, tile));
  return { ...choices.reduce((a, b) => (b.time < a.time ? b : a)), special: true };
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const each = (n: number, text: (i: number) => string): string => range(n).map(text).join("\n");

/** How a factor lies in workgroup memory, and how threads bring it there. */
interface Staging {
  readonly factor: Factor;
  readonly name: "A" | "B";
  /** Rows of a tile of a, columns of one of b. */
  readonly side: number;
  /** Vectors from a row (a depth, along the side) to the next. */
  readonly stride: number;
  readonly vectors: number;
}

/**
 * Along the depth: rows of `depth` / 4 vectors, b's with the columns 0, 4, 8, ... before 1, 5, 9, ..., so that threads
 * side by side read rows side by side; an odd stride then keeps them in banks of their own. Along the side: as read.
 */
function staging(factor: Factor, name: "A" | "B", side: number, depth: number, padded: boolean): Staging {
  const inRow = factor.along === "depth" ? depth / 4 : side / 4;
  const stride = factor.along === "depth" && padded ? inRow + 1 : inRow;
  return { factor, name, side, stride, vectors: (factor.along === "depth" ? side : depth) * stride };
}

/** WGSL that fetches a factor's tile at `k0` into registers, and that puts these into workgroup memory. */
function transfer({ factor, name, side, stride }: Staging, depth: number, threads: number, half: boolean) {
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
    const place = alongDepth && name === "B" ? `((${row}) % 4) * ${side / 4} + ${index} / ${4 * inRow}` : row;
    const slot = `(${place}) * ${stride} + ${index} % ${inRow}`;
    return guarded(i, `tile${name}[${slot}] = ${half ? `vec4h(r${name}${i})` : `r${name}${i}`};`);
  });
  return { prepare, fetch, put };
}

/** A thread's multiplications at four depths, 4·q and on. */
function multiply(a: Staging, b: Staging, { rows, columns, down, across }: Tile, half: boolean): string {
  const read = (name: string, index: string) =>
    half ? `vec4f(tile${name}[${index}])` : `tile${name}[${index}]`;
  const quads = columns / 4;
  const lines: string[] = [];
  const alongA = a.factor.along === "depth";
  const alongB = b.factor.along === "depth";
  if (alongA) {
    for (const i of range(rows))
      lines.push(`let a${i} = ${read("A", `(ty + ${down * i}) * ${a.stride} + q`)};`);
  }
  if (alongB) {
    for (const quad of range(quads))
      for (const c of range(4)) {
        const row = `tx + ${across * quad + (c * b.side) / 4}`;
        lines.push(`let d${quad}_${c} = ${read("B", `(${row}) * ${b.stride} + q`)};`);
      }
  }
  for (const [j, lane] of [..."xyzw"].entries()) {
    const depth = `(q * 4 + ${j})`;
    if (!alongA)
      for (const quad of range(rows / 4))
        lines.push(`let e${j}_${quad} = ${read("A", `${depth} * ${a.stride} + ty + ${down * quad}`)};`);
    for (const quad of range(quads)) {
      const value = alongB
        ? `vec4f(${range(4)
            .map((c) => `d${quad}_${c}.${lane}`)
            .join(", ")})`
        : read("B", `${depth} * ${b.stride} + tx + ${across * quad}`);
      lines.push(`let b${j}_${quad} = ${value};`);
    }
    for (const i of range(rows)) {
      const left = alongA ? `a${i}.${lane}` : `e${j}_${i >> 2}.${"xyzw"[i & 3]}`;
      for (const quad of range(quads))
        lines.push(`c${i}_${quad} = fma(vec4f(${left}), b${j}_${quad}, c${i}_${quad});`);
    }
  }
  return lines.join("\n");
}

function store(product: Product, { rows, columns, down, across }: Tile): string {
  const alongA = product.a.along === "depth";
  return each(rows, (i) => {
    const row = alongA ? `ty + ${down * i}` : `(ty + ${down * (i >> 2)}) * 4 + ${i & 3}`;
    const writes = each(columns / 4, (quad) => {
      const column = `firstB + (tx + ${across * quad}) * 4`;
      if (product.rowVectors) return `if (${column} < u.n) { y[(at + ${column}) / 4] = c${i}_${quad}; }`;
      return each(
        4,
        (c) => `if (${column} + ${c} < u.n) { y[at + ${column} + ${c}] = c${i}_${quad}.${"xyzw"[c]}; }`,
      );
    });
    return `{ let begin = placeY(firstA + ${row});
if (begin >= 0) { let at = begin + slice * u.size;\n${writes} } }`;
  });
}

const factorFunctions = ({ vectors, place, load }: Factor, name: "A" | "B") => `
fn place${name}(at: i32) -> vec4i { ${place} }
fn load${name}(p: vec4i, k: i32) -> ${vectors ? "vec4f" : "f32"} { ${load} }`;

/** Sums the slices of a product, in their order. */
export function sumSlices(call: GpuCall, parts: GpuOperand, y: GpuOperand, slices: number): void {
  const vectors = y.size % 4 === 0;
  const stride = vectors ? y.size / 4 : y.size;
  call.run({
    ...{ name: "sum slices", read: { parts }, write: { y }, words: { slices, stride }, elements: stride },
    types: vectors ? { parts: "vec4f", y: "vec4f" } : {},
    body: () => `var sum = parts[i];
  for (var k = 1u; k < u.slices; k++) { sum += parts[i + k * u.stride]; }
  y[i] = sum;`,
  });
}

/** Computes a product. */
export function gemm(call: GpuCall, product: Product, plan: GemmPlan): void {
  const { m, n, k, zones, a, b, y, table } = product;
  const { tile, slices, special } = plan;
  const { rows, columns, down, across } = tile;
  const threads = down * across;
  const [height, width] = [rows * down, columns * across];
  const half = special && call.features.has("shader-f16");
  // A wave's threads share few rows of a, unless tiles are narrow.
  const stage = (depth: number) =>
    [staging(a, "A", height, depth, across < 8), staging(b, "B", width, depth, true)] as const;
  const bytes = (depth: number) =>
    stage(depth).reduce((sum, { vectors }) => sum + vectors * (half ? 8 : 16), 0);
  // A thread keeps the next tile's share of a in registers: of a deep narrow tile, too many.
  const deep = special && rows <= 2 * across;
  const depth = deep && bytes(16) <= call.limits.maxComputeWorkgroupStorageSize ? 16 : 8;
  const [stageA, stageB] = stage(depth);
  const [tilesM, tilesN] = [Math.ceil(m / height), Math.ceil(n / width)];
  const sliceDepth = Math.ceil(k / slices / depth) * depth;
  const used = Math.max(1, Math.ceil(k / sliceDepth));
  const sizes: Record<string, number> = {
    ...{ m, n, k, zones, tilesM, tilesN, slices: used, sliceDepth, size: y.size },
    ...product.sizes,
  };
  const names = Object.keys(sizes);
  const target = used > 1 ? call.workspace(used * y.size) : y;
  const shape = [a, b].map(({ along, vectors }) => `${along}${vectors ? 4 : 1}`).join();
  const variant = `${product.name} ${height}x${width}x${depth} ${shape},${product.rowVectors}`;
  const loadsA = transfer(stageA, depth, threads, half);
  const loadsB = transfer(stageB, depth, threads, half);
  const vector = half ? "vec4h" : "vec4f";
  call.run({
    name: special ? `${variant} ${half ? "f16 " : ""}of ${Object.values(sizes)}` : variant,
    read: { a: a.values, b: b.values, ...(table && { table }) },
    write: { y: target },
    types: {
      ...(a.vectors && { a: "vec4f" }),
      ...(b.vectors && { b: "vec4f" }),
      ...(product.rowVectors && { y: "vec4f" }),
    },
    ...(special ? {} : { ints: sizes }),
    enable: half ? ["f16"] : [],
    workgroupSize: [threads],
    workgroups: spread(tilesM * tilesN * zones * used),
    declarations: () => `${
      special
        ? `struct Sizes { ${names.map((name) => `${name}: i32`).join(", ")} }
const u = Sizes(${Object.values(sizes)});`
        : ""
    }
var<workgroup> tileA: array<${vector}, ${stageA.vectors}>;
var<workgroup> tileB: array<${vector}, ${stageB.vectors}>;
var<private> zone: i32;
${product.declarations ?? ""}
${factorFunctions(a, "A")}${factorFunctions(b, "B")}
fn placeY(row: i32) -> i32 { ${product.row} }`,
    body: () => `let flat = i32(group.x + group.y * groups.x);
let firstB = (flat % u.tilesN) * ${width};
let firstA = ((flat / u.tilesN) % u.tilesM) * ${height};
let part = flat / (u.tilesN * u.tilesM);
let slice = part % u.slices;
let at = part / u.slices;
if (at >= u.zones) { return; }
zone = at;
${product.setup ?? ""}
let begin = slice * u.sliceDepth;
let end = min(begin + u.sliceDepth, ${product.depth ?? "u.k"});
let tx = i32(thread % ${across}u);
let ty = i32(thread / ${across}u);
${loadsA.prepare}
${loadsB.prepare}
${each(rows, (i) => each(columns / 4, (quad) => `var c${i}_${quad} = vec4f();`))}
if (begin < end) { let k0 = begin;\n${loadsA.fetch}\n${loadsB.fetch} }
for (var k0 = begin + ${depth}; k0 < end + ${depth}; k0 += ${depth}) {
workgroupBarrier();
${loadsA.put}
${loadsB.put}
workgroupBarrier();
if (k0 < end) {
${loadsA.fetch}
${loadsB.fetch}
}
for (var q = 0; q < ${depth / 4}; q++) {
${multiply(stageA, stageB, tile, half)}
}
}
${store(product, tile)}`,
  });
  if (used > 1) sumSlices(call, target, y, used);
}
