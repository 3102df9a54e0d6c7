import { beforeAll, describe, expect, it } from "vitest";
import { residualGan } from "../../bench/rivals/ganvil-residual.ts";
import { currentBackend } from "../../src/backend/backend.ts";
import type { Batch } from "../../src/gan/batch.ts";
import { createGan, type Gan } from "../../src/gan/gan.ts";
import type { TrainingState } from "../../src/gan/state.ts";
import type { TurnReport } from "../../src/gan/step.ts";
import { init } from "../../src/init.ts";
import { dcgan } from "../../src/recipes/dcgan.ts";
import { useBuild } from "../builds.ts";
import { noisePictures } from "../gan/fixtures.ts";
import { distance } from "./small-gan.ts";

beforeAll(useBuild);

const batch = 4;

const gans: Record<string, () => Gan> = {
  DCGAN: () => createGan(dcgan({ resolution: 32, widths: [16, 12, 8], latent: 8, batch })),
  "R1 + R2": () =>
    residualGan({ network: "residual", batch, latent: 8, widths: [16, 8, 8], groupWidth: 8, gamma: 2 }, true),
};

async function batches(count: number): Promise<Batch[]> {
  const found: Batch[] = [];
  for await (const one of noisePictures().batches({ count: batch, cursor: 0 })) {
    if (found.push(one) === count) break;
  }
  return found;
}

interface Outcome {
  readonly reports: Record<string, TurnReport>;
  readonly state: TrainingState;
}

/** One step on a device, from the same weights. */
async function oneStep(make: () => Gan, device: "wasm" | "webgpu", from: TrainingState): Promise<Outcome> {
  await init({ device });
  const gan = make();
  try {
    gan.restore(from);
    const [first] = await batches(1);
    const reports = await gan.step(first);
    return { reports, state: await gan.state() };
  } finally {
    gan.dispose();
  }
}

/** A state's arrays by what they are: "generator", "discriminator.adam-first", ... */
function groupsOf({ tensors }: TrainingState): Record<string, string[]> {
  const groups: Record<string, string[]> = {};
  for (const name of Object.keys(tensors)) {
    const [group] = name.split("/");
    groups[group] = [...(groups[group] ?? []), name];
  }
  return groups;
}

const pick = ({ tensors, metadata }: TrainingState, names: readonly string[]): TrainingState => ({
  metadata,
  tensors: Object.fromEntries(names.map((name) => [name, tensors[name]])),
});

for (const [name, make] of Object.entries(gans)) {
  describe(name, () => {
    it("has the losses, gradients and weights of Wasm after a step", async () => {
      const gan = make();
      const from = await gan.state();
      gan.dispose();
      const wasm = await oneStep(make, "wasm", from);
      const webgpu = await oneStep(make, "webgpu", from);
      for (const [player, { loss, gradientNorm }] of Object.entries(wasm.reports)) {
        expect(Math.abs(webgpu.reports[player].loss / loss - 1)).toBeLessThan(1e-4);
        expect(Math.abs(webgpu.reports[player].gradientNorm / gradientNorm - 1)).toBeLessThan(1e-4);
      }
      // Weights, averages and moments, of which the first is the gradient but for a factor. By itself an array may have
      // no gradient but by rounding, as a bias that cancels from the loss.
      for (const [group, arrays] of Object.entries(groupsOf(wasm.state))) {
        expect.soft(distance(pick(webgpu.state, arrays), pick(wasm.state, arrays)), group).toBeLessThan(1e-4);
      }
    });

    it("computes every op of a step on the GPU, and brings nothing back", async () => {
      const backend = await init({ device: "webgpu" });
      const gan = make();
      const [first, ...others] = await batches(6);
      await gan.step(first);
      const { transfers } = backend.residency;
      const { traffic } = backend.gpu!.queue;
      const calls = backend.explain().map(({ op, calls }) => [op, calls.wasm]);
      const steps: { readBytes: number; submits: number }[] = [];
      let reportBytes = 0;
      for (const one of others) {
        const { readBytes, submits } = traffic;
        const turns = Object.values(await gan.step(one));
        // The loss and gradient norm of each turn, and what it observed.
        reportBytes = 4 * turns.reduce((sum, { signals }) => sum + 2 + Object.keys(signals).length, 0);
        steps.push({ readBytes: traffic.readBytes - readBytes, submits: traffic.submits - submits });
      }
      expect(gan.stepStatus).toBe("captured");
      expect(backend.residency.transfers).toBe(transfers);
      expect(backend.explain().map(({ op, calls }) => [op, calls.wasm])).toEqual(calls);
      // After some steps a copy of the state on top, for when the GPU is lost.
      const copied = Object.values((await gan.state()).tensors).reduce(
        (sum, { data }) => sum + data.byteLength,
        0,
      );
      for (const { readBytes, submits } of steps) {
        expect([reportBytes, reportBytes + copied]).toContain(readBytes);
        expect(submits).toBeLessThanOrEqual(3);
      }
      gan.dispose();
    });
  });
}

it("200 steps leak no memory on either device", async () => {
  const backend = await init({ device: "webgpu" });
  const gan = gans.DCGAN();
  const all = await batches(8);
  const used = () => {
    const { memory } = currentBackend().gpu!;
    return [memory.bytesInUse, memory.blocksInUse, memory.bytesReserved, backend.heap.bytesInUse];
  };
  for (const one of all) await gan.step(one);
  const before = used();
  for (let i = 0; i < 200; i++) await gan.step(all[i % all.length]);
  expect(used()).toEqual(before);
  gan.dispose();
});
