import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { currentBackend } from "../../src/backend/backend.ts";
import type { Gan } from "../../src/gan/gan.ts";
import type { TrainingState } from "../../src/gan/state.ts";
import { type Report, train } from "../../src/gan/train.ts";
import { init } from "../../src/init.ts";
import { useBuild } from "../builds.ts";
import { noisePictures } from "../gan/fixtures.ts";
import { distance, smallGan } from "./small-gan.ts";

const steps = 8;

interface Run {
  readonly state: TrainingState;
  readonly reports: readonly Report[];
}

/** Trains a small GAN, calling `disturb` before each step but the first three. */
async function trained(disturb: (step: number, gan: Gan) => unknown = () => {}): Promise<Run> {
  const gan = smallGan(steps);
  const reports: Report[] = [];
  try {
    for await (const report of train(gan, noisePictures({ resolution: 4 }))) {
      reports.push(report);
      if (report.step >= 3) await disturb(report.step, gan);
    }
    return { state: await gan.state(), reports };
  } finally {
    gan.dispose();
  }
}

/** Lets so many shader calls pass, then does something in the midst of a step. */
function afterDispatches(count: number, act: () => void): void {
  const { queue } = currentBackend().gpu!;
  const { dispatch } = queue;
  let left = count;
  queue.dispatch = (call) => {
    dispatch.call(queue, call);
    if (--left === 0) act();
  };
}

const destroy = () => currentBackend().gpu!.device.destroy();

let undisturbed: Run;

beforeAll(async () => {
  await useBuild();
  undisturbed = await trained();
});

// A lost GPU is replaced once, then it is Wasm: each test begins anew.
beforeEach(async () => {
  await init({ device: "wasm" });
  await init({ device: "webgpu" });
});
const machine = Object.getOwnPropertyDescriptor(globalThis, "navigator");
afterEach(() => {
  if (machine) Object.defineProperty(globalThis, "navigator", machine);
  else Reflect.deleteProperty(globalThis, "navigator");
});

const losses = ({ reports }: Run) => reports.map(({ losses }) => losses);

/** Every step was reported once, in order, and the position is that of the undisturbed run. */
function expectAllSteps({ reports, state }: Run): void {
  expect(reports.map(({ step }) => step)).toEqual(Array.from({ length: steps }, (_, i) => i + 1));
  expect(state.metadata).toEqual(undisturbed.state.metadata);
}

describe("a device destroyed", () => {
  for (const [moment, disturb] of [
    ["between two steps", (step: number) => step === 4 && destroy()],
    ["in the midst of a step", (step: number) => step === 4 && afterDispatches(20, destroy)],
  ] as const) {
    it(`${moment} is replaced, and training ends with the very weights of an undisturbed run`, async () => {
      const run = await trained(disturb);
      expectAllSteps(run);
      expect(run.state).toEqual(undisturbed.state);
      expect(losses(run)).toEqual(losses(undisturbed));
      const notices = run.reports.flatMap(({ notices }) => notices);
      expect(notices.length).toBe(1);
      expect(notices[0]).toMatch(/GPU was lost.*went back to step \d+.*goes on with the GPU/s);
      expect(run.reports.at(-1)!.device).toBe("webgpu");
    });
  }

  it("twice leaves Wasm, with the weights of an undisturbed run up to rounding", async () => {
    const run = await trained((step) => (step === 4 || step === 6) && destroy());
    expectAllSteps(run);
    expect(distance(run.state, undisturbed.state)).toBeLessThan(1e-3);
    const notices = run.reports.flatMap(({ notices }) => notices);
    expect(notices.length).toBe(2);
    expect(notices[1]).toMatch(/goes on with Wasm/);
    expect(run.reports.at(-1)!.device).toBe("wasm");
  });

  it("with no adapter left leaves Wasm", async () => {
    const run = await trained((step) => {
      if (step !== 5) return;
      const gpu = { requestAdapter: async () => null };
      Object.defineProperty(globalThis, "navigator", { value: { gpu }, configurable: true });
      destroy();
    });
    expectAllSteps(run);
    expect(distance(run.state, undisturbed.state)).toBeLessThan(1e-3);
    expect(run.reports.flatMap(({ notices }) => notices).join()).toMatch(/goes on with Wasm/);
  });

  it("before a state is asked for loses nothing of it", async () => {
    const run = await trained((step) => step === steps && destroy());
    expect(run.state).toEqual(undisturbed.state);
  });
});

describe("a device that refuses", () => {
  it("a command fails hard, and what it computed is not used", async () => {
    const run = await trained((step) => {
      if (step !== 4) return;
      afterDispatches(20, () => {
        const { device } = currentBackend().gpu!;
        device.createBuffer({ size: 16, usage: 0 });
      });
    });
    expect(run.state).toEqual(undisturbed.state);
    expect(run.reports.flatMap(({ notices }) => notices).join()).toMatch(/refused a command/);
  });

  it("memory is replaced like one that is lost", async () => {
    const run = await trained((step) => {
      if (step !== 4) return;
      const { device } = currentBackend().gpu!;
      const error = new GPUOutOfMemoryError("no more");
      device.onuncapturederror!(Object.assign(new Event("uncapturederror"), { error }) as never);
    });
    expect(run.state).toEqual(undisturbed.state);
    expect(run.reports.flatMap(({ notices }) => notices).join()).toMatch(/memory is exhausted/);
  });

  it("large bindings has its large tensors on Wasm", async () => {
    const { memory } = currentBackend().gpu!;
    Object.defineProperty(memory, "largestBytes", { value: 1024 });
    const run = await trained();
    expectAllSteps(run);
    expect(distance(run.state, undisturbed.state)).toBeLessThan(1e-3);
    const reasons = currentBackend()
      .explain()
      .map(({ reason }) => reason);
    expect(reasons.join()).toMatch(/larger than the 1024 bytes/);
  });
});

it("init says what to do where there is no adapter", async () => {
  await init({ device: "wasm" });
  const gpu = { requestAdapter: async () => null };
  Object.defineProperty(globalThis, "navigator", { value: { gpu }, configurable: true });
  await expect(init({ device: "webgpu" })).rejects.toThrow(
    /expected an adapter, found none.*device: "wasm"/s,
  );
  expect((await init({ device: "auto" })).gpu).toBeUndefined();
});
