import { execFile } from "node:child_process";
import { promisify } from "node:util";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, describe, expect, inject, it, vi } from "vitest";
import type { GanvilBackend } from "../../src/backend/backend.ts";
import { init } from "../../src/init.ts";
import { random } from "../ops/check.ts";

const start = (threads: number): Promise<GanvilBackend> => init({ build: inject("build"), threads });

describe("the pool of workers", () => {
  it("is replaced when init() asks for another number of threads, and tensors stay", async () => {
    const backend = await start(2);
    const x = tf.tensor1d([1, 2, 3]);
    const first = backend.executor.pool;
    expect(await start(4)).toBe(backend);
    expect(backend.threads).toBe(4);
    expect(backend.executor.pool).not.toBe(first);
    const second = backend.executor.pool;
    await start(4);
    await init();
    expect(backend.executor.pool).toBe(second);
    await start(1);
    expect(backend.executor.pool).toBeUndefined();
    expect([...x.dataSync()]).toEqual([1, 2, 3]);
    x.dispose();
  });

  it("refuses numbers of threads that are none", async () => {
    for (const threads of [0, -1, 1.5, 65, Number.NaN, "2" as never]) {
      await expect(init({ threads })).rejects.toThrow(/init: expected threads from 1 to 64, got/);
    }
  });

  it("says which kernel trapped, in whichever thread, and goes on working", async () => {
    const { executor } = await start(2);
    const far = 4e9;
    for (let i = 0; i < 20; i++) {
      expect(() => executor.sweep("abs", [far, far, 1000], 2, 10, [40, 40])).toThrow(
        expect.objectContaining({
          code: "kernel-failed",
          message: expect.stringMatching(/^abs: .*out of bounds/),
        }),
      );
    }
    expect(tf.tidy(() => tf.sum(tf.relu(tf.fill([100_000], 2))).dataSync()[0])).toBe(200_000);
  });

  it("does every unit once, for workers awake, asleep and late", async () => {
    const { executor, heap } = await start(4);
    const y = heap.alloc(4096 * 4);
    const next = random("units");
    for (let job = 0; job < 3000; job++) {
      const n = 1 + Math.floor(next() * 4096);
      const unit = 1 + Math.floor(next() * 300);
      executor.kernels.fill(y, 4096, 1);
      // In place, so that a unit done twice, or not at all, shows.
      executor.sweep("neg", [y, y, n], 2, Math.max(unit, Math.ceil(n / 1000)), [
        4 * Math.max(unit, Math.ceil(n / 1000)),
        4 * Math.max(unit, Math.ceil(n / 1000)),
      ]);
      if (heap.f32(y, 4096).findIndex((value, i) => value !== (i < n ? -1 : 1)) >= 0) {
        throw new Error(`job ${job}: ${n} elements in units of ${unit}`);
      }
      if (job % 300 === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    }
    heap.free(y);
  });

  it("splits units among more parts than a claim can count, and gives each thread scratch of its own", async () => {
    const { executor, heap } = await start(2);
    const n = 5000;
    const [x, y, geometry] = [heap.alloc(4 * n), heap.alloc(4 * n), heap.alloc(48)];
    heap.f32(x, n).forEach((_, i, all) => {
      all[i] = i;
    });
    // Pictures of one pixel: average pooling copies them.
    heap.i32(geometry, 12).set([n, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0]);
    const asked: number[] = [];
    executor.split("avgPool", n, 100, [y, x, geometry], (bytes, use) => {
      asked.push(bytes);
      use(64);
    });
    expect(asked).toEqual([2 * 128]);
    expect(heap.f32(y, n)).toEqual(heap.f32(x, n));
    for (const ptr of [x, y, geometry]) heap.free(ptr);
  });

  it("keeps no process alive, asleep or awake", async () => {
    const run = promisify(execFile);
    const code = `
      import { init } from "./src/index.ts";
      import * as tf from "@tensorflow/tfjs-core";
      const { threads } = await init({ threads: 3 });
      tf.tanh(tf.zeros([300000])).dataSync();
      if (process.env.SLEEP) await new Promise((resolve) => setTimeout(resolve, 50));
      console.log(threads);`;
    for (const SLEEP of ["", "1"]) {
      const { stdout } = await run(process.execPath, ["--import", "tsx", "--input-type=module", "-e", code], {
        cwd: new URL("../..", import.meta.url).pathname,
        env: { ...process.env, SLEEP },
        timeout: 30_000,
      });
      expect(stdout.trim().split("\n").at(-1)).toBe("3");
    }
  }, 60_000);

  it("reads tensors as arrays of their own, not as views of the shared memory", async () => {
    await start(2);
    const x = tf.tensor1d([1, 2, 3]);
    const values = x.dataSync();
    expect(values.buffer).toBeInstanceOf(ArrayBuffer);
    expect(values.buffer.byteLength).toBe(12);
    x.dispose();
  });
});

describe("init() without cross-origin isolation", () => {
  afterAll(() => vi.unstubAllGlobals());

  it("computes with one thread and warns once, naming both headers", async () => {
    tf.removeBackend("ganvil");
    vi.stubGlobal("crossOriginIsolated", false);
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const backend = await init({ build: inject("build"), threads: 4 });
    expect(backend.threads).toBe(1);
    expect(backend.module.memory.buffer).toBeInstanceOf(ArrayBuffer);
    await init({ threads: 2 });
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.lastCall?.[0]).toMatch(
      /one thread.*Cross-Origin-Opener-Policy: same-origin.*Cross-Origin-Embedder-Policy: require-corp/,
    );
    expect(tf.tidy(() => [...tf.relu([-1, 2]).dataSync()])).toEqual([0, 2]);
    warn.mockRestore();
    vi.unstubAllGlobals();
    tf.removeBackend("ganvil");
  });
});
