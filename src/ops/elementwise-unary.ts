// Elementwise functions of one tensor, a row each. Gradients at a kink are the left-hand ones, except that
// abs has 0 at 0 and clipByValue keeps dy on its bounds.
import {
  add,
  cos,
  cosh,
  type DataType,
  div,
  exp,
  fill,
  mul,
  neg,
  rsqrt,
  sign,
  sin,
  sinh,
  sqrt,
  square,
  sub,
  type Tensor,
  tan,
} from "@tensorflow/tfjs-core";
import { type AnyOp, call, defineOp } from "../backend/op.ts";
import { checkType } from "../errors.ts";
import type { Kernels } from "../wasm/generated/kernels.ts";
import {
  clipGrad,
  eluGrad,
  leakyReluGrad,
  reluGrad,
  sigmoidGrad,
  softplusGrad,
  tanhGrad,
} from "./activation-grad.ts";
import { asFloat32, functionName, toInt32 } from "./operand.ts";

/** Attributes of all rows together; each has those of its TensorFlow.js kernel. */
interface Attrs {
  alpha: number;
  clipValueMin: number;
  clipValueMax: number;
}

type Kernel = (x: number, y: number, n: number, p: number, q: number) => void;

interface UnaryRow {
  /** TensorFlow.js's kernel name. */
  readonly name: string;
  readonly float32?: (kernels: Kernels) => Kernel;
  /** Absent: int32 operands become float32. */
  readonly int32?: (kernels: Kernels) => Kernel;
  readonly bool?: (kernels: Kernels) => Kernel;
  /** The result's dtype; default: that which the kernel computed in. */
  readonly dtype?: DataType;
  /** The kernel's p and q. */
  readonly parameters?: (attrs: Attrs) => readonly [number, number?];
  /** dy·f'(x); absent where f is piecewise constant and it is zero. */
  readonly gradient?: (dy: Tensor, x: Tensor, attrs: Attrs) => Tensor;
}

/** Bounds that clip no int32: integers are their own floor. */
const wholeInt32 = [-(2 ** 31), 2 ** 31 - 1] as const;

const seluScale = 1.0507009873554805;
const seluScaleAlpha = 1.7580993408473768;

const rows: readonly UnaryRow[] = [
  { name: "Abs", float32: (k) => k.abs, int32: (k) => k.absI32, gradient: (dy, x) => mul(dy, sign(x)) },
  { name: "Neg", float32: (k) => k.neg, int32: (k) => k.negI32, gradient: (dy) => neg(dy) },
  {
    name: "Sign",
    float32: (k) => k.sign,
    int32: (k) => k.clipI32,
    parameters: () => [-1, 1],
  },
  {
    name: "Square",
    float32: (k) => k.square,
    int32: (k) => k.squareI32,
    gradient: (dy, x) => mul(dy, mul(x, 2)),
  },
  { name: "Sqrt", float32: (k) => k.sqrt, gradient: (dy, x) => div(dy, mul(sqrt(x), 2)) },
  { name: "Rsqrt", float32: (k) => k.rsqrt, gradient: (dy, x) => mul(dy, div(mul(rsqrt(x), -0.5), x)) },
  { name: "Reciprocal", float32: (k) => k.reciprocal, gradient: (dy, x) => neg(div(dy, square(x))) },
  { name: "Exp", float32: (k) => k.exp, gradient: (dy, x) => mul(dy, exp(x)) },
  { name: "Expm1", float32: (k) => k.expm1, gradient: (dy, x) => mul(dy, exp(x)) },
  { name: "Log", float32: (k) => k.log, gradient: (dy, x) => div(dy, x) },
  { name: "Log1p", float32: (k) => k.log1p, gradient: (dy, x) => div(dy, add(x, 1)) },
  { name: "Tanh", float32: (k) => k.tanh, gradient: (dy, x) => call(tanhGrad, { x, dy }, {}) },
  { name: "Sigmoid", float32: (k) => k.sigmoid, gradient: (dy, x) => call(sigmoidGrad, { x, dy }, {}) },
  { name: "Softplus", float32: (k) => k.softplus, gradient: (dy, x) => call(softplusGrad, { x, dy }, {}) },
  {
    name: "Erf",
    float32: (k) => k.erf,
    gradient: (dy, x) => mul(dy, mul(exp(neg(square(x))), 2 / Math.sqrt(Math.PI))),
  },
  {
    name: "Relu",
    float32: (k) => k.relu,
    int32: (k) => k.reluI32,
    gradient: (dy, x) => call(reluGrad, { x, dy }, {}),
  },
  {
    name: "Relu6",
    float32: (k) => k.clip,
    int32: (k) => k.clipI32,
    parameters: () => [0, 6],
    gradient: (dy, x) => call(clipGrad, { x, dy: call(reluGrad, { x, dy }, {}) }, { low: 0, high: 6 }),
  },
  {
    name: "LeakyRelu",
    float32: (k) => k.leakyRelu,
    parameters: ({ alpha }) => [alpha],
    gradient: (dy, x, { alpha }) => call(leakyReluGrad, { x, dy }, { alpha }),
  },
  {
    name: "Elu",
    float32: (k) => k.elu,
    parameters: () => [1, 1],
    gradient: (dy, x) => call(eluGrad, { x, dy }, { positive: 1, negative: 1 }),
  },
  {
    name: "Selu",
    float32: (k) => k.elu,
    parameters: () => [seluScale, seluScaleAlpha],
    gradient: (dy, x) => call(eluGrad, { x, dy }, { positive: seluScale, negative: seluScaleAlpha }),
  },
  {
    name: "Step",
    float32: (k) => k.step,
    int32: (k) => k.stepI32,
    parameters: ({ alpha }) => [alpha],
  },
  {
    name: "ClipByValue",
    float32: (k) => k.clip,
    int32: (k) => k.clipI32,
    parameters: ({ clipValueMin, clipValueMax }) => [clipValueMin, clipValueMax],
    gradient: (dy, x, { clipValueMin, clipValueMax }) =>
      call(clipGrad, { x, dy }, { low: clipValueMin, high: clipValueMax }),
  },
  { name: "Floor", float32: (k) => k.floor, int32: (k) => k.clipI32, parameters: () => wholeInt32 },
  { name: "Ceil", float32: (k) => k.ceil, int32: (k) => k.clipI32, parameters: () => wholeInt32 },
  { name: "Round", float32: (k) => k.round, int32: (k) => k.clipI32, parameters: () => wholeInt32 },
  { name: "Sin", float32: (k) => k.sin, gradient: (dy, x) => mul(dy, cos(x)) },
  { name: "Cos", float32: (k) => k.cos, gradient: (dy, x) => neg(mul(dy, sin(x))) },
  { name: "Tan", float32: (k) => k.tan, gradient: (dy, x) => mul(dy, add(square(tan(x)), 1)) },
  { name: "Asin", float32: (k) => k.asin, gradient: (dy, x) => mul(dy, rsqrt(sub(1, square(x)))) },
  { name: "Acos", float32: (k) => k.acos, gradient: (dy, x) => neg(mul(dy, rsqrt(sub(1, square(x))))) },
  { name: "Atan", float32: (k) => k.atan, gradient: (dy, x) => div(dy, add(square(x), 1)) },
  { name: "Sinh", float32: (k) => k.sinh, gradient: (dy, x) => mul(dy, cosh(x)) },
  { name: "Cosh", float32: (k) => k.cosh, gradient: (dy, x) => mul(dy, sinh(x)) },
  { name: "Asinh", float32: (k) => k.asinh, gradient: (dy, x) => mul(dy, rsqrt(add(square(x), 1))) },
  { name: "Acosh", float32: (k) => k.acosh, gradient: (dy, x) => mul(dy, rsqrt(sub(square(x), 1))) },
  { name: "Atanh", float32: (k) => k.atanh, gradient: (dy, x) => div(dy, sub(1, square(x))) },
  { name: "IsNan", float32: (k) => k.isNan, dtype: "bool" },
  { name: "IsFinite", float32: (k) => k.isFinite, dtype: "bool" },
  { name: "IsInf", float32: (k) => k.isInf, dtype: "bool" },
  { name: "LogicalNot", bool: (k) => k.logicalNot, dtype: "bool" },
];

function unary(row: UnaryRow): AnyOp {
  const native = (dtype: DataType) => row[dtype as "float32" | "int32" | "bool"];
  const label = functionName(row.name);
  return defineOp<"x", Attrs>({
    name: row.name,
    inputs: ["x"],
    infer: ({ x }) => {
      checkType(
        native(x.dtype) !== undefined ||
          (row.float32 !== undefined && (x.dtype === "int32" || x.dtype === "bool")),
        () =>
          `${label}: expected dtype ${row.float32 ? "float32" : "bool"}, got ${x.dtype}. Convert it with tf.cast.`,
      );
      return { shape: x.shape, dtype: row.dtype ?? (native(x.dtype) ? x.dtype : "float32") };
    },
    wasm: (context, { x }, [y], attrs) => {
      const [p = 0, q = 0] = row.parameters?.(attrs) ?? [];
      const kernel = native(x.dtype);
      if (kernel === undefined) row.float32!(context.kernels)(asFloat32(context, x), y.ptr, x.size, p, q);
      else if (x.dtype === "int32") kernel(context.kernels)(x.ptr, y.ptr, x.size, toInt32(p), toInt32(q));
      else kernel(context.kernels)(x.ptr, y.ptr, x.size, p, q);
    },
    gradient: (dy, { x }, attrs) => ({ x: () => row.gradient?.(dy, x, attrs) ?? fill(x.shape, 0) }),
  });
}

export const unaryOps: readonly AnyOp[] = rows.map(unary);
