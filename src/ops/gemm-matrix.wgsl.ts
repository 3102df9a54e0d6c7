import type { MatrixUnit } from "../webgpu/arithmetic.ts";
import { type Core, each, type Product, type Staging, staging } from "./gemm-factors.wgsl.ts";
import type { Tile } from "./gemm-plan.ts";

/** WGSL's, an experiment still. */
export const matrixExtension = "chromium_experimental_subgroup_matrix";

/** Vectors that a thread keeps of each factor's next tile, at most. */
const mostKept = 8;

/**
 * Subgroups that multiply by matrix units: each a part of the tile, down×across of the unit's matrices. Undefined where
 * the tile has no such parts, or workgroup memory is too small.
 */
export function matrixCore(product: Product, tile: Tile, unit: MatrixUnit, memory: number): Core | undefined {
  const { component, m, n, k, lanes, widest } = unit;
  const { a, b } = product;
  const threads = tile.down * tile.across;
  const [height, width] = [tile.rows * tile.down, tile.columns * tile.across];
  if (threads % widest !== 0 || threads % lanes !== 0) return undefined;
  const parts = threads / lanes;
  const partsDown = 2 ** Math.ceil(Math.log2(parts) / 2);
  const partsAcross = parts / partsDown;
  const [down, across] = [height / partsDown / m, width / partsAcross / n];
  if (!Number.isInteger(down) || !Number.isInteger(across)) return undefined;
  const bytes = component === "f16" ? 2 : 4;
  // Rows begin 16 bytes further in the banks, each.
  const padding = 4 / bytes;
  const stage = (depth: number) =>
    [staging(a, "A", height, depth, padding), staging(b, "B", width, depth, padding)] as const;
  // A row longer than the tile: a matrix's last row may be taken to be a whole stride.
  const elements = ({ vectors, stride }: Staging) => 4 * (vectors + stride);
  const depth = [32, 16].find((depth) => {
    const [stageA, stageB] = stage(depth);
    const used = bytes * (elements(stageA) + elements(stageB)) + 4 * parts * m * n;
    return depth % k === 0 && (Math.max(height, width) * depth) / 4 / threads <= mostKept && used <= memory;
  });
  if (depth === undefined) return undefined;
  const [stageA, stageB] = stage(depth);
  const load = ({ factor, name, stride }: Staging, side: string, depth: string) => {
    const rowMajor = (factor.along === "depth") === (name === "A");
    const [outer, inner] = factor.along === "depth" ? [side, depth] : [depth, side];
    return `subgroupMatrixLoad<Matrix${name}, ${rowMajor ? "row_major" : "col_major"}>(&tile${name}, u32((${outer}) * ${4 * stride} + ${inner}), ${4 * stride}u)`;
  };
  const eachMatrix = (text: (i: number, j: number) => string) =>
    each(down, (i) => each(across, (j) => text(i, j)));
  const mine = (text: string) => `if (subgroup < ${parts}u) {\n${text}\n}`;
  return {
    name: ` ${component} by ${[m, n, k, lanes].join("x")}`,
    ...{ depth, staging: [stageA, stageB] },
    enable: [...(component === "f16" ? ["f16"] : []), matrixExtension],
    builtins: { subgroup: "subgroup_id" },
    declarations: `alias MatrixA = subgroup_matrix_left<${component}, ${k}, ${m}>;
alias MatrixB = subgroup_matrix_right<${component}, ${n}, ${k}>;
alias MatrixY = subgroup_matrix_result<f32, ${n}, ${m}>;
var<workgroup> tileA: array<${component}, ${elements(stageA)}>;
var<workgroup> tileB: array<${component}, ${elements(stageB)}>;
var<workgroup> results: array<f32, ${parts * m * n}>;`,
    write: (name, slot, value) =>
      `{ let slot = (${slot}) * 4; ${each(4, (i) => `tile${name}[slot + ${i}] = ${component}(${value}.${"xyzw"[i]});`)} }`,
    begin: `let partA = i32(subgroup) / ${partsAcross} * ${down * m};
let partB = i32(subgroup) % ${partsAcross} * ${across * n};
${eachMatrix((i, j) => `var c${i}_${j} = MatrixY();`)}`,
    multiply: mine(`for (var q = 0; q < ${depth}; q += ${k}) {
${each(across, (j) => `let right${j} = ${load(stageB, `partB + ${j * n}`, "q")};`)}
${each(down, (i) => {
  const left = `let left${i} = ${load(stageA, `partA + ${i * m}`, "q")};`;
  return `${left}\n${each(across, (j) => `c${i}_${j} = subgroupMatrixMultiplyAccumulate(left${i}, right${j}, c${i}_${j});`)}`;
})}
}`),
    store: eachMatrix(
      (i, j) => `workgroupBarrier();
${mine(`subgroupMatrixStore<row_major>(&results, subgroup * ${m * n}u, c${i}_${j}, ${n}u);`)}
workgroupBarrier();
${storeResults(product, unit, { threads, parts, partsAcross, down, across }, i, j)}`,
    ),
  };
}

/** Threads write the matrices i, j of all parts from workgroup memory to y, by four columns. */
function storeResults(
  { rowVectors }: Product,
  { m, n }: MatrixUnit,
  split: Readonly<Record<"threads" | "parts" | "partsAcross" | "down" | "across", number>>,
  i: number,
  j: number,
): string {
  const { threads, parts, partsAcross, down, across } = split;
  const vectors = n / 4;
  const write = rowVectors
    ? `if (column < u.n) { y[(at + column) / 4] = vec4f(${each(4, (c) => `results[result + ${c}]${c < 3 ? "," : ""}`)}); }`
    : each(4, (c) => `if (column + ${c} < u.n) { y[at + column + ${c}] = results[result + ${c}]; }`);
  return `for (var e = i32(thread); e < ${parts * m * vectors}; e += ${threads}) {
let result = e * 4;
let owner = e / ${m * vectors};
let row = firstA + owner / ${partsAcross} * ${down * m} + ${i * m} + e / ${vectors} % ${m};
let column = firstB + owner % ${partsAcross} * ${across * n} + ${j * n} + e % ${vectors} * 4;
let begin = placeY(row);
if (begin >= 0) { let at = begin + slice * u.size;\n${write} }
}`;
}
