import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { currentBackend, type HeapMemory } from "../../src/backend/backend.ts";
import { call, defineOp } from "../../src/backend/op.ts";
import { registerOps } from "../../src/backend/register.ts";
import { check } from "../../src/errors.ts";
import { adamStep, zeroVariable } from "../../src/ops/in-place.ts";
import { useBuild } from "../builds.ts";
import { checkNoLeak } from "../ops/check.ts";
import { itFrees, list } from "./leaks.ts";

beforeAll(useBuild);

const heapMemory = () => tf.memory() as tf.MemoryInfo & HeapMemory;

describe("memory", () => {
  it("is counted exactly, in bytes of tensors and of the heap", () => {
    const before = heapMemory();
    const x = tf.ones([5, 7]);
    const flags = tf.tensor1d([true, false], "bool");
    const during = heapMemory();
    expect(during.numBytes - before.numBytes).toBe(5 * 7 * 4 + 2);
    expect(during.heapBytesInUse - before.heapBytesInUse).toBe(192 + 64);
    expect(during.numTensors - before.numTensors).toBe(2);
    expect(during.unreliable).toBe(false);
    tf.dispose([x, flags]);
    const { heapBytesReserved: _, ...after } = heapMemory();
    expect(before).toMatchObject(after);
  });

  it("is what it was after a tidy that throws", () =>
    checkNoLeak(async () => {
      expect(() =>
        tf.tidy(() => {
          tf.add(tf.ones([3, 3]), tf.ones([3, 3]));
          throw new Error("midway");
        }),
      ).toThrow("midway");
    }));

  itFrees("is shared by clone and reshape until the last of them is disposed", () => {
    const inUse = () => heapMemory().heapBytesInUse;
    const x = tf.tensor1d([1, 2, 3, 4]);
    const bytes = inUse();
    const copies = [tf.clone(x), tf.reshape(x, [2, 2]), tf.expandDims(x, 0)];
    expect(inUse()).toBe(bytes);
    expect(currentBackend().refCount(x.dataId)).toBe(4);
    x.dispose();
    for (const copy of copies) expect(list(copy)).toEqual([1, 2, 3, 4]);
    tf.dispose(copies);
  });

  itFrees("written in place leaves clones and reshapes as they were", () => {
    const x = tf.tidy(() => tf.variable(tf.tensor1d([1, 2])));
    const [clone, column] = [tf.clone(x), tf.reshape(x, [2, 1])];
    const [m, v] = [zeroVariable(x), zeroVariable(x)];
    const gradient = tf.tensor1d([1, -1]);
    adamStep(x, m, v, gradient, { learningRate: 0.5, beta1: 0, beta2: 0, epsilon: 0, step: 1 });
    expect(list(x)).toEqual([0.5, 2.5]);
    expect([list(clone), list(column)]).toEqual([[1, 2], [1, 2]]); // biome-ignore format: two rows
    tf.dispose([x, clone, column, m, v, gradient]);
  });

  itFrees("is freed once, however often a tensor is disposed, and a disposed tensor throws", () => {
    const x = tf.tensor1d([1, 2]);
    const other = tf.clone(x);
    x.dispose();
    x.dispose();
    expect(list(other)).toEqual([1, 2]);
    expect(() => tf.relu(x)).toThrow(/^Relu: input "x" \[2\] is disposed\. Keep it/);
    expect(() => x.dataSync()).toThrow(/disposed/);
    other.dispose();
  });

  it("runs out with an error that says what to do, and leaves nothing of the failed op", () =>
    checkNoLeak(async () => {
      tf.tidy(() => {
        const x = tf.zeros([1, 1]);
        expect(() => tf.tile(x, [2 ** 16, 2 ** 16])).toThrow(
          expect.objectContaining({
            code: "out-of-memory",
            message: expect.stringMatching(/smaller batch or resolution, or dispose tensors/),
          }),
        );
        expect(list(tf.add(x, 1))).toEqual([1]);
      });
    }));
});

describe("an op that throws", () => {
  const faulty = defineOp<"x", { where: "infer" | "kernel" }>({
    name: "TestFaulty",
    inputs: ["x"],
    infer: ({ x }, { where }) => {
      check(where !== "infer", () => "faulty: refused");
      return [{ shape: x.shape }, { shape: x.shape, dtype: "int32" }];
    },
    wasm: ({ workspace }) => {
      workspace(1000);
      throw new RangeError("faulty: broke");
    },
  });

  for (const where of ["infer", "kernel"] as const) {
    itFrees(`in its ${where} leaves nothing behind, and the backend goes on`, () => {
      registerOps([faulty]);
      const x = tf.tensor1d([1, 2]);
      expect(() => call(faulty, { x }, { where })).toThrow(/^faulty: /);
      const dx = tf.grad((y) => tf.sum(tf.square(y)))(x);
      expect(list(dx)).toEqual([2, 4]);
      tf.dispose([x, dx]);
      tf.unregisterKernel(faulty.name, "ganvil");
    });
  }

  itFrees("for want of a kernel is named", () => {
    tf.tidy(() => {
      expect(() => tf.engine().runKernel("NoSuchKernel", { x: tf.scalar(1) } as never)).toThrow(
        "Kernel 'NoSuchKernel' not registered for backend 'ganvil'",
      );
    });
  });
});

describe("measuring", () => {
  it("tf.profile lists kernels and what they added", async () => {
    const x = tf.ones([4, 4]);
    const profile = await tf.profile(() =>
      tf.tidy(() => tf.relu(tf.matMul(x as tf.Tensor2D, x as tf.Tensor2D))),
    );
    expect(profile.kernels.map(({ name }) => name)).toContain("BatchMatMul");
    expect(profile.newTensors).toBe(1);
    expect(profile.newBytes).toBe(64);
    expect(profile.peakBytes).toBeGreaterThanOrEqual(128);
    const [{ kernelTimeMs }] = profile.kernels;
    expect(await kernelTimeMs).toBeGreaterThanOrEqual(0);
    tf.dispose([x, profile.result as tf.Tensor]);
  });

  itFrees("tf.time gives milliseconds", async () => {
    const { kernelMs, wallMs } = await tf.time(() => tf.tidy(() => void tf.add(tf.ones([9]), 1)));
    expect(kernelMs).toBeGreaterThanOrEqual(0);
    expect(wallMs).toBeGreaterThanOrEqual(kernelMs as number);
  });
});
