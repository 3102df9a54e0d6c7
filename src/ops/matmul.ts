import { matMul as tfMatMul } from "@tensorflow/tfjs-core";
import { type Call, defineOp, type Operand } from "../backend/op.ts";
import { check, checkType, showShape } from "../errors.ts";
import { applyFused, checkFused, type FusedAttrs } from "./bias-activation.ts";
import { sumTo } from "./broadcast.ts";

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

function multiply(call: Call, a: Operand, b: Operand, y: Operand, attrs: MatMulAttrs): void {
  const { transposeA, transposeB } = attrs;
  let { batch, m, k, n } = geometry("matMul", a, b, attrs);
  if (y.size === 0 || k === 0) {
    call.kernels.fill(y.ptr, y.size, 0);
    return;
  }
  let pairs = [0, 0];
  if (!transposeA && b.size === k * n) {
    // One right matrix for all left ones: a single taller product.
    m = y.size / n;
    batch = [];
  } else if (batch.length > 0) {
    const left = matrixNumbers(a.shape, batch);
    const right = matrixNumbers(b.shape, batch);
    pairs = left.flatMap((number, i) => [number, right[i]]);
  }
  const workspace =
    256 +
    lines(8 * (transposeA ? k : m)) +
    k * Math.ceil(n / 8) * 32 +
    (transposeA ? k * Math.ceil(m / 4) * 16 : 0);
  call.kernels.matMul(
    y.ptr,
    a.ptr,
    b.ptr,
    call.ints(pairs),
    pairs.length / 2,
    m,
    k,
    n,
    Number(transposeA),
    Number(transposeB),
    call.workspace(workspace),
  );
}

/** y = a·b for matrices in the last two axes, either transposed; batch dimensions broadcast. */
export const matMul = defineOp<"a" | "b", MatMulAttrs>({
  name: "BatchMatMul",
  inputs: ["a", "b"],
  infer: ({ a, b }, attrs) => {
    const { batch, m, n } = geometry("matMul", a, b, attrs);
    return { shape: [...batch, m, n] };
  },
  flops: ({ a, b }, attrs) => {
    const { batch, m, k, n } = geometry("matMul", a, b, attrs);
    return batch.reduce((product, size) => product * size, 2 * m * k * n);
  },
  wasm: (call, { a, b }, [y], attrs) => multiply(call, a, b, y, attrs),
  gradient: (dy, { a, b }, { transposeA, transposeB }) => ({
    a: () =>
      sumTo(transposeA ? tfMatMul(b, dy, transposeB, true) : tfMatMul(dy, b, false, !transposeB), a.shape),
    b: () =>
      sumTo(transposeB ? tfMatMul(dy, a, true, transposeA) : tfMatMul(a, dy, !transposeA, false), b.shape),
  }),
});

/** activation(a·b + bias); TensorFlow.js differentiates it by the unfused kernels. */
export const fusedMatMul = defineOp<"a" | "b", MatMulAttrs & FusedAttrs, "bias" | "preluActivationWeights">({
  name: "_FusedMatMul",
  inputs: ["a", "b", "bias", "preluActivationWeights"],
  optional: ["bias", "preluActivationWeights"],
  infer: ({ a, b, bias, preluActivationWeights }, attrs) => {
    const { batch, m, n } = geometry("fused.matMul", a, b, attrs);
    const shape = [...batch, m, n];
    checkFused("fused.matMul", shape, attrs, bias, preluActivationWeights);
    return { shape };
  },
  wasm: (call, { a, b, bias, preluActivationWeights }, [y], attrs) => {
    multiply(call, a, b, y, attrs);
    applyFused(call, y, attrs, bias, preluActivationWeights);
  },
});
