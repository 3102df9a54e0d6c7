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
import { elementwise } from "./elementwise.wgsl.ts";
import { asFloat32, functionName, mapElements, toInt32 } from "./operand.ts";

/** Attributes of all rows together; each has those of its TensorFlow.js kernel. */
interface Attrs {
  alpha: number;
  clipValueMin: number;
  clipValueMax: number;
}

interface UnaryRow {
  /** TensorFlow.js's kernel name. */
  readonly name: string;
  readonly float32?: keyof Kernels;
  /** Absent: int32 operands become float32. */
  readonly int32?: keyof Kernels;
  readonly bool?: keyof Kernels;
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
  { name: "Abs", float32: "abs", int32: "absI32", gradient: (dy, x) => mul(dy, sign(x)) },
  { name: "Neg", float32: "neg", int32: "negI32", gradient: (dy) => neg(dy) },
  {
    name: "Sign",
    float32: "sign",
    int32: "clipI32",
    parameters: () => [-1, 1],
  },
  {
    name: "Square",
    float32: "square",
    int32: "squareI32",
    gradient: (dy, x) => mul(dy, mul(x, 2)),
  },
  { name: "Sqrt", float32: "sqrt", gradient: (dy, x) => div(dy, mul(sqrt(x), 2)) },
  { name: "Rsqrt", float32: "rsqrt", gradient: (dy, x) => mul(dy, div(mul(rsqrt(x), -0.5), x)) },
  { name: "Reciprocal", float32: "reciprocal", gradient: (dy, x) => neg(div(dy, square(x))) },
  { name: "Exp", float32: "exp", gradient: (dy, x) => mul(dy, exp(x)) },
  { name: "Expm1", float32: "expm1", gradient: (dy, x) => mul(dy, exp(x)) },
  { name: "Log", float32: "log", gradient: (dy, x) => div(dy, x) },
  { name: "Log1p", float32: "log1p", gradient: (dy, x) => div(dy, add(x, 1)) },
  { name: "Tanh", float32: "tanh", gradient: (dy, x) => call(tanhGrad, { x, dy }, {}) },
  { name: "Sigmoid", float32: "sigmoid", gradient: (dy, x) => call(sigmoidGrad, { x, dy }, {}) },
  { name: "Softplus", float32: "softplus", gradient: (dy, x) => call(softplusGrad, { x, dy }, {}) },
  {
    name: "Erf",
    float32: "erf",
    gradient: (dy, x) => mul(dy, mul(exp(neg(square(x))), 2 / Math.sqrt(Math.PI))),
  },
  {
    name: "Relu",
    float32: "relu",
    int32: "reluI32",
    gradient: (dy, x) => call(reluGrad, { x, dy }, {}),
  },
  {
    name: "Relu6",
    float32: "clip",
    int32: "clipI32",
    parameters: () => [0, 6],
    gradient: (dy, x) => call(clipGrad, { x, dy: call(reluGrad, { x, dy }, {}) }, { low: 0, high: 6 }),
  },
  {
    name: "LeakyRelu",
    float32: "leakyRelu",
    parameters: ({ alpha }) => [alpha],
    gradient: (dy, x, { alpha }) => call(leakyReluGrad, { x, dy }, { alpha }),
  },
  {
    name: "Elu",
    float32: "elu",
    parameters: () => [1, 1],
    gradient: (dy, x) => call(eluGrad, { x, dy }, { positive: 1, negative: 1 }),
  },
  {
    name: "Selu",
    float32: "elu",
    parameters: () => [seluScale, seluScaleAlpha],
    gradient: (dy, x) => call(eluGrad, { x, dy }, { positive: seluScale, negative: seluScaleAlpha }),
  },
  {
    name: "Step",
    float32: "step",
    int32: "stepI32",
    parameters: ({ alpha }) => [alpha],
  },
  {
    name: "ClipByValue",
    float32: "clip",
    int32: "clipI32",
    parameters: ({ clipValueMin, clipValueMax }) => [clipValueMin, clipValueMax],
    gradient: (dy, x, { clipValueMin, clipValueMax }) =>
      call(clipGrad, { x, dy }, { low: clipValueMin, high: clipValueMax }),
  },
  { name: "Floor", float32: "floor", int32: "clipI32", parameters: () => wholeInt32 },
  { name: "Ceil", float32: "ceil", int32: "clipI32", parameters: () => wholeInt32 },
  { name: "Round", float32: "round", int32: "clipI32", parameters: () => wholeInt32 },
  { name: "Sin", float32: "sin", gradient: (dy, x) => mul(dy, cos(x)) },
  { name: "Cos", float32: "cos", gradient: (dy, x) => neg(mul(dy, sin(x))) },
  { name: "Tan", float32: "tan", gradient: (dy, x) => mul(dy, add(square(tan(x)), 1)) },
  { name: "Asin", float32: "asin", gradient: (dy, x) => mul(dy, rsqrt(sub(1, square(x)))) },
  { name: "Acos", float32: "acos", gradient: (dy, x) => neg(mul(dy, rsqrt(sub(1, square(x))))) },
  { name: "Atan", float32: "atan", gradient: (dy, x) => div(dy, add(square(x), 1)) },
  { name: "Sinh", float32: "sinh", gradient: (dy, x) => mul(dy, cosh(x)) },
  { name: "Cosh", float32: "cosh", gradient: (dy, x) => mul(dy, sinh(x)) },
  { name: "Asinh", float32: "asinh", gradient: (dy, x) => mul(dy, rsqrt(add(square(x), 1))) },
  { name: "Acosh", float32: "acosh", gradient: (dy, x) => mul(dy, rsqrt(sub(square(x), 1))) },
  { name: "Atanh", float32: "atanh", gradient: (dy, x) => div(dy, sub(1, square(x))) },
  { name: "IsNan", float32: "isNan", dtype: "bool" },
  { name: "IsFinite", float32: "isFinite", dtype: "bool" },
  { name: "IsInf", float32: "isInf", dtype: "bool" },
  { name: "LogicalNot", bool: "logicalNot", dtype: "bool" },
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
      if (kernel === undefined) mapElements(context, row.float32!, asFloat32(context, x), y, p, q);
      else if (x.dtype === "int32") mapElements(context, kernel, x, y, toInt32(p), toInt32(q));
      else mapElements(context, kernel, x, y, p, q);
    },
    webgpu: (context, { x }, [y], attrs) => {
      const kernel = native(x.dtype);
      const parameters = (row.parameters?.(attrs) ?? []).map((value = 0) =>
        kernel !== undefined && x.dtype === "int32" ? toInt32(value) : value,
      );
      const floats = kernel === undefined || x.dtype === "float32";
      elementwise(context, [kernel ?? row.float32!], [x], y, { parameters, floats });
    },
    gradient: (dy, { x }, attrs) => ({ x: () => row.gradient?.(dy, x, attrs) ?? fill(x.shape, 0) }),
  });
}

export const unaryOps: readonly AnyOp[] = rows.map(unary);
