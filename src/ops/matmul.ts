import { matMul as tfMatMul } from "@tensorflow/tfjs-core";
import { type Call, defineOp, type GpuCall, type Operand } from "../backend/op.ts";
import { check, checkType, showShape } from "../errors.ts";
import type { GpuOperand } from "../webgpu/shader.ts";
import { applyFused, applyFusedOnGpu, checkFused, type FusedAttrs } from "./bias-activation.ts";
import { sumTo } from "./broadcast.ts";
import { matMulOnGpu } from "./matmul.wgsl.ts";
import { fillOperand } from "./operand.ts";

interface MatMulAttrs {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

type Shaped = { readonly shape: readonly number[]; readonly dtype: string };

interface Geometry {
  /** Batch dimensions of the result. */
  readonly batch: readonly number[];
  readonly m: number;
  readonly k: number;
  readonly n: number;
}

function geometry(op: string, a: Shaped, b: Shaped, { transposeA, transposeB }: MatMulAttrs): Geometry {
  const shapes = () =>
    `(a ${showShape(a.shape)}${transposeA ? " transposed" : ""}, b ${showShape(b.shape)}${transposeB ? " transposed" : ""})`;
  checkType(
    a.dtype === "float32" && b.dtype === "float32",
    () => `${op}: expected float32, got ${a.dtype} and ${b.dtype}. Cast them (tf.cast).`,
  );
  check(a.shape.length >= 2 && b.shape.length >= 2, () => `${op}: expected rank 2 or more ${shapes()}`);
  const [rowsA, columnsA] = a.shape.slice(-2);
  const [rowsB, columnsB] = b.shape.slice(-2);
  const [m, k] = transposeA ? [columnsA, rowsA] : [rowsA, columnsA];
  const [inner, n] = transposeB ? [columnsB, rowsB] : [rowsB, columnsB];
  check(k === inner, () => `${op}: expected equal inner sizes, got ${k} and ${inner} ${shapes()}`);
  const rank = Math.max(a.shape.length, b.shape.length) - 2;
  const batch = Array.from({ length: rank }, (_, axis) => {
    const size = a.shape[axis - rank + a.shape.length - 2] ?? 1;
    const other = b.shape[axis - rank + b.shape.length - 2] ?? 1;
    check(
      size === other || size === 1 || other === 1,
      () => `${op}: expected batch dimensions that are equal or 1 ${shapes()}`,
    );
    return size === 1 ? other : size;
  });
  return { batch, m, k, n };
}

/** Number of the operand's matrix for each of the result's, by the rules of broadcasting. */
function matrixNumbers(shape: readonly number[], batch: readonly number[]): number[] {
  let numbers = [0];
  let stride = 1;
  for (let axis = batch.length - 1; axis >= 0; axis--) {
    const size = shape[axis - batch.length + shape.length - 2] ?? 1;
    const step = size === 1 ? 0 : stride;
    const inner = numbers;
    numbers = Array.from({ length: batch[axis] }, (_, i) => inner.map((number) => number + i * step)).flat();
    stride *= size;
  }
  return numbers;
}

const lines = (bytes: number): number => Math.ceil(bytes / 64) * 64;
const roundUp = (n: number, multiple: number): number => Math.ceil(n / multiple) * multiple;

/** A product of at most so many rows reads b where it lies. */
const fewRows = 64;
/** Least depth whose product is worth more than turning the result. */
const longDepth = 128;
/** Rows of a multiple of so many float32 share so few sets of the cache that they crowd out each other. */
const crowding = 512;
/** Fewer products than that, if large, are split each by itself. */
const manyProducts = 8;
/** So few multiplications that one call's overhead is what counts. */
const smallWork = 1 << 14;
/** Units of about so many multiplications, or a product's eighth: 30 µs, long enough to hand out. */
const unitWork = 1 << 19;
/** Bytes of left rows that stay in the L2 cache while all right panels pass. */
const blockBytes = 1 << 19;

/** y = a·b for one pair of matrices (k of at least 1), in units that threads can share. */
export function multiplyOne(
  call: Call,
  y: number,
  a: number,
  b: number,
  { m, k, n }: Pick<Geometry, "m" | "k" | "n">,
  { transposeA, transposeB }: MatMulAttrs,
): void {
  const few = m <= fewRows && n > 4;
  if (few && transposeB && k >= longDepth) {
    const panels = call.workspace(k * roundUp(m, 8) * 4);
    call.split("matMulPanels", 1, 0, [panels, a, k, m, Number(!transposeA), roundUp(m, 8)]);
    const each = Math.min(roundUp(n, 6), Math.max(24, roundUp(unitWork / (m * k), 6)));
    const scratch = 256 + lines(8 * each) + each * m * 4;
    call.split("matMulTurned", Math.ceil(n / each), scratch, [y, panels, b, m, k, n, each]);
  } else if (few && !transposeB) {
    const left = call.workspace((m + 3) * k * 4);
    call.split("matMulLeft", 1, 0, [left, a, m, k, Number(transposeA)]);
    const each = Math.min(roundUp(n, 8), Math.max(16, roundUp(unitWork / (m * k), 8)));
    const copy = n % crowding === 0;
    const scratch = 256 + (copy ? 4 * k * each : n % 8 === 0 ? 0 : 32 * k);
    call.split("matMulColumns", Math.ceil(n / each), scratch, [y, left, b, m, k, n, Number(copy), each]);
  } else {
    const panels = call.workspace(k * roundUp(n, 8) * 4);
    const strips = Math.max(8, roundUp(unitWork / 16 / k, 8));
    call.split("matMulPanels", Math.ceil(n / strips), 0, [panels, b, k, n, Number(transposeB), strips]);
    const fitting = Math.min(blockBytes / (4 * k), Math.max(unitWork / (k * n), m / 8));
    const rows = Math.max(24, roundUp(fitting, 12));
    const down = Math.ceil(m / rows);
    const columns = roundUp(n / Math.min(Math.ceil(8 / down), Math.ceil(n / 128)), 8);
    const units = down * Math.ceil(n / columns);
    const scratch = 256 + (transposeA ? (rows + 3) * k * 4 : lines(8 * rows));
    call.split("matMulRows", units, scratch, [y, a, panels, m, k, n, Number(transposeA), rows, columns]);
  }
}

function multiply(
  call: Call,
  a: Operand,
  b: Operand,
  y: Operand,
  attrs: MatMulAttrs,
  { batch, m, k, n }: Geometry,
): void {
  const { transposeA, transposeB } = attrs;
  if (y.size === 0 || k === 0) {
    call.kernels.fill(y.ptr, y.size, 0);
    return;
  }
  const count = y.size / (m * n);
  const small = y.size * k <= smallWork;
  if (!small && (count === 1 || (!transposeA && b.size === k * n))) {
    // One right matrix for all left ones is a single taller product.
    multiplyOne(call, y.ptr, a.ptr, b.ptr, { m: m * count, k, n }, attrs);
    return;
  }
  const left = count === 1 ? [0] : matrixNumbers(a.shape, batch);
  const right = count === 1 ? [0] : matrixNumbers(b.shape, batch);
  if (count < manyProducts && m * k * n >= unitWork) {
    for (let i = 0; i < count; i++) {
      const ai = a.ptr + left[i] * m * k * 4;
      const bi = b.ptr + right[i] * k * n * 4;
      multiplyOne(call, y.ptr + i * m * n * 4, ai, bi, { m, k, n }, attrs);
    }
    return;
  }
  const pairs = call.ints(left.flatMap((number, i) => [number, right[i]]));
  const each = Math.ceil(unitWork / (m * k * n));
  const scratch = 256 + k * roundUp(n, 8) * 4 + (transposeA ? (m + 3) * k * 4 : lines(8 * m));
  const args = [y.ptr, a.ptr, b.ptr, pairs, count, m, k, n, Number(transposeA), Number(transposeB), each];
  call.split("matMulEach", Math.ceil(count / each), scratch, args);
}

/** The same on the GPU. */
function multiplyOnGpu(
  call: GpuCall,
  a: GpuOperand,
  b: GpuOperand,
  y: GpuOperand,
  attrs: MatMulAttrs,
  { batch, m, k, n }: Geometry,
): void {
  if (y.size === 0 || k === 0) {
    fillOperand(call, y, 0);
    return;
  }
  const count = y.size / (m * n);
  if (!attrs.transposeA && b.size === k * n && a.size === m * count * k) {
    // One right matrix for all left ones is a single taller product.
    matMulOnGpu(call, a, b, y, { ...attrs, m: m * count, k, n, count: 1 });
    return;
  }
  const regular = [a.size / (m * k), b.size / (k * n)].every((number) => number === 1 || number === count);
  const left = regular ? [] : matrixNumbers(a.shape, batch);
  const right = regular ? [] : matrixNumbers(b.shape, batch);
  const pairs = left.flatMap((number, i) => [number, right[i]]);
  const table = regular ? {} : { pairs: call.values(Int32Array.from(pairs)) };
  matMulOnGpu(call, a, b, y, { ...attrs, ...table, m, k, n, count });
}

/** y = a·b for matrices in the last two axes, either transposed; batch dimensions broadcast. */
export const matMul = defineOp<"a" | "b", MatMulAttrs, never, Geometry>({
  name: "BatchMatMul",
  inputs: ["a", "b"],
  infer: ({ a, b }, attrs) => {
    const plan = geometry("matMul", a, b, attrs);
    return { shape: [...plan.batch, plan.m, plan.n], plan };
  },
  flops: ({ a, b }, attrs) => {
    const { batch, m, k, n } = geometry("matMul", a, b, attrs);
    return batch.reduce((product, size) => product * size, 2 * m * k * n);
  },
  wasm: (call, { a, b }, [y], attrs, plan) => multiply(call, a, b, y, attrs, plan),
  webgpu: (call, { a, b }, [y], attrs, plan) => multiplyOnGpu(call, a, b, y, attrs, plan),
  gradient: (dy, { a, b }, { transposeA, transposeB }) => ({
    a: () =>
      sumTo(transposeA ? tfMatMul(b, dy, transposeB, true) : tfMatMul(dy, b, false, !transposeB), a.shape),
    b: () =>
      sumTo(transposeB ? tfMatMul(dy, a, true, transposeA) : tfMatMul(a, dy, !transposeA, false), b.shape),
  }),
});

/** activation(a·b + bias); TensorFlow.js differentiates it by the unfused kernels. */
export const fusedMatMul = defineOp<
  "a" | "b",
  MatMulAttrs & FusedAttrs,
  "bias" | "preluActivationWeights",
  Geometry
>({
  name: "_FusedMatMul",
  inputs: ["a", "b", "bias", "preluActivationWeights"],
  optional: ["bias", "preluActivationWeights"],
  infer: ({ a, b, bias, preluActivationWeights }, attrs) => {
    const plan = geometry("fused.matMul", a, b, attrs);
    const shape = [...plan.batch, plan.m, plan.n];
    checkFused("fused.matMul", shape, attrs, bias, preluActivationWeights);
    return { shape, plan };
  },
  wasm: (call, { a, b, bias, preluActivationWeights }, [y], attrs, plan) => {
    multiply(call, a, b, y, attrs, plan);
    applyFused(call, y, attrs, bias, preluActivationWeights);
  },
  webgpu: (call, { a, b, bias, preluActivationWeights }, [y], attrs, plan) => {
    multiplyOnGpu(call, a, b, y, attrs, plan);
    applyFusedOnGpu(call, y, attrs, bias, preluActivationWeights);
  },
});
