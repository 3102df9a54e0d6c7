import { matMul, reshape, sum, type Tensor, transpose } from "@tensorflow/tfjs-core";
import { defineOp } from "../backend/op.ts";
import { check, show, showShape } from "../errors.ts";
import { elementsIn } from "./axis.ts";
import { broadcastTo } from "./broadcast-to.ts";

/** Each operand's axes and the result's, a letter an axis. */
interface Equation {
  readonly operands: readonly string[];
  readonly result: string;
}

function parse(
  equation: string,
  shapes: readonly (readonly number[])[],
): Equation & { sizes: Map<string, number> } {
  const [left, result, ...rest] = equation.replaceAll(" ", "").split("->");
  const operands = left.split(",");
  const distinct = (labels: string) => /^[a-zA-Z]*$/.test(labels) && new Set(labels).size === labels.length;
  check(
    result !== undefined && rest.length === 0 && [...operands, result].every(distinct),
    () =>
      `einsum: expected an equation like "ij,jk->ik", each letter at most once an operand, got ${show(equation)}`,
  );
  check(
    operands.length === shapes.length && operands.every(({ length }, i) => length === shapes[i].length),
    () =>
      `einsum: expected tensors of the ranks in ${show(equation)}, got ${shapes.map(showShape).join(", ")}`,
  );
  const sizes = new Map<string, number>();
  for (const [i, labels] of operands.entries()) {
    for (const [axis, label] of [...labels].entries()) {
      const size = shapes[i][axis];
      check(
        (sizes.get(label) ?? size) === size,
        () => `einsum: axis ${label} has sizes ${sizes.get(label)} and ${size} (${show(equation)})`,
      );
      sizes.set(label, size);
    }
  }
  check(
    [...result].every((label) => sizes.has(label)),
    () => `einsum: the result's axes must occur in an operand, got ${show(equation)}`,
  );
  return { operands, result, sizes };
}

/** `x` summed over the axes that `to` lacks, the others in its order. */
function arrange(x: Tensor, labels: string, to: string): Tensor {
  const gone = [...labels].flatMap((label, axis) => (to.includes(label) ? [] : [axis]));
  const kept = [...labels].filter((label) => to.includes(label));
  return transpose(
    gone.length > 0 ? sum(x, gone) : x,
    [...to].map((label) => kept.indexOf(label)),
  );
}

/** Products of two tensors summed over the axes that `to` lacks: one batched matrix product. */
function contract(a: Tensor, aLabels: string, b: Tensor, bLabels: string, to: string): Tensor {
  const pick = (labels: string, test: (label: string) => boolean) => [...labels].filter(test).join("");
  const inA = (label: string) => aLabels.includes(label);
  const inB = (label: string) => bLabels.includes(label);
  const kept = (label: string) => to.includes(label);
  const batch = pick(aLabels, (label) => inB(label) && kept(label));
  const summed = pick(aLabels, (label) => inB(label) && !kept(label));
  const rows = pick(aLabels, (label) => !inB(label) && kept(label));
  const columns = pick(bLabels, (label) => !inA(label) && kept(label));
  const left = arrange(a, aLabels, batch + rows + summed);
  const right = arrange(b, bLabels, batch + summed + columns);
  const [lead, tail] = [
    left.shape.slice(0, (batch + rows).length),
    right.shape.slice((batch + summed).length),
  ];
  const count = elementsIn(left.shape.slice(0, batch.length));
  const depth = elementsIn(left.shape.slice(lead.length));
  const product = matMul(
    reshape(left, [count, elementsIn(lead.slice(batch.length)), depth]),
    reshape(right, [count, depth, elementsIn(tail)]),
  );
  return arrange(reshape(product, [...lead, ...tail]), batch + rows + columns, to);
}

function evaluate(tensors: readonly Tensor[], { operands, result }: Equation): Tensor {
  let [value] = tensors;
  let [labels] = operands;
  for (let i = 1; i < tensors.length; i++) {
    const later = operands.slice(i + 1).join("") + result;
    const to = [...new Set(labels + operands[i])].filter((label) => later.includes(label)).join("");
    value = contract(value, labels, tensors[i], operands[i], to);
    labels = to;
  }
  return arrange(value, labels, result);
}

/** Sums of products by Einstein's notation, any number of float32 operands. */
export const einsum = defineOp<string, { equation: string }>({
  name: "Einsum",
  inputs: "list",
  infer: (inputs, { equation }) => {
    const { result, sizes } = parse(
      equation,
      Object.values(inputs).map(({ shape }) => shape),
    );
    return { shape: [...result].map((label) => sizes.get(label)!) };
  },
  wasm: "composed",
  compose: (inputs, { equation }) => {
    const tensors = Object.values(inputs);
    return evaluate(
      tensors,
      parse(
        equation,
        tensors.map(({ shape }) => shape),
      ),
    );
  },
  gradient: (dy, inputs, { equation }) => {
    const tensors = Object.values(inputs);
    const { operands, result } = parse(
      equation,
      tensors.map(({ shape }) => shape),
    );
    return Object.fromEntries(
      tensors.map((x, i) => [
        String(i),
        () => {
          const others = operands.filter((_, other) => other !== i);
          const reached = [...operands[i]].filter(
            (label) => result.includes(label) || others.join("").includes(label),
          );
          const part = evaluate([dy, ...tensors.filter((_, other) => other !== i)], {
            operands: [result, ...others],
            result: reached.join(""),
          });
          // Axes that x alone has were summed: their gradient repeats.
          const spread = x.shape.map((size, axis) => (reached.includes(operands[i][axis]) ? size : 1));
          return broadcastTo(reshape(part, spread), x.shape);
        },
      ]),
    );
  },
});
