import type { DataId } from "@tensorflow/tfjs-core";
import { beforeAll, expect, it } from "vitest";
import { currentBackend } from "../../src/backend/backend.ts";
import { createGan, type Gan } from "../../src/gan/gan.ts";
import { dcgan } from "../../src/recipes/dcgan.ts";
import { useBuild } from "../builds.ts";

beforeAll(useBuild);

const batch = 64;

const gan = (capture: boolean): Gan =>
  createGan({ ...dcgan({ resolution: 32, widths: [256, 128, 64], batch, augment: false }), capture });

const data = Uint8Array.from({ length: batch * 32 * 32 * 3 }, (_, i) => (i * 37) % 256);
const stepOf = (gan: Gan) => gan.step({ image: { data, shape: [batch, 32, 32, 3] }, cursor: 0 });

/** The most bytes of values that are alive at once, of those made in `run`. */
async function livePeak(run: () => Promise<unknown>): Promise<number> {
  const backend = currentBackend();
  const { move, disposeData } = backend;
  const sizes = new Map<DataId, number>();
  let live = 0;
  let peak = 0;
  backend.move = (...args) => {
    move.apply(backend, args);
    const [dataId, , shape, dtype] = args;
    const bytes = shape.reduce((a, b) => a * b, dtype === "bool" ? 1 : 4);
    sizes.set(dataId, bytes);
    live += bytes;
    peak = Math.max(peak, live);
  };
  backend.disposeData = (dataId, force) => {
    const gone = disposeData.call(backend, dataId, force);
    if (gone) {
      live -= sizes.get(dataId) ?? 0;
      sizes.delete(dataId);
    }
    return gone;
  };
  try {
    await run();
  } finally {
    Object.assign(backend, { move, disposeData });
  }
  return peak;
}

it("a captured DCGAN step takes at most 1.2 times its live tensors, weights and optimizer state", async () => {
  const plain = gan(false);
  await stepOf(plain);
  const live = await livePeak(() => stepOf(plain));
  const numbers = Object.values(plain.game.players).map(({ network: { parameters } }) =>
    Object.values(parameters).reduce((total, { size }) => total + size, 0),
  );
  // Weights and two moments of each player.
  const state = numbers.reduce((total, n) => total + 3 * 4 * n, 0);
  plain.dispose();

  const { heap } = currentBackend();
  const before = heap.bytesInUse;
  heap.resetPeak();
  const captured = gan(true);
  for (let i = 0; i < 5; i++) await stepOf(captured);
  expect(captured.stepStatus).toBe("captured");
  const ratio = (heap.peakBytes - before) / (live + state);
  expect(ratio).toBeGreaterThan(1);
  expect(ratio).toBeLessThan(1.2);
  captured.dispose();
});
