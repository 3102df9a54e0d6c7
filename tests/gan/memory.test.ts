import { beforeAll, expect, it } from "vitest";
import { currentBackend } from "../../src/backend/backend.ts";
import { heapBytes, type TensorRecord } from "../../src/backend/tensor-record.ts";
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
  const { residency } = currentBackend();
  const { allocate, remove } = residency;
  const sizes = new Map<TensorRecord, number>();
  let live = 0;
  let peak = 0;
  residency.allocate = (record, device) => {
    allocate.call(residency, record, device);
    sizes.set(record, heapBytes(record));
    live += heapBytes(record);
    peak = Math.max(peak, live);
  };
  residency.remove = (dataId) => {
    const record = residency.of(dataId);
    live -= sizes.get(record) ?? 0;
    sizes.delete(record);
    remove.call(residency, dataId);
  };
  try {
    await run();
  } finally {
    Object.assign(residency, { allocate, remove });
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
