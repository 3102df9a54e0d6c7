import * as tf from "@tensorflow/tfjs-core";
import { build, indices, type Nd, offsetOf } from "../reference/nd.ts";
import type { OpCase } from "./case.ts";

/** The definition: for each index of the result the sum over all other letters. */
function einsumOf(equation: string, tensors: readonly Nd[]): Nd {
  const [left, result] = equation.split("->");
  const operands = left.split(",");
  const sizes = new Map(
    operands.flatMap((labels, i) =>
      [...labels].map((label, axis) => [label, tensors[i].shape[axis]] as const),
    ),
  );
  const summed = [...sizes.keys()].filter((label) => !result.includes(label));
  return build(
    [...result].map((label) => sizes.get(label)!),
    (index) => {
      let total = 0;
      for (const inner of indices(summed.map((label) => sizes.get(label)!))) {
        const at = (label: string) =>
          result.includes(label) ? index[result.indexOf(label)] : inner[summed.indexOf(label)];
        total += operands.reduce(
          (product, labels, i) => product * tensors[i].data[offsetOf(tensors[i].shape, [...labels].map(at))],
          1,
        );
      }
      return total;
    },
  );
}

const equations: readonly (readonly [string, ...number[][]])[] = [
  ["i->", [5]],
  ["ij->ji", [2, 3]],
  ["ijk->j", [2, 3, 2]],
  ["i,i->", [7], [7]],
  ["i,j->ji", [3], [2]],
  ["ij,jk->ik", [3, 4], [4, 2]],
  ["bij,bkj->bik", [2, 3, 4], [2, 2, 4]],
  ["bhid,bhjd->bhij", [2, 1, 3, 2], [2, 1, 2, 2]],
  ["ijl,jk->ki", [2, 3, 2], [3, 2]],
  ["ij,j->i", [3, 0], [0]],
];

export const cases: OpCase[] = equations.map(([equation, ...shapes]) => ({
  name: `einsum ${equation} of ${shapes.map((shape) => `[${shape}]`).join(" ")}`,
  inputs: shapes.map((shape) => ({ shape })),
  run: (...tensors) => tf.einsum(equation, ...tensors),
  reference: (...tensors) => einsumOf(equation, tensors),
  reduction: 24,
}));
