import * as tf from "@tensorflow/tfjs-core";
import { expect, inject, it } from "vitest";
import { init } from "../../src/index.ts";
import { chooseBuild } from "../../src/wasm/features.ts";
import { type HeapReport, report } from "./report.ts";

it("the page is cross-origin isolated, so that memory can be shared", () => {
  expect(globalThis.crossOriginIsolated).toBe(true);
  expect(new SharedArrayBuffer(8).byteLength).toBe(8);
});

it("init() chooses the build with fused multiply-add, which this browser has", () => {
  expect(chooseBuild()).toBe("relaxed");
});

it("init() makes ganvil the backend of a page's main thread", async () => {
  const backend = await init({ build: inject("build"), threads: 1 });
  expect(backend.module.build).toBe(inject("build"));
  const before = heap();
  expect(await report()).toEqual({ backend: "ganvil", values: Array(6).fill(1.5), bytesWhileAlive: 64 });
  expect(heap()).toEqual(before);
});

it("init() makes ganvil the backend of a module worker", async () => {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  const answer = await new Promise<HeapReport & { build: string }>((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => reject(new Error(`worker: ${event.message}`));
  });
  worker.terminate();
  expect(answer).toEqual({
    build: "relaxed",
    backend: "ganvil",
    values: Array(6).fill(1.5),
    bytesWhileAlive: 64,
  });
});

function heap() {
  const { numTensors, numDataBuffers, ...rest } = tf.memory() as tf.MemoryInfo & { heapBytesInUse: number };
  return { numTensors, numDataBuffers, heapBytesInUse: rest.heapBytesInUse };
}
