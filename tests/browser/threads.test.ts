import { expect, inject, it } from "vitest";
import { init } from "../../src/index.ts";
import type { Trained } from "./threads-worker.ts";
import { train } from "./train.ts";

/** Trains in a module worker. */
async function inWorker(threads: number): Promise<Trained> {
  const worker = new Worker(new URL("./threads-worker.ts", import.meta.url), { type: "module" });
  try {
    return await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => reject(new Error(`worker: ${event.message}`));
      worker.postMessage({ threads, build: inject("build") });
    });
  } finally {
    worker.terminate();
  }
}

it("a page's worker trains with several threads to the very bits of one", async () => {
  const one = await inWorker(1);
  expect(one.threads).toBe(1);
  expect(one.losses.length).toBe(3);
  for (const threads of [2, 4]) expect(await inWorker(threads)).toEqual({ ...one, threads });
});

it("a page's main thread does too", async () => {
  const { threads } = await init({ build: inject("build"), threads: 2 });
  expect(threads).toBe(2);
  const losses = await train();
  await init({ threads: 1 });
  expect(losses).toEqual(await train());
});

it("workers start from an address where one is given", async () => {
  const bundled = new URL("../../src/wasm/worker.ts", import.meta.url);
  const { threads } = await init({ build: inject("build"), threads: 2, workerUrl: bundled });
  expect(threads).toBe(2);
  const losses = await train();
  await init({ threads: 1 });
  expect(losses).toEqual(await train());
});

it("init() says what to do where a worker cannot be had", async () => {
  await expect(init({ build: inject("build"), threads: 2, workerUrl: "/no/such/worker.js" })).rejects.toThrow(
    /a worker could not be started.*workerUrl.*threads to 1/,
  );
  expect((await init()).threads).toBe(1);
});
