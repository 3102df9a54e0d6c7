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
import { type AnyOp, type Call, defineOp, type Operand } from "../backend/op.ts";
import { checkType } from "../errors.ts";
import type { Kernels } from "../wasm/generated/kernels.ts";
import { broadcastKernel, broadcastShapes, sameShape, sumTo } from "./broadcast.ts";
import { asFloat32, functionName } from "./operand.ts";

type Kernel = Kernels["add"];
type Dtype = "float32" | "int32" | "bool";

interface BinaryRow {
  /** TensorFlow.js's kernel name. */
  readonly name: string;
  /** The operands' names; default a and b. */
  readonly inputs?: readonly [string, string];
  /** The kernel for operands of each dtype; an absent one is an error. */
  readonly kernels: (kernels: Kernels) => { readonly [dtype in Dtype]?: Kernel };
  /** Operands that are not float32 are converted. */
  readonly floats?: boolean;
  /** The result's dtype; default: the operands'. */
  readonly dtype?: DataType;
  /** Gradients before they are summed back to each operand's shape; absent where they are zero. */
  readonly a?: (dy: Tensor, a: Tensor, b: Tensor) => Tensor;
  readonly b?: (dy: Tensor, a: Tensor, b: Tensor) => Tensor;
}

const masked = (dy: Tensor, mask: Tensor): Tensor => mul(dy, cast(mask, "float32"));

const arithmetic: readonly BinaryRow[] = [
  {
    name: "Add",
    kernels: (k) => ({ float32: k.add, int32: k.addI32 }),
    a: (dy) => dy.clone(),
    b: (dy) => dy.clone(),
  },
  {
    name: "Sub",
    kernels: (k) => ({ float32: k.sub, int32: k.subI32 }),
    a: (dy) => dy.clone(),
    b: (dy) => neg(dy),
  },
  {
    name: "Multiply",
    kernels: (k) => ({ float32: k.mul, int32: k.mulI32 }),
    a: (dy, _, b) => mul(dy, b),
    b: (dy, a) => mul(dy, a),
  },
  {
    name: "RealDiv",
    kernels: (k) => ({ float32: k.div }),
    a: (dy, _, b) => div(dy, b),
    b: (dy, a, b) => neg(div(mul(dy, a), square(b))),
  },
  {
    name: "FloorDiv",
    kernels: (k) => ({ float32: k.floorDiv, int32: k.floorDivI32 }),
    a: (dy, a, b) => (a.dtype === "int32" ? div(dy, b) : zerosLike(dy)),
    b: (dy, a, b) => (a.dtype === "int32" ? neg(div(mul(dy, a), square(b))) : zerosLike(dy)),
  },
  {
    name: "Mod",
    kernels: (k) => ({ float32: k.mod, int32: k.modI32 }),
    a: (dy) => dy.clone(),
    b: (dy, a, b) => neg(mul(dy, floor(div(a, b)))),
  },
  {
    name: "Pow",
    kernels: (k) => ({ float32: k.pow, int32: k.powI32 }),
    a: (dy, a, b) => mul(dy, mul(b, pow(a, sub(b, 1)))),
    // 0 where a ≤ 0, where the logarithm has no real value; the ones keep log's own gradient finite there.
    b: (dy, a, b) => mul(dy, mul(pow(a, b), log(where(greater(a, 0), a, onesLike(a))))),
  },
  {
    name: "Maximum",
    kernels: (k) => ({ float32: k.maximum, int32: k.maximumI32 }),
    a: (dy, a, b) => masked(dy, greaterEqual(a, b)),
    b: (dy, a, b) => masked(dy, less(a, b)),
  },
  {
    name: "Minimum",
    kernels: (k) => ({ float32: k.minimum, int32: k.minimumI32 }),
    a: (dy, a, b) => masked(dy, lessEqual(a, b)),
    b: (dy, a, b) => masked(dy, greater(a, b)),
  },
  {
    name: "SquaredDifference",
    kernels: (k) => ({ float32: k.squaredDifference, int32: k.squaredDifferenceI32 }),
    a: (dy, a, b) => mul(dy, mul(sub(a, b), 2)),
    b: (dy, a, b) => mul(dy, mul(sub(b, a), 2)),
  },
  {
    name: "Atan2",
    kernels: (k) => ({ float32: k.atan2 }),
    a: (dy, a, b) => mul(dy, div(b, add(square(a), square(b)))),
    b: (dy, a, b) => neg(mul(dy, div(a, add(square(a), square(b))))),
  },
  { name: "BitwiseAnd", kernels: (k) => ({ int32: k.bitwiseAnd }) },
  {
    name: "Prelu",
    inputs: ["x", "alpha"],
    floats: true,
    kernels: (k) => ({ float32: k.prelu }),
    a: (dy, x, alpha) => mul(dy, add(step(x), mul(alpha, sub(1, step(x))))),
    b: (dy, x) => mul(dy, minimum(x, 0)),
  },
];

const comparisons: readonly BinaryRow[] = [
  { name: "Equal", kernels: (k) => ({ float32: k.equal, int32: k.equalI32, bool: k.equalU8 }) },
  { name: "NotEqual", kernels: (k) => ({ float32: k.notEqual, int32: k.notEqualI32, bool: k.notEqualU8 }) },
  { name: "Greater", kernels: (k) => ({ float32: k.greater, int32: k.greaterI32, bool: k.greaterU8 }) },
  {
    name: "GreaterEqual",
    kernels: (k) => ({ float32: k.greaterEqual, int32: k.greaterEqualI32, bool: k.greaterEqualU8 }),
  },
  { name: "Less", kernels: (k) => ({ float32: k.less, int32: k.lessI32, bool: k.lessU8 }) },
  {
    name: "LessEqual",
    kernels: (k) => ({ float32: k.lessEqual, int32: k.lessEqualI32, bool: k.lessEqualU8 }),
  },
  { name: "LogicalAnd", kernels: (k) => ({ bool: k.logicalAnd }) },
  { name: "LogicalOr", kernels: (k) => ({ bool: k.logicalOr }) },
];

/** The operand with its values as float32. */
const floatOperand = (call: Call, x: Operand): Operand => ({
  ...x,
  ptr: asFloat32(call, x),
  dtype: "float32",
});

function binary(row: BinaryRow): AnyOp {
  const [first, second] = row.inputs ?? ["a", "b"];
  const accepted = Object.keys(row.kernels({} as Kernels));
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
    wasm: (call, { [first]: a, [second]: b }, [y]) => {
      const [left, right] = row.floats ? [a, b].map((x) => floatOperand(call, x)) : [a, b];
      broadcastKernel(call, row.kernels(call.kernels)[left.dtype as Dtype]!, left, right, y);
    },
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
