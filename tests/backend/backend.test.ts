import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { currentBackend, type HeapMemory } from "../../src/backend/backend.ts";
import { call, defineOp } from "../../src/backend/op.ts";
import { registerOps } from "../../src/backend/register.ts";
import { check } from "../../src/errors.ts";
import { adamStep, zeroVariable } from "../../src/ops/in-place.ts";
import { useBuild } from "../builds.ts";
import { checkNoLeak } from "../ops/check.ts";

beforeAll(useBuild);
beforeEach(() => tf.setBackend("ganvil"));

const heapMemory = () => tf.memory() as tf.MemoryInfo & HeapMemory;
const list = (x: tf.Tensor): unknown[] => Array.from(x.dataSync());

/** A test that leaves tensors, data and heap bytes as they were. */
const itFrees = (behaviour: string, work: () => void | Promise<void>): void =>
  it(behaviour, () => checkNoLeak(async () => work()));

describe("values", () => {
  const kinds: [tf.DataType, (number | string | boolean)[], unknown[]][] = [
    ["float32", [1.5, -0, 1e-45, 3e38], [1.5, -0, 1.401298464324817e-45, Math.fround(3e38)]],
    ["int32", [1, -2, 2147483647, -2147483648], [1, -2, 2147483647, -2147483648]],
    ["bool", [true, false, true], [1, 0, 1]],
    ["string", ["ü", "", "two words"], ["ü", "", "two words"]],
  ];
  for (const [dtype, values, expected] of kinds) {
    itFrees(`of dtype ${dtype} come back as they went in, with and without waiting`, async () => {
      const x = tf.tensor1d(values as number[], dtype as "float32");
      expect(x.dtype).toBe(dtype);
      expect(Array.from(await x.data())).toEqual(expected);
      expect(list(x)).toEqual(expected);
      x.dispose();
    });
  }

  itFrees("read are copies: changing them changes no tensor", () => {
    const x = tf.tensor1d([1, 2]);
    x.dataSync()[0] = 9;
    expect(list(x)).toEqual([1, 2]);
    x.dispose();
  });

  itFrees("outlive growth of the heap", () => {
    const x = tf.tensor1d([1, 2, 3]);
    const large = tf.zeros([heapMemory().heapBytesReserved / 4 + 1]);
    expect(list(x)).toEqual([1, 2, 3]);
    tf.dispose([x, large]);
  });

  itFrees("not finite pass through arithmetic as IEEE 754 says", () => {
    const [nan, inf] = [Number.NaN, Number.POSITIVE_INFINITY];
    tf.tidy(() => {
      // Longer than a vector, so that the kernel's body and its rest are both met.
      const repeat = (values: number[]) => Array.from({ length: 35 }, (_, i) => values[i % 5]);
      const x = tf.tensor1d(repeat([nan, inf, -inf, -2, 3]));
      const expectEach = (y: tf.Tensor, values: number[]) => expect(list(y)).toEqual(repeat(values));
      expectEach(x, [nan, inf, -inf, -2, 3]);
      expectEach(tf.add(x, 1), [nan, inf, -inf, -1, 4]);
      expectEach(tf.sub(x, x), [nan, nan, nan, 0, 0]);
      expectEach(tf.mul(x, 0), [nan, nan, nan, -0, 0]);
      expectEach(tf.div(1, x), [nan, 0, -0, -0.5, Math.fround(1 / 3)]);
      expectEach(tf.relu(x), [nan, inf, 0, 0, 3]);
      expectEach(tf.leakyRelu(x, 0.5), [nan, inf, -inf, -1, 3]);
      expectEach(tf.maximum(x, 0), [nan, inf, 0, 0, 3]);
      expectEach(tf.minimum(x, 0), [nan, 0, -inf, -2, 0]);
      expect([tf.sum(x), tf.max(x), tf.min(x), tf.mean(x)].flatMap(list)).toEqual([nan, nan, nan, nan]);
      const finite = tf.tensor1d(repeat([1, inf, -2, 3, inf]));
      expect([tf.sum(finite), tf.max(finite), tf.min(finite)].flatMap(list)).toEqual([inf, inf, -2]);
      expect(list(tf.sum(tf.tensor1d(repeat([inf, -inf, 0, 0, 0]))))).toEqual([nan]);
      expect(list(tf.matMul(tf.reshape(finite, [1, 35]), tf.zeros([35, 1])))).toEqual([nan]);
    });
  });

  itFrees("of no element pass through every kind of op", () => {
    tf.tidy(() => {
      const x = tf.zeros([0, 4, 4, 3]) as tf.Tensor4D;
      const flat = tf.reshape(x, [0, 48]) as tf.Tensor2D;
      const filter = tf.ones([3, 3, 3, 2]) as tf.Tensor4D;
      const results: [tf.Tensor, number[]][] = [
        [tf.add(x, 1), [0, 4, 4, 3]],
        [tf.mul(x, x), [0, 4, 4, 3]],
        [tf.relu(x), [0, 4, 4, 3]],
        [tf.tanh(x), [0, 4, 4, 3]],
        [tf.cast(x, "int32"), [0, 4, 4, 3]],
        [tf.conv2d(x, filter, 1, "same"), [0, 4, 4, 2]],
        [tf.conv2dTranspose(x, tf.ones([3, 3, 2, 3]) as tf.Tensor4D, [0, 8, 8, 2], 2, "same"), [0, 8, 8, 2]],
        [tf.matMul(flat, tf.ones([48, 5]) as tf.Tensor2D), [0, 5]],
        [tf.softmax(flat), [0, 48]],
        [tf.concat([x, x]), [0, 4, 4, 3]],
        [tf.slice(x, [0, 1, 1, 0], [0, 2, 2, 3]), [0, 2, 2, 3]],
        [tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]), [0, 6, 6, 3]], // biome-ignore format: one row an op
        [tf.transpose(x, [3, 1, 2, 0]), [3, 4, 4, 0]],
        [tf.tile(x, [2, 1, 1, 1]), [0, 4, 4, 3]],
        [tf.maxPool(x, 2, 2, "valid"), [0, 2, 2, 3]],
        [tf.image.resizeBilinear(x, [8, 8]), [0, 8, 8, 3]],
        [tf.gather(tf.ones([5, 2]), tf.tensor1d([], "int32")), [0, 2]],
        [tf.where(tf.greater(x, 0), x, x), [0, 4, 4, 3]],
      ];
      for (const [y, shape] of results) {
        expect(y.shape).toEqual(shape);
        expect(y.dataSync().length).toBe(0);
      }
      expect([tf.sum(x), tf.max(x), tf.min(x)].flatMap(list)).toEqual([
        0,
        Number.NEGATIVE_INFINITY,
        Number.POSITIVE_INFINITY,
      ]);
      expect(list(tf.sum(x, 0)).every((value) => value === 0)).toBe(true);
    });
  });
});

describe("memory", () => {
  it("is counted exactly, in bytes of tensors and of the heap", () => {
    const before = heapMemory();
    const x = tf.zeros([5, 7]);
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

  it("of dtype complex64 are refused with a way out", async () => {
    await tf.setBackend("cpu");
    const z = tf.complex([1, 2], [3, 4]);
    await tf.setBackend("ganvil");
    expect(() => tf.clone(z)).toThrow(/float32, int32, bool or string, got complex64.*tf\.setBackend/);
    z.dispose();
    expect(() => tf.tidy(() => tf.complex([1], [2]))).toThrow(
      "Kernel 'Complex' not registered for backend 'ganvil'",
    );
    expect(currentBackend().heap.bytesInUse).toBe(0);
  });
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
