import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { currentBackend } from "../../src/backend/backend.ts";
import { adamStep, zeroVariable } from "../../src/ops/in-place.ts";
import { useBuild } from "../builds.ts";
import { checkNoLeak } from "../ops/check.ts";
import { list } from "./leaks.ts";

beforeAll(useBuild);
beforeEach(() => tf.setBackend("ganvil"));

describe("tensors of another backend", () => {
  const cpuData = (): number => tf.findBackend("cpu").numDataIds();

  it("are moved when an op meets them, there and back, and freed on both sides", async () => {
    const onCpu = cpuData();
    await checkNoLeak(async () => {
      await tf.setBackend("cpu");
      const x = tf.tensor2d([[1, -2], [3, -4]]); // biome-ignore format: rows of a matrix
      await tf.setBackend("ganvil");
      const y = tf.relu(x);
      expect([cpuData(), currentBackend().numDataIds()]).toEqual([onCpu, 2]);
      await tf.setBackend("cpu");
      const z = tf.add(x, y);
      expect(currentBackend().numDataIds()).toBe(0);
      expect(list(z)).toEqual([2, -2, 6, -4]);
      await tf.setBackend("ganvil");
      const doubled = tf.mul(z, 2);
      expect(list(doubled)).toEqual([4, -4, 12, -8]);
      tf.dispose([x, y, z, doubled]);
    });
    expect(cpuData()).toBe(onCpu);
  });

  it("keep being shared by their clones", async () => {
    await tf.setBackend("cpu");
    const x = tf.tensor1d([1, 2, 3, 4]);
    const clone = tf.clone(x);
    await tf.setBackend("ganvil");
    const square = tf.reshape(x, [2, 2]);
    expect(currentBackend().refCount(x.dataId)).toBe(3);
    x.dispose();
    square.dispose();
    expect(list(clone)).toEqual([1, 2, 3, 4]);
    clone.dispose();
    expect(currentBackend().heap.bytesInUse).toBe(0);
  });

  it("read without a move: where they are is nobody's concern", async () => {
    await tf.setBackend("cpu");
    const x = tf.tensor1d([1, 2], "int32");
    await tf.setBackend("ganvil");
    expect(list(x)).toEqual([1, 2]);
    expect(Array.from(await x.data())).toEqual([1, 2]);
    expect(currentBackend().numDataIds()).toBe(0);
    x.dispose();
  });

  it("can be updated in place: they are given values of their own here", async () => {
    await tf.setBackend("cpu");
    const x = tf.tidy(() => tf.variable(tf.tensor1d([1, 2])));
    await tf.setBackend("ganvil");
    const [m, v, gradient] = [zeroVariable(x), zeroVariable(x), tf.tensor1d([1, 1])];
    adamStep(x, m, v, gradient, { learningRate: 0.5, beta1: 0, beta2: 0, epsilon: 0, step: 1 });
    expect(list(x)).toEqual([0.5, 1.5]);
    tf.dispose([x, m, v, gradient]);
    expect(currentBackend().heap.bytesInUse).toBe(0);
  });

  it("of dtype complex64 are moved too, though the core has no kernel for them", async () => {
    await tf.setBackend("cpu");
    const z = tf.complex([1, 2], [3, 4]);
    await tf.setBackend("ganvil");
    const copy = tf.clone(z);
    expect(list(copy)).toEqual([1, 3, 2, 4]);
    tf.dispose([z, copy]);
    expect(() => tf.tidy(() => tf.complex([1], [2]))).toThrow(
      "Kernel 'Complex' not registered for backend 'ganvil'",
    );
    expect(currentBackend().heap.bytesInUse).toBe(0);
  });
});
