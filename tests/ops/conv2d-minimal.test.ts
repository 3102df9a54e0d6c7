import { backend } from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { GanvilBackend } from "../../src/backend/backend.ts";
import { useBuild } from "../builds.ts";
import { checkForward, checkGradient, checkNoLeak, checkSecondGradient } from "./check.ts";
import { directions, type Shape } from "./conv2d.cases.ts";

beforeAll(useBuild);

/** Sizes that no tile divides, borders on all sides, channels that fill no vector, groups of every width. */
const small: readonly Shape[] = [
  { x: [1, 1, 1, 1], filter: [3, 3, 1] },
  { x: [2, 4, 4, 4], filter: [3, 3, 8] },
  { x: [2, 5, 7, 3], filter: [3, 3, 9] },
  { x: [1, 6, 9, 4], filter: [3, 3, 5], pad: "valid" },
  {
    x: [1, 5, 6, 5],
    filter: [3, 3, 2],
    pad: [
      [0, 3],
      [2, 1],
    ],
  },
  {
    x: [1, 3, 3, 2],
    filter: [3, 3, 3],
    pad: [
      [4, 4],
      [3, 5],
    ],
  },
  { x: [2, 5, 5, 8], filter: [3, 3, 8], groups: 2 },
  { x: [1, 6, 5, 6], filter: [3, 3, 9], groups: 3 },
  { x: [1, 4, 5, 4], filter: [3, 3, 24], groups: 2, pad: "valid" },
];

/** More channels than are taken at a time, and more than one strip of outputs. */
const large: readonly Shape[] = [
  { x: [2, 11, 13, 36], filter: [3, 3, 44], large: true },
  { x: [1, 9, 18, 12], filter: [3, 3, 104], large: true },
  { x: [3, 10, 9, 64], filter: [3, 3, 64], groups: 4, large: true },
  { x: [3, 8, 7, 24], filter: [3, 3, 36], groups: 3, large: true },
];

for (const tile of [2, 4] as const) {
  describe(`minimal filtering of ${tile}x${tile} outputs at a time`, () => {
    const planner = () => (backend() as unknown as GanvilBackend).planner;
    beforeAll(() => {
      planner().filtering = -tile as -2 | -4;
    });
    afterAll(() => {
      planner().filtering = 4;
    });

    for (const op of [...small, ...large].flatMap(directions)) {
      it(`${op.name} equals the float64 reference`, () => checkNoLeak(() => checkForward(op)));
      if (op.gradient?.length === 0) continue;
      it(`${op.name} has the reference's first derivative`, () => checkNoLeak(() => checkGradient(op)));
      it(`${op.name} has the reference's second derivative`, () =>
        checkNoLeak(() => checkSecondGradient(op)));
    }

    it("computes nothing of no pictures", async () => {
      for (const op of directions({ x: [0, 8, 8, 4], filter: [3, 3, 4], large: true }))
        await checkForward(op);
      expect(planner().filtering).toBe(-tile);
    });
  });
}
