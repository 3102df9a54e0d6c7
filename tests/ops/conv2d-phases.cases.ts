import type { OpCase } from "./case.ts";
import { directions, type Shape } from "./conv2d.cases.ts";

/** Strided layers large enough to be filtered minimally; conv2d-phases.test.ts computes small ones so. */
const shapes: Shape[] = [
  { x: [1, 16, 16, 12], filter: [4, 4, 16], stride: [2, 2] },
  { x: [9, 8, 8, 8], filter: [4, 4, 8], stride: [2, 2] },
  { x: [17, 15, 13, 22], filter: [4, 4, 26], stride: [2, 2], large: true },
  { x: [5, 16, 18, 20], filter: [3, 4, 24], stride: [2, 2], pad: 1, large: true },
  { x: [3, 21, 24, 33], filter: [4, 3, 17], stride: [2, 2], pad: "valid", large: true },
];

export const cases: OpCase[] = shapes.flatMap(directions).map((op) => ({ ...op, tolerance: 2e-5 }));
