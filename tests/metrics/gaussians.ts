import type { Features } from "../../src/metrics/features.ts";
import { random } from "../ops/check.ts";

/** Independent draws from N(mean, scale²) in every number, as features. */
export function gaussians(
  seed: string,
  count: number,
  size: number,
  { mean = 0, scale = 1 }: { readonly mean?: number; readonly scale?: number } = {},
): Features {
  const next = random(seed);
  const rows = Float32Array.from({ length: count * size }, () => {
    const radius = Math.sqrt(-2 * Math.log(1 - next()));
    return mean + scale * radius * Math.cos(2 * Math.PI * next());
  });
  return { name: "numbers", count, size, rows };
}

/** Squared distance of row i of a from row j of b. */
export function squared(a: Features, i: number, b: Features, j: number): number {
  const { size, rows: x } = a;
  const { rows: y } = b;
  let sum = 0;
  for (let k = 0; k < size; k++) {
    const difference = x[i * size + k] - y[j * size + k];
    sum += difference * difference;
  }
  return sum;
}

/** Some rows of features. */
export function rowsOf(of: Features, kept: (row: number) => boolean): Features {
  const rows = Array.from({ length: of.count }, (_, i) => i).filter(kept);
  return {
    ...of,
    count: rows.length,
    rows: Float32Array.from(rows.flatMap((i) => [...of.rows.subarray(i * of.size, (i + 1) * of.size)])),
  };
}
