import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { affineGrid, gridSample } from "../../src/ops/sample.ts";
import { spaceToDepth } from "../../src/ops/space-depth.ts";
import { upfirdn2d } from "../../src/ops/upfirdn2d.ts";
import { useBuild } from "../builds.ts";
import { spread } from "../reference/movement.ts";
import { sizeOf } from "../reference/nd.ts";
import { checkNoLeak, expectClose, random } from "./check.ts";

beforeAll(useBuild);

/** Linear maps, or maps linear around the point that the test takes. */
const maps: { name: string; shape: number[]; run: (x: tf.Tensor) => tf.Tensor }[] = [
  {
    name: "pad",
    shape: [2, 3],
    run: (x) =>
      tf.pad(x, [
        [1, 0],
        [2, 3],
      ]),
  },
  {
    name: "mirrorPad",
    shape: [3, 4, 2],
    run: (x) =>
      tf.mirrorPad(
        x,
        [
          [1, 2],
          [3, 0],
          [1, 1],
        ],
        "reflect",
      ),
  },
  { name: "slice", shape: [4, 5], run: (x) => tf.slice(x, [1, 2], [2, 3]) },
  { name: "stridedSlice", shape: [7, 5], run: (x) => tf.stridedSlice(x, [6, 0], [0, 5], [-2, 3]) },
  { name: "concat with itself", shape: [2, 3], run: (x) => tf.concat([x, x], 1) },
  { name: "transpose", shape: [3, 4, 5], run: (x) => tf.transpose(x, [2, 0, 1]) },
  { name: "tile", shape: [2, 3], run: (x) => tf.tile(x, [3, 2]) },
  { name: "reverse", shape: [3, 4], run: (x) => tf.reverse(x, 1) },
  { name: "gather", shape: [3, 5], run: (x) => tf.gather(x, tf.tensor1d([4, 1, 1], "int32"), 1) },
  {
    name: "unsortedSegmentSum",
    shape: [4, 3],
    run: (x) => tf.unsortedSegmentSum(x, tf.tensor1d([1, 5, 1, 0], "int32"), 3),
  },
  { name: "depthToSpace", shape: [1, 2, 3, 8], run: (x) => tf.depthToSpace(x as tf.Tensor4D, 2) },
  { name: "spaceToDepth", shape: [1, 4, 6, 2], run: (x) => spaceToDepth(x, 2) },
  ...[
    [9, 4],
    [2, 3],
  ].flatMap((size) =>
    [
      [false, false],
      [true, false],
      [false, true],
    ].flatMap(([corners, half]) => {
      const to = size as [number, number];
      const how = `to [${to}], ${corners ? "aligned corners" : half ? "half-pixel centres" : "pixels by index"}`;
      return [
        {
          name: `resizeBilinear ${how}`,
          shape: [2, 4, 6, 5],
          run: (x: tf.Tensor) => tf.image.resizeBilinear(x as tf.Tensor4D, to, corners, half),
        },
        {
          name: `resizeNearestNeighbor ${how}`,
          shape: [2, 4, 6, 5],
          run: (x: tf.Tensor) => tf.image.resizeNearestNeighbor(x as tf.Tensor4D, to, corners, half),
        },
      ];
    }),
  ),
  ...[1, 2, 3].flatMap((up) =>
    [1, 2].map((down) => ({
      name: `upfirdn2d up ${up} down ${down}`,
      shape: [2, 5, 4, 3],
      run: (x: tf.Tensor) =>
        upfirdn2d(x, [0.5, -1, 2, 0.25], {
          up,
          down,
          pad: [
            [2, 1],
            [-1, 3],
          ],
          gain: 1.5,
        }),
    })),
  ),
  {
    name: "spaceToBatchND",
    shape: [2, 5, 4, 3],
    run: (x) =>
      tf.spaceToBatchND(
        x,
        [3, 2],
        [
          [1, 0],
          [2, 0],
        ],
      ),
  },
  {
    name: "batchToSpaceND",
    shape: [12, 2, 3, 3],
    run: (x) =>
      tf.batchToSpaceND(
        x,
        [3, 2],
        [
          [1, 0],
          [2, 1],
        ],
      ),
  },
  {
    name: "gridSample",
    shape: [2, 4, 5, 3],
    run: (x) => gridSample(x, affineGrid(tf.tensor3d([0.9, 0.3, 0.1, -0.2, 1.1, 0.2], [1, 2, 3]), [3, 6])),
  },
  {
    name: "transform with reflected edges",
    shape: [2, 4, 5, 3],
    run: (x) =>
      tf.image.transform(x as tf.Tensor4D, [[1.2, 0.1, -2, 0.2, 0.9, 1, 0, 0]], "bilinear", "reflect"),
  },
  {
    name: "conv3d",
    shape: [1, 3, 4, 3, 2],
    run: (x) => tf.conv3d(x as tf.Tensor5D, tf.tensor5d(spread([2, 2, 3, 2, 3]), [2, 2, 3, 2, 3]), 1, "same"),
  },
  { name: "avgPool3d", shape: [1, 5, 4, 3, 2], run: (x) => tf.avgPool3d(x as tf.Tensor5D, 2, 2, "same") },
  { name: "cumsum", shape: [3, 5, 2], run: (x) => tf.cumsum(x, 1, true, true) },
  {
    name: "gatherND",
    shape: [3, 4],
    run: (x) =>
      tf.gatherND(
        x,
        tf.tensor2d(
          [
            [2, 3],
            [0, 1],
            [2, 3],
          ],
          undefined,
          "int32",
        ),
      ),
  },
  { name: "avgPool", shape: [2, 5, 4, 3], run: (x) => tf.avgPool(x as tf.Tensor4D, 3, 2, "same") },
  { name: "maxPool", shape: [2, 5, 4, 5], run: (x) => tf.maxPool(x as tf.Tensor4D, 3, 2, "same") },
];

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, value, i) => sum + value * b[i], 0);

describe("adjoints", () => {
  for (const { name, shape, run } of maps) {
    it(`of ${name}: ⟨Ax, y⟩ = ⟨x, Aᵀy⟩, and the adjoint's own gradient is A`, () =>
      checkNoLeak(async () =>
        tf.tidy(() => {
          const next = random(name);
          const draw = (of: readonly number[]): tf.Tensor =>
            tf.tensor(
              Float32Array.from({ length: sizeOf(of) }, () => next() - 0.5),
              [...of],
            );
          const x = tf.tensor(spread(shape), shape);
          const y = run(x);
          const dy = draw(y.shape);
          const adjoint = (seed: tf.Tensor): tf.Tensor => tf.grad(run)(x, seed);
          expect(dot(adjoint(dy).dataSync(), x.dataSync())).toBeCloseTo(dot(y.dataSync(), dy.dataSync()), 4);
          // x itself is the one direction in which the maximum's choice surely stays.
          const again = tf.grad(adjoint)(dy, x);
          expect(again.shape).toEqual(y.shape);
          expectClose(`second gradient of ${name}`, again.dataSync(), y.dataSync(), 1e-6);
          const third = tf.grad((u: tf.Tensor) => tf.grad(adjoint)(dy, u))(x, dy);
          expectClose(`third gradient of ${name}`, third.dataSync(), adjoint(dy).dataSync(), 1e-6);
        }),
      ));
  }
});
