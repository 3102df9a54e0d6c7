import type { GpuCall } from "../backend/op.ts";
import type { GpuOperand } from "../webgpu/shader.ts";
import { gemm } from "./gemm.wgsl.ts";
import type { Factor, Product } from "./gemm-factors.wgsl.ts";
import { type GemmPlan, planGemm } from "./gemm-plan.ts";

/** Matrices of a product, several of them one behind the other. */
export interface Matrices {
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly count: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  /** Numbers of a's and b's matrices, in pairs for each of the result's; default: a step of a matrix or none. */
  readonly pairs?: GpuOperand;
}

/** A factor whose rows (columns) are `side` and lie one behind the other, or whose depths do. */
function factor(
  values: GpuOperand,
  name: "a" | "b",
  side: "m" | "n",
  alongDepth: boolean,
  vectors: boolean,
  paired: boolean,
): Factor {
  const matrix = paired ? `table[zone * 2 + ${"ab".indexOf(name)}]` : "zone";
  return {
    ...{ values, along: alongDepth ? "depth" : "side", vectors },
    place: `if (at >= u.${side}) { return vec4i(-1); }
  return vec4i(${matrix} * u.${name}Step + ${alongDepth ? "at * u.k" : "at"});`,
    load: `if (p.x < 0 || k >= u.k) { return ${vectors ? "vec4f()" : "0.0"}; }
  return ${name}[(p.x + ${alongDepth ? "k" : `k * u.${side}`})${vectors ? " / 4" : ""}];`,
  };
}

/** y = a·b for each pair of matrices. */
export function matMulOnGpu(
  call: GpuCall,
  a: GpuOperand,
  b: GpuOperand,
  y: GpuOperand,
  { m, k, n, count, transposeA, transposeB, pairs }: Matrices,
  plan: GemmPlan = planGemm({ m, n, k, zones: count }),
): void {
  const paired = pairs !== undefined;
  const vectors = (length: number) => plan.special && length % 4 === 0;
  const step = ({ size }: GpuOperand, matrix: number) => (size === matrix ? 0 : matrix);
  const product: Product = {
    ...{ name: paired ? "matMul of pairs" : "matMul", m, n, k, zones: count, y },
    sizes: { aStep: step(a, m * k), bStep: step(b, k * n) },
    a: factor(a, "a", "m", !transposeA, vectors(transposeA ? m : k), paired),
    b: factor(b, "b", "n", transposeB, vectors(transposeB ? k : n), paired),
    row: "return select(-1, (zone * u.m + row) * u.n, row < u.m);",
    rowVectors: vectors(n),
    ...(paired && { table: pairs }),
  };
  gemm(call, product, plan);
}
