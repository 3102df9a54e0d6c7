// Elementwise functions of two tensors with broadcasting, a row each. At ties maximum and minimum give the
// whole gradient to a, as TensorFlow.js does. floorDiv is piecewise constant: its gradient is zero, except of
// int32, where tf.div arrives: there it is the quotient's, as TensorFlow.js has it.
import {
  add,
  cast,
  type DataType,
  div,
  fill,
  floor,
  greater,
  greaterEqual,
  less,
  lessEqual,
  log,
  minimum,
  mul,
  neg,
  onesLike,
  pow,
  square,
  step,
  sub,
  type Tensor,
  where,
  zerosLike,
} from "@tensorflow/tfjs-core";
import { type AnyOp, defineOp } from "../backend/op.ts";
import { checkType } from "../errors.ts";
import type { Kernels } from "../wasm/generated/kernels.ts";
import { broadcastKernel, broadcastShapes, sameShape, sumTo } from "./broadcast.ts";
import { elementwise } from "./elementwise.wgsl.ts";
import { asFloat32, functionName } from "./operand.ts";

type Dtype = "float32" | "int32" | "bool";

interface BinaryRow {
  /** TensorFlow.js's kernel name. */
  readonly name: string;
  /** The operands' names; default a and b. */
  readonly inputs?: readonly [string, string];
  /** The kernel for operands of each dtype; an absent one is an error. */
  readonly kernels: { readonly [dtype in Dtype]?: keyof Kernels };
  /** Operands that are not float32 are converted. */
  readonly floats?: boolean;
  /** The result's dtype; default: the operands'. */
  readonly dtype?: DataType;
  /** Gradients before they are summed back to each operand's shape; absent where they are zero. */
  readonly a?: (dy: Tensor, a: Tensor, b: Tensor) => Tensor;
  readonly b?: (dy: Tensor, a: Tensor, b: Tensor) => Tensor;
  /** A zero operand leaves the other as it is. */
  readonly addsZero?: true;
}

const masked = (dy: Tensor, mask: Tensor): Tensor => mul(dy, cast(mask, "float32"));

const arithmetic: readonly BinaryRow[] = [
  {
    name: "Add",
    kernels: { float32: "add", int32: "addI32" },
    addsZero: true,
    a: (dy) => dy.clone(),
    b: (dy) => dy.clone(),
  },
  {
    name: "Sub",
    kernels: { float32: "sub", int32: "subI32" },
    a: (dy) => dy.clone(),
    b: (dy) => neg(dy),
  },
  {
    name: "Multiply",
    kernels: { float32: "mul", int32: "mulI32" },
    a: (dy, _, b) => mul(dy, b),
    b: (dy, a) => mul(dy, a),
  },
  {
    name: "RealDiv",
    kernels: { float32: "div" },
    a: (dy, _, b) => div(dy, b),
    b: (dy, a, b) => neg(div(mul(dy, a), square(b))),
  },
  {
    name: "FloorDiv",
    kernels: { float32: "floorDiv", int32: "floorDivI32" },
    a: (dy, a, b) => (a.dtype === "int32" ? div(dy, b) : zerosLike(dy)),
    b: (dy, a, b) => (a.dtype === "int32" ? neg(div(mul(dy, a), square(b))) : zerosLike(dy)),
  },
  {
    name: "Mod",
    kernels: { float32: "mod", int32: "modI32" },
    a: (dy) => dy.clone(),
    b: (dy, a, b) => neg(mul(dy, floor(div(a, b)))),
  },
  {
    name: "Pow",
    kernels: { float32: "pow", int32: "powI32" },
    a: (dy, a, b) => mul(dy, mul(b, pow(a, sub(b, 1)))),
    // 0 where a ≤ 0, where the logarithm has no real value; the ones keep log's own gradient finite there.
    b: (dy, a, b) => mul(dy, mul(pow(a, b), log(where(greater(a, 0), a, onesLike(a))))),
  },
  {
    name: "Maximum",
    kernels: { float32: "maximum", int32: "maximumI32" },
    a: (dy, a, b) => masked(dy, greaterEqual(a, b)),
    b: (dy, a, b) => masked(dy, less(a, b)),
  },
  {
    name: "Minimum",
    kernels: { float32: "minimum", int32: "minimumI32" },
    a: (dy, a, b) => masked(dy, lessEqual(a, b)),
    b: (dy, a, b) => masked(dy, greater(a, b)),
  },
  {
    name: "SquaredDifference",
    kernels: { float32: "squaredDifference", int32: "squaredDifferenceI32" },
    a: (dy, a, b) => mul(dy, mul(sub(a, b), 2)),
    b: (dy, a, b) => mul(dy, mul(sub(b, a), 2)),
  },
  {
    name: "Atan2",
    kernels: { float32: "atan2" },
    a: (dy, a, b) => mul(dy, div(b, add(square(a), square(b)))),
    b: (dy, a, b) => neg(mul(dy, div(a, add(square(a), square(b))))),
  },
  { name: "BitwiseAnd", kernels: { int32: "bitwiseAnd" } },
  {
    name: "Prelu",
    inputs: ["x", "alpha"],
    floats: true,
    kernels: { float32: "prelu" },
    a: (dy, x, alpha) => mul(dy, add(step(x), mul(alpha, sub(1, step(x))))),
    b: (dy, x) => mul(dy, minimum(x, 0)),
  },
];

const comparisons: readonly BinaryRow[] = [
  { name: "Equal", kernels: { float32: "equal", int32: "equalI32", bool: "equalU8" } },
  { name: "NotEqual", kernels: { float32: "notEqual", int32: "notEqualI32", bool: "notEqualU8" } },
  { name: "Greater", kernels: { float32: "greater", int32: "greaterI32", bool: "greaterU8" } },
  {
    name: "GreaterEqual",
    kernels: { float32: "greaterEqual", int32: "greaterEqualI32", bool: "greaterEqualU8" },
  },
  { name: "Less", kernels: { float32: "less", int32: "lessI32", bool: "lessU8" } },
  {
    name: "LessEqual",
    kernels: { float32: "lessEqual", int32: "lessEqualI32", bool: "lessEqualU8" },
  },
  { name: "LogicalAnd", kernels: { bool: "logicalAnd" } },
  { name: "LogicalOr", kernels: { bool: "logicalOr" } },
];

function binary(row: BinaryRow): AnyOp {
  const [first, second] = row.inputs ?? ["a", "b"];
  const accepted = Object.keys(row.kernels);
  const label = functionName(row.name);
  return defineOp<string>({
    name: row.name,
    inputs: [first, second],
    infer: ({ [first]: a, [second]: b }) => {
      checkType(
        row.floats || (a.dtype === b.dtype && accepted.includes(a.dtype)),
        () =>
          `${label}: expected ${first} and ${second} of one dtype (${accepted.join(" or ")}), got ${a.dtype} and ${b.dtype}. Convert them with tf.cast.`,
      );
      return {
        shape: sameShape(a.shape, b.shape) ? a.shape : broadcastShapes(label, { [first]: a, [second]: b }),
        dtype: row.dtype ?? (row.floats ? "float32" : a.dtype),
      };
    },
    same: ({ [first]: a, [second]: b }, _, isZero) => {
      if (row.addsZero === undefined) return undefined;
      if (isZero(b)) return a;
      return isZero(a) ? b : undefined;
    },
    wasm: (call, { [first]: a, [second]: b }, [y]) => {
      const [left, right] = row.floats ? [a, b].map((x) => asFloat32(call, x)) : [a, b];
      broadcastKernel(call, row.kernels[left.dtype as Dtype]!, left, right, y);
    },
    webgpu: (call, { [first]: a, [second]: b }, [y]) =>
      elementwise(call, [row.kernels[row.floats ? "float32" : (a.dtype as Dtype)]!], [a, b], y, {
        floats: row.floats || a.dtype === "float32",
      }),
    gradient: (dy, { [first]: a, [second]: b }) => ({
      [first]: () => (row.a ? sumTo(row.a(dy, a, b), a.shape) : fill(a.shape, 0)),
      [second]: () => (row.b ? sumTo(row.b(dy, a, b), b.shape) : fill(b.shape, 0)),
    }),
  });
}

export const binaryOps: readonly AnyOp[] = [
  ...arithmetic.map(binary),
  ...comparisons.map((row) => binary({ ...row, dtype: "bool" })),
];
