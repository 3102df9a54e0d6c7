import * as tf from "@tensorflow/tfjs-core";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { currentBackend, type GanvilBackend } from "../../src/backend/backend.ts";
import { settled } from "../../src/backend/compile.ts";
import { call, defineOp } from "../../src/backend/op.ts";
import { registerOps } from "../../src/backend/register.ts";
import { init } from "../../src/init.ts";
import { useBuild } from "../builds.ts";

/** y = x + 1, on the GPU alone. */
const onGpu = defineOp<"x">({
  name: "TestOnGpu",
  inputs: ["x"],
  infer: ({ x }) => ({ shape: x.shape }),
  wasm: () => {
    throw new Error("TestOnGpu: computed on Wasm");
  },
  webgpu: ({ run }, { x }, [y]) =>
    run({ name: "testOnGpu", read: { x }, write: { y }, elements: x.size, body: () => "y[i] = x[i] + 1;" }),
});

/** y = 2·x, on Wasm alone. */
const onWasm = defineOp<"x">({
  name: "TestOnWasm",
  inputs: ["x"],
  infer: ({ x }) => ({ shape: x.shape }),
  wasm: ({ kernels }, { x }, [y]) => kernels.add(...([x.ptr, x.ptr, y.ptr, x.size, 1, 1, 1, 0, 0] as const)),
});

/** A Wasm-only op that always fails. */
const failing = defineOp<"x">({
  name: "TestFailing",
  inputs: ["x"],
  infer: ({ x }) => ({ shape: x.shape }),
  wasm: () => {
    throw new RangeError("TestFailing fails");
  },
});

const plusOne = (x: tf.Tensor) => call(onGpu, { x }, {});
const twice = (x: tf.Tensor) => call(onWasm, { x }, {});

let backend: GanvilBackend;
beforeAll(async () => {
  await useBuild();
  backend = currentBackend();
  registerOps([onGpu, onWasm, failing]);
});

afterEach(async () => {
  await settled();
  expect(tf.memory().numDataBuffers).toBe(0);
});

const recordOf = (x: tf.Tensor) => backend.residency.of(x.dataId);

describe("a tensor", () => {
  it("is uploaded once, and stays where an op has put it", async () => {
    const { traffic } = backend.gpu!.queue;
    const uploads = traffic.uploads;
    const x = tf.tensor1d([1, 2, 3]);
    const [y, z] = [plusOne(x), plusOne(x)];
    expect(traffic.uploads - uploads).toBe(1);
    expect(recordOf(x).ptr).toBeDefined();
    expect(recordOf(x).region).toBeDefined();
    expect(backend.residency.isOnGpuOnly(recordOf(y))).toBe(true);
    expect([...(await y.data())]).toEqual([2, 3, 4]);
    expect(backend.residency.isOnGpuOnly(recordOf(y))).toBe(true);
    tf.dispose([x, y, z]);
  });

  it("of bools and integers comes back as what it was", async () => {
    for (const [dtype, values] of [
      ["bool", [1, 0, 1, 1, 0]],
      ["int32", [-5, 2 ** 31 - 1, -(2 ** 31), 0, 7]],
    ] as const) {
      const x = tf.tensor1d([...values], dtype);
      backend.residency.region(x);
      backend.residency.wrote(x, "webgpu");
      const values2 = await x.data();
      expect([...values2]).toEqual([...values]);
      expect(values2.constructor).toBe(dtype === "bool" ? Uint8Array : Int32Array);
      await backend.residency.download(x.dataId);
      expect([...x.dataSync()]).toEqual([...values]);
      x.dispose();
    }
  });

  it("on the GPU cannot be read at once, and the error says what to do", async () => {
    const x = tf.tensor1d([1]);
    const y = plusOne(x);
    expect(() => y.dataSync()).toThrow(/await tensor\.data\(\)/);
    expect((await y.data())[0]).toBe(2);
    tf.dispose([x, y]);
  });

  it("reads of one moment go in one submit", async () => {
    const x = tf.tensor1d([1, 2]);
    const results = Array.from({ length: 8 }, () => plusOne(x));
    await backend.gpu!.queue.flush();
    const { submits } = backend.gpu!.queue.traffic;
    await Promise.all(results.map((y) => y.data()));
    expect(backend.gpu!.queue.traffic.submits - submits).toBe(1);
    tf.dispose([x, ...results]);
  });

  it("reads what it was when asked, whatever comes after", async () => {
    const x = tf.tidy(() => tf.variable(tf.tensor1d([1, 2]), false));
    backend.residency.region(x);
    backend.residency.wrote(x, "webgpu");
    const before = x.data();
    backend.gpu!.queue.clear(recordOf(x).region!);
    expect([...(await before)]).toEqual([1, 2]);
    expect([...(await x.data())]).toEqual([0, 0]);
    x.dispose();
  });
});

describe("an op without a shader", () => {
  it("waits for values from the GPU, and whatever depends on it waits in turn", async () => {
    const { transfers } = backend.residency;
    const x = tf.tensor1d([1, 2, 3]);
    const y = tf.tidy(() => plusOne(twice(plusOne(x))));
    expect(recordOf(y).pending).toBeDefined();
    expect([...(await y.data())]).toEqual([5, 7, 9]);
    expect(backend.residency.transfers - transfers).toBe(1);
    tf.dispose([x, y]);
  });

  it("holds its inputs, though they are disposed meanwhile", async () => {
    const x = tf.tensor1d([1, 2, 3]);
    const on = plusOne(x);
    const y = twice(on);
    tf.dispose([x, on]);
    expect([...(await y.data())]).toEqual([4, 6, 8]);
    y.dispose();
  });

  it("does not hold up ops that need nothing of it", async () => {
    const x = tf.tensor1d([1, 2, 3]);
    const waiting = tf.tidy(() => twice(plusOne(x)));
    const independent = twice(x);
    expect([...independent.dataSync()]).toEqual([2, 4, 6]);
    expect(() => waiting.dataSync()).toThrow(/cannot be had at once/);
    await settled();
    expect([...waiting.dataSync()]).toEqual([4, 6, 8]);
    tf.dispose([x, waiting, independent]);
  });

  it("that fails rejects the reads of all that depend on it, and no others", async () => {
    const x = tf.tensor1d([1, 2, 3]);
    const on = plusOne(x);
    const failed = call(failing, { x: on }, {});
    const after = plusOne(failed);
    await expect(after.data()).rejects.toThrow("TestFailing fails");
    await expect(failed.data()).rejects.toThrow("TestFailing fails");
    expect([...(await on.data())]).toEqual([2, 3, 4]);
    await expect(settled()).rejects.toThrow("TestFailing fails");
    tf.dispose([x, on, failed, after]);
  });
});

describe("placement", () => {
  it("says where an op ran last, and why", () => {
    const x = tf.tensor1d([1]);
    tf.dispose([plusOne(x), twice(x), x]);
    expect(backend.explain("TestOnGpu")).toMatchObject({ device: "webgpu", inputs: [[1]] });
    expect(backend.explain("TestOnWasm")).toMatchObject({ device: "wasm", reason: "it has no shader" });
    expect(backend.explain("NeverRun")).toBeUndefined();
  });

  it("keeps what is larger than the GPU binds on Wasm", async () => {
    const { memory } = backend.gpu!;
    const x = tf.tensor1d([1, 2, 3]);
    Object.defineProperty(memory, "largestBytes", { value: 8, configurable: true });
    try {
      const y = tf.neg(x);
      expect(backend.explain("Neg")).toMatchObject({ device: "wasm" });
      expect(backend.explain("Neg")?.reason).toMatch(/larger than the 8 bytes/);
      y.dispose();
    } finally {
      Reflect.deleteProperty(memory, "largestBytes");
    }
    x.dispose();
  });

  it("leaving the GPU brings every tensor to the heap, and back it goes when it is used again", async () => {
    const x = tf.tensor1d([1, 2, 3]);
    const y = plusOne(x);
    await init({ device: "wasm" });
    expect(backend.gpu).toBeUndefined();
    expect([...y.dataSync()]).toEqual([2, 3, 4]);
    await useBuild();
    const z = plusOne(y);
    expect([...(await z.data())]).toEqual([3, 4, 5]);
    tf.dispose([x, y, z]);
  });

  it("auto does without a GPU that is computed on the CPU, and says so", async () => {
    if (!backend.gpu!.software) return;
    await init({ device: "auto" });
    const x = tf.tensor1d([1]);
    tf.neg(x).dispose();
    expect(backend.explain("Neg")?.reason).toMatch(/computed on the CPU/);
    x.dispose();
    await useBuild();
  });
});
