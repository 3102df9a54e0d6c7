import type { GpuCall } from "../backend/op.ts";
import { type GpuOperand, spread } from "../webgpu/shader.ts";
import {
  type Core,
  each,
  factorFunctions,
  type Product,
  range,
  type Staging,
  staging,
  transfer,
} from "./gemm-factors.wgsl.ts";
import { matrixCore } from "./gemm-matrix.wgsl.ts";
import type { GemmPlan, Tile } from "./gemm-plan.ts";

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

/** Threads that sum rows×columns of the result each, from tiles of float32 or float16. */
function threadCore(product: Product, tile: Tile, special: boolean, half: boolean, memory: number): Core {
  const { a, b } = product;
  const { rows, columns, down, across } = tile;
  // Threads side by side read b's columns 4·i side by side; an odd stride keeps them in banks of their own. A wave's
  // threads share few rows of a, unless tiles are narrow.
  const stage = (depth: number) =>
    [
      staging(a, "A", rows * down, depth, Number(a.along === "depth" && across < 8)),
      staging(b, "B", columns * across, depth, Number(b.along === "depth"), b.along === "depth"),
    ] as const;
  const bytes = (depth: number) =>
    stage(depth).reduce((sum, { vectors }) => sum + vectors * (half ? 8 : 16), 0);
  // A thread keeps the next tile's share of a in registers: of a deep narrow tile, too many.
  const depth = special && rows <= 2 * across && bytes(16) <= memory ? 16 : 8;
  const [stageA, stageB] = stage(depth);
  const vector = half ? "vec4h" : "vec4f";
  return {
    ...{ name: half ? " f16" : "", depth, staging: [stageA, stageB] },
    enable: half ? ["f16"] : [],
    declarations: `var<workgroup> tileA: array<${vector}, ${stageA.vectors}>;
var<workgroup> tileB: array<${vector}, ${stageB.vectors}>;`,
    write: (name, slot, value) => `tile${name}[${slot}] = ${half ? `vec4h(${value})` : value};`,
    begin: `let tx = i32(thread % ${across}u);
let ty = i32(thread / ${across}u);
${each(rows, (i) => each(columns / 4, (quad) => `var c${i}_${quad} = vec4f();`))}`,
    multiply: `for (var q = 0; q < ${depth / 4}; q++) {
${multiply(stageA, stageB, tile, half)}
}`,
    store: store(product, tile),
  };
}

/** Computes a product. */
export function gemm(call: GpuCall, product: Product, plan: GemmPlan): void {
  const { m, n, k, zones, a, b, y, table } = product;
  const { tile, slices, special } = plan;
  const threads = tile.down * tile.across;
  const [height, width] = [tile.rows * tile.down, tile.columns * tile.across];
  const { float16, matrixUnit } = call.arithmetic;
  const memory = call.limits.maxComputeWorkgroupStorageSize;
  const core =
    (special && matrixUnit && matrixCore(product, tile, matrixUnit, memory)) ||
    threadCore(product, tile, special, special && float16, memory);
  const { depth } = core;
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
  const variant = `${product.name} ${height}x${width}x${depth}${core.name} ${shape},${product.rowVectors}`;
  const [loadsA, loadsB] = core.staging.map((stage) =>
    transfer(stage, depth, threads, (slot, value) => core.write(stage.name, slot, value)),
  );
  call.run({
    name: special ? `${variant} of ${Object.values(sizes)}` : variant,
    read: { a: a.values, b: b.values, ...(table && { table }) },
    write: { y: target },
    types: {
      ...(a.vectors && { a: "vec4f" }),
      ...(b.vectors && { b: "vec4f" }),
      ...(product.rowVectors && { y: "vec4f" }),
    },
    ...(special ? {} : { ints: sizes }),
    enable: core.enable,
    builtins: core.builtins,
    workgroupSize: [threads],
    workgroups: spread(tilesM * tilesN * zones * used),
    declarations: () => `${
      special
        ? `struct Sizes { ${names.map((name) => `${name}: i32`).join(", ")} }
const u = Sizes(${Object.values(sizes)});`
        : ""
    }
${core.declarations}
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
${loadsA.prepare}
${loadsB.prepare}
${core.begin}
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
${core.multiply}
}
${core.store}`,
  });
  if (used > 1) sumSlices(call, target, y, used);
}
