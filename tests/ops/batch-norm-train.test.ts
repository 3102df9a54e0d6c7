import { add, grads, sum, type Tensor, tensor, tidy } from "@tensorflow/tfjs-core";
import { beforeAll, expect, it } from "vitest";
import { batchNormTrain } from "../../src/ops/batch-norm-train.ts";
import { useBuild } from "../builds.ts";
import { random } from "./check.ts";

beforeAll(useBuild);

/** Mean and biased variance of every channels-th value from `first` on. */
function moments(data: Float32Array, first: number, channels: number, count: number): [number, number] {
  let mean = 0;
  for (let i = 0; i < count; i++) mean += data[first + i * channels] / count;
  let variance = 0;
  for (let i = 0; i < count; i++) variance += (data[first + i * channels] - mean) ** 2 / count;
  return [mean, variance];
}

it.each([
  [3, 1],
  [3, 2],
  [7, 1],
  [16, 2],
])(
  "keeps its accuracy with %d channels in %d groups of mean 1000 and deviation 1",
  async (channels, groups) => {
    const rows = 2048;
    const next = random(`moments ${channels}`);
    // A sum of twelve uniform values has variance 1 and mean 6.
    const normal = () => Array.from({ length: 12 }, next).reduce((a, b) => a + b, -6);
    const data = Float32Array.from({ length: groups * rows * channels }, () => 1000 + normal());
    const ones = new Float32Array(channels).fill(1);
    const results = tidy(() => {
      const scale = tensor(ones);
      const offset = tensor(new Float32Array(channels));
      const x = tensor(data, [groups * rows, channels]);
      const { y, mean, variance } = batchNormTrain(x, scale, offset, { groups, epsilon: 1e-5 });
      return [y, mean, variance];
    });
    expect(results[1].shape).toEqual([groups, channels]);
    expect(results[2].shape).toEqual([groups, channels]);
    const [y, mean, variance] = (await Promise.all(results.map((t) => t.data()))) as Float32Array[];
    for (const t of results) t.dispose();
    for (let set = 0; set < groups * channels; set++) {
      const first = Math.floor(set / channels) * rows * channels + (set % channels);
      const [expectedMean, expectedVariance] = moments(data, first, channels, rows);
      // Half a unit in the last place of 1000 is 3.1e-5.
      expect(Math.abs(mean[set] - expectedMean)).toBeLessThan(4e-5);
      expect(Math.abs(variance[set] / expectedVariance - 1)).toBeLessThan(2e-6);
      for (let row = 0; row < rows; row += 97) {
        const i = first + row * channels;
        const expected = (data[i] - expectedMean) / Math.sqrt(expectedVariance + 1e-5);
        expect(Math.abs(y[i] - expected)).toBeLessThan(5e-5);
      }
    }
  },
);

it("passes no gradient through the mean and the variance", async () => {
  const [dx, dscale] = tidy(() =>
    grads((x: Tensor, scale: Tensor) => {
      const { mean, variance } = batchNormTrain(x, scale, tensor([0, 0]));
      return add(sum(mean), sum(variance));
    })([tensor([1, 2, 3, 4, 6, 9], [3, 2]), tensor([1, 2])]),
  );
  expect([...(await dx.data()), ...(await dscale.data())].every((value) => value === 0)).toBe(true);
  dx.dispose();
  dscale.dispose();
});

it("says what does not fit", () => {
  tidy(() => {
    const x = tensor(new Float32Array(12), [6, 2]);
    const [two, three] = [tensor([1, 1]), tensor([1, 1, 1])];
    expect(() => batchNormTrain(x, three, two)).toThrow(
      "batchNormTrain: expected scale of shape [2], got [3] (x [6,2])",
    );
    expect(() => batchNormTrain(x, two, two, { groups: 4 })).toThrow(
      "batchNormTrain: expected groups to divide the batch of 6, got 4 (x [6,2])",
    );
    expect(() => batchNormTrain(two, two, two)).toThrow("expected x of rank 2 or more");
  });
});

it("takes an empty batch", () => {
  tidy(() => {
    const two = tensor([1, 1]);
    expect(batchNormTrain(tensor(new Float32Array(0), [0, 2]), two, two).y.shape).toEqual([0, 2]);
  });
});
