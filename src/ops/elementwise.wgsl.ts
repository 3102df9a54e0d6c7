import type { GpuCall } from "../backend/op.ts";
import type { Kernels } from "../wasm/generated/kernels.ts";
import type { GpuOperand } from "../webgpu/shader.ts";
import { planWalk } from "./broadcast.ts";
import { mathFor } from "./math.wgsl.ts";

/**
 * What the Wasm kernels of these names compute, in WGSL: of x, or of a and b, with parameters p and q. T is the type
 * computed in, R the result's, both scalars or vectors; one formula serves a kernel's variants for int32 and bytes.
 */
const formulas: Readonly<Record<string, string>> = {
  abs: "abs(x)",
  neg: "-x",
  sign: "select(T(0), T(1), x > T(0)) - select(T(0), T(1), x < T(0))",
  square: "x * x",
  sqrt: "sqrt(x)",
  rsqrt: "1.0 / sqrt(x)",
  reciprocal: "1.0 / x",
  relu: "select(x, T(0), x < T(0))",
  clip: "select(select(x, p, x < p), q, select(x, p, x < p) > q)",
  leakyRelu: "select(x * p, x, x > T(0))",
  elu: "select(expm1F(x) * q, x * p, x > T(0))",
  step: "select(select(p, T(1), x > T(0)), x, unordered(x))",
  floor: "floor(x)",
  ceil: "ceil(x)",
  round: "round(x)",
  isNan: "R(isNanF(x))",
  isFinite: "R(!(isNanF(x) | isInfF(x)))",
  isInf: "R(isInfF(x))",
  logicalNot: "R(x == T(0))",
  castF32I32: `select(
    select(R(clamp(x, F(-2147483648), F(2147483520))), R(2147483647), x >= F(2147483648)), R(0), isNanF(x))`,
  castI32F32: "R(x)",
  castU8F32: "R(x)",
  castU8I32: "x",
  castF32U8: "R((x != T(0)) | isNanF(x))",
  castI32U8: "R(x != T(0))",

  add: "a + b",
  sub: "a - b",
  mul: "a * b",
  div: "a / b",
  floorDiv: "floorDivF(a, b)",
  floorDivI32: `select(
    a / b - select(T(0), T(1), (a % b != T(0)) & ((a % b < T(0)) != (b < T(0)))), T(0), b == T(0))`,
  mod: "modF(a, b)",
  modI32:
    "select(a % b + select(T(0), b, (a % b != T(0)) & ((a % b < T(0)) != (b < T(0)))), T(0), b == T(0))",
  pow: "powF(a, b)",
  powI32: "power(a, b)",
  maximum: "select(select(b, a, a > b), a + b, unordered(a) | unordered(b))",
  minimum: "select(select(b, a, a < b), a + b, unordered(a) | unordered(b))",
  squaredDifference: "(a - b) * (a - b)",
  atan2: "atan2F(a, b)",
  bitwiseAnd: "a & b",
  prelu: "select(a * b, a, a > T(0))",
  equal: "R((a == b) & ordered(a, b))",
  notEqual: "R(!((a == b) & ordered(a, b)))",
  greater: "R((a > b) & ordered(a, b))",
  greaterEqual: "R((a >= b) & ordered(a, b))",
  less: "R((a < b) & ordered(a, b))",
  lessEqual: "R((a <= b) & ordered(a, b))",
  logicalAnd: "a & b",
  logicalOr: "a | b",

  // Of the function's input a and dy = b.
  tanhGrad: "b * (4.0 * bellF(2.0 * a))",
  sigmoidGrad: "b * bellF(a)",
  softplusGrad: "b * sigmoidF(a)",
  reluGrad: "select(T(0), b, a > T(0))",
  leakyReluGrad: "select(b * p, b, a > T(0))",
  eluGrad: "select(q * expF(a) * b, p * b, a > T(0))",
  clipGrad: "select(T(0), b, (a >= p) & (a <= q))",
  // p above zero and q below are the factors.
  fusedActivation: "x * select(q, p, x > T(0))",
  fusedActivationGrad: "b * select(q, p, a > T(0))",
};

for (const name of [
  ..."exp expm1 log log1p tanh sigmoid softplus erf".split(" "),
  ..."sin cos tan asin acos atan sinh cosh asinh acosh atanh".split(" "),
]) {
  (formulas as Record<string, string>)[name] = `${name}F(x)`;
}

const formulaOf = (kernel: string): string => formulas[kernel] ?? formulas[kernel.replace(/(I32|U8)$/, "")];

/** What formulas of float32 and of int32 call by one name. */
const ordering = {
  f32: `fn unordered(x: T) -> B { return isNanF(x); }
fn ordered(a: T, b: T) -> B { return !(isNanF(a) | isNanF(b)); }`,
  i32: `fn unordered(x: T) -> B { return B(false); }
fn ordered(a: T, b: T) -> B { return B(true); }
fn power(a: T, b: T) -> T {
  var y = T(1);
  var square = a;
  for (var bit = 0u; bit < 31u; bit++) {
    y *= select(T(1), square, ((b >> U(bit)) & T(1)) == T(1));
    square *= square;
  }
  let unit = select(T(0), select(T(-1), T(1), (b & T(1)) == T(0)), a == T(-1));
  return select(y, select(unit, T(1), a == T(1)), b < T(0));
}`,
};

/** A name of `formulas`: a Wasm kernel's, or another. */
export type Formula = keyof Kernels | "fusedActivation" | "fusedActivationGrad";

export interface ElementwiseOptions {
  /** p, or p and q. */
  readonly parameters?: readonly number[];
  /** Computes in float32 whatever the operands are; default: in the first operand's dtype. */
  readonly floats?: boolean;
}

/**
 * y = f(x), or f(a, b) with broadcasting; of several formulas each takes the result of the one before it. y may be
 * the first operand.
 */
export function elementwise(
  call: GpuCall,
  chain: readonly Formula[],
  operands: readonly GpuOperand[],
  y: GpuOperand,
  { parameters = [], floats = operands[0].dtype === "float32" }: ElementwiseOptions = {},
): void {
  const [a, b = a] = operands;
  const { n, aStep, bStep, rank, axes } = planWalk(y.shape, a.shape, b.shape, 1);
  // Of a row that is no whole number of vectors the next one's would begin amid a vector.
  const lanes = rank === 0 || n % 4 === 0 ? 4 : 1;
  const steps = [aStep, bStep];
  const inPlace = a.region === y.region;
  const names = ["a", "b"].slice(0, operands.length);
  const scalar = floats ? "f32" : "i32";
  const stored = (operand: GpuOperand, step: number): string => {
    const type = operand.dtype === "float32" ? "f32" : "i32";
    return step === 1 && lanes === 4 ? `vec4<${type}>` : type;
  };
  const words: Record<string, number> = {};
  if (rank > 0) words.run = n / lanes;
  for (let axis = 0; axis < rank; axis++) {
    words[`size${axis}`] = axes[4 * axis];
    for (const [i, name] of names.entries()) {
      words[`${name}${axis}`] = axes[4 * axis + 1 + i] / (steps[i] === 1 ? lanes : 1);
    }
  }
  const scalars = parameters.map((value, k) => ["pq"[k], value] as const);
  const bindings = names.map((name, i) => [name, operands[i]] as const).slice(inPlace ? 1 : 0);
  call.run({
    name: `${chain.join("+")} ${scalar} ${steps.join("")}${rank}${lanes}${inPlace ? "=" : ""}`,
    read: Object.fromEntries(bindings),
    write: { y },
    types: {
      ...Object.fromEntries(names.map((name, i) => [name, stored(operands[i], steps[i])])),
      y: stored(y, 1),
    },
    words,
    [floats ? "floats" : "ints"]: Object.fromEntries(scalars),
    elements: Math.ceil(y.size / lanes),
    declarations: () => {
      const vector = (type: string) => (lanes === 4 ? `vec4<${type}>` : type);
      const last = chain.length - 1;
      const given = scalars.map(([name]) => `let ${name} = T(u.${name});`).join(" ");
      const text = chain.map((kernel, k) => {
        const operandNames = k === 0 && operands.length === 2 ? "a: T, b: T" : "x: T";
        const result = k === last ? "R" : "T";
        return `fn f${k}(${operandNames}) -> ${result} { ${given} return ${formulaOf(kernel)}; }`;
      });
      if (/\b(un)?ordered\(|\bpower\(/.test(text.join())) text.unshift(ordering[scalar]);
      const types = `alias T = ${vector(scalar)};\nalias R = ${stored(y, 1)};`;
      return [types, mathFor(text.join("\n"), lanes), ...text].join("\n");
    },
    body: () => {
      const loads = names.map((name, i) => {
        const element = `${i === 0 && inPlace ? "y" : name}[${rank === 0 && steps[i] === 0 ? "0" : `${name}At`}]`;
        return steps[i] === 1 ? `T(${element})` : `T(${scalar}(${element}))`;
      });
      return [
        ...walkIndex(rank, names, steps),
        `y[i] = ${chain.reduce((inner, _, k) => `f${k}(${inner})`, loads.join(", "))};`,
      ].join("\n  ");
    },
  });
}

/** Where the operands' elements for index i lie. */
function walkIndex(rank: number, names: readonly string[], steps: readonly number[]): string[] {
  if (rank === 0) return names.map((name) => `let ${name}At = i;`);
  const lines = names.map((name, i) => `var ${name}At = ${steps[i] === 1 ? "i % u.run" : "0u"};`);
  lines.push("var row = i / u.run;", "var at = 0u;");
  for (let axis = 0; axis < rank; axis++) {
    lines.push(axis === rank - 1 ? "at = row;" : `at = row % u.size${axis}; row /= u.size${axis};`);
    for (const name of names) lines.push(`${name}At += at * u.${name}${axis};`);
  }
  return lines;
}
