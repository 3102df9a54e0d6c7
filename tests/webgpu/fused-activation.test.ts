import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { currentBackend } from "../../src/backend/backend.ts";
import { biasActivation } from "../../src/ops/fused-activation.ts";
import { useBuild } from "../builds.ts";
import { checkNoLeak, expectClose, random } from "../ops/check.ts";

beforeAll(useBuild);

/** Channels by four and one by one, few and more than a workgroup has; rows of one block and of many. */
const shapes = [
  [5, 1],
  [7, 3],
  [1000, 64],
  [30_000, 3],
  [400, 130],
  [20, 520],
  [0, 4],
];

describe.each(shapes)("of [%d, %d], the GPU's", (rows, channels) => {
  it("activation and its gradients by x and bias are Wasm's", () =>
    checkNoLeak(async () => {
      const next = random(`${rows} ${channels}`);
      const draw = (shape: number[]) =>
        tf.tensor(
          Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => 2 * next() - 1),
          shape,
        );
      const [x, dy, bias] = [[rows, channels], [rows, channels], [channels]].map(draw);
      const { placer } = currentBackend();
      const results: Float32Array[][] = [];
      for (const mode of ["webgpu", "wasm"] as const) {
        placer.mode = mode;
        const { value, grads } = tf.valueAndGrads((a, b) =>
          tf.sum(tf.mul(biasActivation(a, b, { gain: Math.SQRT2 }), dy)),
        )([x, bias]);
        results.push(await Promise.all(grads.map((grad) => grad.data<"float32">())));
        tf.dispose([value, grads]);
      }
      placer.mode = "webgpu";
      expect(placer.explain("GanvilFusedActivationGrad")!.calls.webgpu).toBeGreaterThan(0);
      const [gpu, wasm] = results;
      expectClose("dx", gpu[0], wasm[0], 1e-6);
      expectClose("dbias", gpu[1], wasm[1], 1e-6 * Math.sqrt(rows + 1));
      tf.dispose([x, dy, bias]);
    }));
});
