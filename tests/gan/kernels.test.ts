import { profile } from "@tensorflow/tfjs-core";
import { beforeAll, expect, it } from "vitest";
import { createGan } from "../../src/gan/gan.ts";
import { dcgan } from "../../src/recipes/dcgan.ts";
import { useBuild } from "../builds.ts";

beforeAll(useBuild);

/** TensorFlow.js lists what runs without a tape as if it were a kernel. */
const scope = "forward";

/** Kernels of one DCGAN step by turn, without those that only give values another name. */
async function kernelsByTurn(): Promise<string[][]> {
  const batch = 4;
  const gan = createGan(dcgan({ widths: [6, 5, 4], latent: 7, batch, augment: false }));
  const data = new Uint8Array(batch * 32 * 32 * 3).map((_, i) => (i * 37) % 256);
  const image = { data, shape: [batch, 32, 32, 3] } as const;
  const { kernels } = await profile(async () => {
    await gan.step({ image, cursor: batch });
    return [];
  });
  gan.dispose();
  const turns: string[][] = [[]];
  for (const { name } of kernels) {
    if (["Identity", "Reshape", scope].includes(name)) continue;
    turns.at(-1)!.push(name);
    if (name === "GanvilAdamSteps") turns.push([]);
  }
  expect(turns.pop()).toEqual([]);
  return turns;
}

const countOf = (names: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
};

it("a DCGAN step makes no kernel call but those its mathematics needs", async () => {
  const [discriminator, generator] = (await kernelsByTurn()).map(countOf);
  // What the step may have to undo of running statistics; the pictures from bytes.
  const { GanvilAssign, GanvilImageBatch, ...own } = discriminator;
  expect({ GanvilAssign, GanvilImageBatch }).toEqual({ GanvilAssign: 10, GanvilImageBatch: 1 });
  const forward = {
    GanvilRandomNormal: 1,
    // The generator's first layer, and the discriminator's last one.
    BatchMatMul: 2,
    // Each network has three convolutions; the generator's are transposed.
    Conv2D: 3,
    Conv2DBackpropInput: 3,
    GanvilBatchNormTrain: 5,
    GanvilFusedActivation: 1,
    Tanh: 1,
    // The biases of the last layers, which have no activation or another one.
    Add: 2,
    GanvilLogisticLoss: 1,
  };
  expect(own).toEqual({
    ...forward,
    Concat: 1,
    // What the report says of the logits: means of either side and of the real ones' signs, read as one.
    ...{ SplitV: 1, Sign: 1, Mean: 3, Pack: 1 },
    GanvilEmaOfMeans: 4,
    GanvilLogisticLossGrad: 1,
    // By the last layer's weight and input.
    BatchMatMul: forward.BatchMatMul + 2,
    Sum: 1,
    GanvilBatchNormTrainGrad: 2,
    GanvilFusedActivationGrad: 1,
    Conv2DBackpropInput: forward.Conv2DBackpropInput + 2,
    Conv2DBackpropFilter: 3,
    GanvilGlobalNorm: 1,
    GanvilAdamSteps: 1,
  });
  expect(generator).toEqual({
    ...forward,
    GanvilEmaOfMeans: 6,
    GanvilLogisticLossGrad: 1,
    // By the discriminator's last input and the generator's first weight.
    BatchMatMul: forward.BatchMatMul + 2,
    Sum: 1,
    GanvilBatchNormTrainGrad: 5,
    GanvilFusedActivationGrad: 1,
    GanvilTanhGrad: 1,
    // Through the discriminator to the picture, then through the generator.
    Conv2DBackpropInput: forward.Conv2DBackpropInput + 3,
    Conv2D: forward.Conv2D + 3,
    Conv2DBackpropFilter: 3,
    GanvilGlobalNorm: 1,
    GanvilAdamSteps: 1,
  });
});

it("the generator's turn finds no gradient of the discriminator's filters", async () => {
  const [, generator] = await kernelsByTurn();
  // Its own three transposed convolutions have one each; the discriminator's three would make it six.
  expect(countOf(generator).Conv2DBackpropFilter).toBe(3);
  // A filter's gradient comes only once the discriminator is behind.
  const first = generator.indexOf("Conv2DBackpropFilter");
  expect(generator.slice(0, first)).toContain("GanvilTanhGrad");
});
