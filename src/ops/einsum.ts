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

/** Checks the equation against the shapes, with TensorFlow.js's words where its users may look for them. */
function parse(
  equation: string,
  shapes: readonly (readonly number[])[],
): Equation & { sizes: Map<string, number> } {
  const [left, result, ...rest] = equation.replaceAll(" ", "").split("->");
  const operands = left.split(",");
  const names = shapes.map(showShape).join(", ");
  check(
    result !== undefined && rest.length === 0,
    () => `einsum: Expecting exactly one arrow, as in "ij,jk->ik", got ${show(equation)}`,
  );
  check(
    operands.length === shapes.length,
    () =>
      `einsum: Expected ${operands.length} input tensors, received ${shapes.length} (${show(equation)}, ${names})`,
  );
  check(
    operands.length <= 2,
    () =>
      `einsum: more than 2 input tensors are not implemented yet (${show(equation)}). Contract them in turn.`,
  );
  check(
    [...operands, result].every(
      (labels) => /^[a-zA-Z]*$/.test(labels) && new Set(labels).size === labels.length,
    ),
    () =>
      `einsum: an axis twice in one operand, or dots, are not implemented yet: expected letters, each at most once an operand, got ${show(equation)}`,
  );
  check(
    operands.every(({ length }, i) => length === shapes[i].length),
    () => `einsum: expected tensors of the ranks in ${show(equation)}, got ${names}`,
  );
  const sizes = new Map<string, number>();
  for (const [i, labels] of operands.entries()) {
    for (const [axis, label] of [...labels].entries()) {
      const size = shapes[i][axis];
      const expected = sizes.get(label) ?? size;
      check(
        size === expected,
        () =>
          `einsum: Expected dimension ${expected} at axis ${axis} of input shaped [${shapes[i]}], but got dimension ${size} (axis ${label} of ${show(equation)})`,
      );
      sizes.set(label, size);
    }
  }
  const unknown = [...result].find((label) => !sizes.has(label));
  check(
    unknown === undefined,
    () => `Output subscripts contain the label ${unknown} not present in the input subscripts.`,
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

function evaluate([a, b]: readonly Tensor[], { operands, result }: Equation): Tensor {
  return b === undefined ? arrange(a, operands[0], result) : contract(a, operands[0], b, operands[1], result);
}

/** Sums of products by Einstein's notation, of one or two float32 operands. */
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
