import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, it } from "vitest";
import { currentBackend } from "../../src/backend/backend.ts";
import { logisticLoss } from "../../src/ops/logistic-loss.ts";
import { logSoftmax } from "../../src/ops/softmax.ts";
import { useBuild } from "../builds.ts";
import { checkNoLeak, expectClose, random } from "../ops/check.ts";

beforeAll(useBuild);

it.each([1, 63, 65, 256, 257, 1500])("takes rows of %d logits, large ones too", (n) =>
  checkNoLeak(async () => {
    const next = random(`softmax ${n}`);
    const data = Float32Array.from({ length: 3 * n }, () => 200 * next() - 100);
    const x = tf.tensor(data, [3, n]);
    const [y, z] = [tf.softmax(x), logSoftmax(x)];
    const shares: number[] = [];
    const logs: number[] = [];
    for (let row = 0; row < 3; row++) {
      const line = [...data.subarray(row * n, (row + 1) * n)];
      const most = Math.max(...line);
      const total = line.reduce((sum, v) => sum + Math.exp(v - most), 0);
      shares.push(...line.map((v) => Math.exp(v - most) / total));
      logs.push(...line.map((v) => v - most - Math.log(total)));
    }
    expectClose("softmax", await y.data(), shares, 1e-6);
    expectClose("logSoftmax", await z.data(), logs, 1e-6);
    for (const op of ["Softmax", "LogSoftmax"]) {
      expect(currentBackend().placer.explain(op)).toMatchObject({ device: "webgpu" });
    }
    tf.dispose([x, y, z]);
  }),
);

it("sums the logistic losses of more logits than threads", () =>
  checkNoLeak(async () => {
    const next = random("logistic");
    const n = 3001;
    const data = Float32Array.from({ length: 2 * n }, () => 20 * next() - 10);
    const x = tf.tensor(data, [2 * n]);
    const terms = [
      [-1, 0],
      [2, -1],
    ];
    const { value, grad } = tf.valueAndGrad((logits: tf.Tensor) => logisticLoss(logits, terms))(x);
    let loss = 0;
    const slopes = new Float64Array(2 * n);
    for (let i = 0; i < n; i++) {
      for (const [a, b] of terms) {
        const v = a * data[i] + b * data[n + i];
        loss += Math.log1p(Math.exp(-Math.abs(v))) + Math.max(v, 0);
        const share = 1 / (1 + Math.exp(-v)) / n;
        slopes[i] += a * share;
        slopes[n + i] += b * share;
      }
    }
    expectClose("loss", await value.data(), [loss / n], 1e-6);
    expectClose("gradient", await grad.data(), slopes, 2e-6);
    for (const op of ["GanvilLogisticLoss", "GanvilLogisticLossGrad"]) {
      expect(currentBackend().placer.explain(op)).toMatchObject({ device: "webgpu" });
    }
    tf.dispose([x, value, grad]);
  }));
