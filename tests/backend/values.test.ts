import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect } from "vitest";
import type { HeapMemory } from "../../src/backend/backend.ts";
import { useBuild } from "../builds.ts";
import { itFrees, list } from "./leaks.ts";

beforeAll(useBuild);

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
    const large = tf.zeros([(tf.memory() as tf.MemoryInfo & HeapMemory).heapBytesReserved / 4 + 1]);
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
