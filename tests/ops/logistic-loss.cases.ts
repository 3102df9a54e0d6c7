import { logisticLoss } from "../../src/ops/logistic-loss.ts";
import { nd } from "../reference/nd.ts";
import type { OpCase } from "./case.ts";

const softplus = (u: number): number => Math.max(u, 0) + Math.log1p(Math.exp(-Math.abs(u)));

function lossCase(
  name: string,
  shape: number[],
  terms: number[][],
  range: [number, number] = [-3, 3],
): OpCase {
  const parts = terms[0].length;
  return {
    name: `logisticLoss, ${name}, of [${shape}]`,
    inputs: [{ shape, range }],
    run: (logits) => logisticLoss(logits, terms),
    reference: ({ data }) => {
      const n = data.length / parts;
      let total = 0;
      for (const term of terms) {
        for (let i = 0; i < n; i++) {
          total += softplus(term.reduce((u, weight, part) => u + weight * data[part * n + i], 0));
        }
      }
      return nd([], [total / n]);
    },
  };
}

export const cases: OpCase[] = [
  lossCase("generator", [5], [[-1]]),
  lossCase("generator", [8, 1], [[-1]], [-40, 40]),
  lossCase(
    "discriminator",
    [2, 1],
    [
      [-1, 0],
      [0, 1],
    ],
  ),
  lossCase(
    "discriminator",
    [14, 1],
    [
      [-1, 0],
      [0, 1],
    ],
  ),
  lossCase(
    "discriminator of patches",
    [4, 3, 3, 1],
    [
      [-1, 0],
      [0, 1],
    ],
  ),
  lossCase("relativistic", [18, 1], [[-1, 1]]),
  lossCase(
    "three parts",
    [9],
    [
      [-1, 1, 0],
      [0, 2, -1],
    ],
  ),
];
