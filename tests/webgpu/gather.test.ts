import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, it } from "vitest";
import { currentBackend } from "../../src/backend/backend.ts";
import { useBuild } from "../builds.ts";
import { checkNoLeak } from "../ops/check.ts";

beforeAll(useBuild);

/** Indices that are on the GPU and nowhere else. */
const computed = (values: number[], shape?: number[]) =>
  tf.tidy(() => tf.add(tf.tensor(values, shape, "int32"), tf.scalar(0, "int32")));

it("reads zeros beyond the axis, and adds nothing there", () =>
  checkNoLeak(async () => {
    const x = tf.tensor([1, 2, 3, 4, 5, 6], [3, 2]);
    const ids = computed([2, 0, 3, -1]) as tf.Tensor1D;
    const updates = tf.tensor([1, 2, 3, 4, 5, 6, 7, 8], [4, 2], "int32");
    const [taken, sums] = [tf.gather(x, ids), tf.unsortedSegmentSum(updates, ids, 3)];
    expect([...(await taken.data())]).toEqual([5, 6, 1, 2, 0, 0, 0, 0]);
    expect([...(await sums.data())]).toEqual([3, 4, 0, 0, 1, 2]);
    for (const op of ["GatherV2", "UnsortedSegmentSum"]) {
      expect(currentBackend().placer.explain(op)).toMatchObject({ device: "webgpu" });
    }
    tf.dispose([x, ids, updates, taken, sums]);
  }));

it("gathers and replaces by index vectors that were computed on the GPU", () =>
  checkNoLeak(async () => {
    const x = tf.tensor([1, 2, 3, 4, 5, 6], [3, 2]);
    const at = computed([0, 2, 0], [3, 1]) as tf.Tensor2D;
    const updates = tf.tensor([10, 20, 30, 40, 50, 60], [3, 2]);
    const results = [
      tf.gatherND(x, at),
      tf.scatterND(at, updates, [3, 2]),
      tf.tensorScatterUpdate(x, at, updates),
    ];
    const values = await Promise.all(results.map(async (y) => [...(await y.data())]));
    expect(values).toEqual([
      [1, 2, 5, 6, 1, 2],
      [60, 80, 0, 0, 30, 40],
      [50, 60, 3, 4, 30, 40],
    ]);
    expect(currentBackend().placer.explain("GanvilLastWriter")).toMatchObject({ device: "webgpu" });
    tf.dispose([x, at, updates, ...results]);
  }));
