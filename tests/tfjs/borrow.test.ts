import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { init as initCore } from "../../src/init.ts";
import { init } from "../../src/tfjs/index.ts";
import { itFrees, list } from "../backend/leaks.ts";

beforeAll(async () => {
  await init({ build: inject("build") });
});
beforeEach(() => tf.setBackend("ganvil"));

/** A picture [1, 4, 5, 2] and a filter [2, 3, 2, 3] of small numbers. */
const operands = (): [tf.Tensor4D, tf.Tensor4D] => [
  tf.tensor4d(
    Float32Array.from({ length: 40 }, (_, i) => ((i * 7) % 11) - 5),
    [1, 4, 5, 2],
  ),
  tf.tensor4d(
    Float32Array.from({ length: 36 }, (_, i) => ((i * 5) % 9) - 4),
    [2, 3, 2, 3],
  ),
];

describe("the backend for any TensorFlow.js program", () => {
  it("has every kernel that TensorFlow.js's cpu backend has", () => {
    const names = tf.getKernelsForBackend("ganvil").map(({ kernelName }) => kernelName);
    const lacking = tf.getKernelsForBackend("cpu").filter(({ kernelName }) => !names.includes(kernelName));
    expect(lacking).toEqual([]);
  });

  itFrees("borrows kernels of numbers, with several results too", () => {
    tf.tidy(() => {
      const { values, indices } = tf.topk(tf.tensor1d([3, 1, 4, 1, 5]), 2);
      expect(list(values)).toEqual([5, 4]);
      expect(list(indices)).toEqual([4, 2]);
      const { values: unique, indices: where } = tf.unique(tf.tensor1d([7, 7, 9], "int32"));
      expect([unique.dtype, ...list(unique), ...list(where)]).toEqual(["int32", 7, 9, 0, 0, 1]);
    });
  });

  itFrees("computes with the results of borrowed kernels, and they with ours", () => {
    tf.tidy(() => {
      const { values } = tf.topk(tf.relu(tf.tensor1d([-3, 2, 1])), 2);
      expect(list(tf.add(values, 1))).toEqual([3, 2]);
    });
  });

  itFrees("has strings, also where an op of its own takes numbers only", () => {
    tf.tidy(() => {
      const words = tf.tensor1d(["ab", "c", "ab"]);
      expect(tf.concat([words, tf.tensor1d(["d"])]).dataSync()).toEqual(["ab", "c", "ab", "d"]);
      expect(tf.slice(words, 1, 2).dataSync()).toEqual(["c", "ab"]);
      expect(list(tf.equal(words, tf.tensor1d(["ab"])))).toEqual([1, 0, 1]);
      expect(tf.reshape(words, [3, 1]).shape).toEqual([3, 1]);
      expect(tf.fill([2], "x" as never, "string" as never).dataSync()).toEqual(["x", "x"]);
    });
  });

  itFrees("has complex numbers, of every shape and of none", () => {
    tf.tidy(() => {
      const z = tf.complex([[1, 2]], [[3, 4]]);
      expect(list(tf.mul(z, z))).toEqual([-8, 6, -12, 16]);
      expect(list(tf.transpose(z))).toEqual([1, 3, 2, 4]);
      expect(list(tf.imag(tf.reshape(z, [2])))).toEqual([3, 4]);
      expect(tf.complex(tf.zeros([0, 3]), tf.zeros([0, 3])).shape).toEqual([0, 3]);
    });
  });

  itFrees("transforms there and back", () => {
    tf.tidy(() => {
      const x = [1, 5, -2, 0.5];
      const back = list(tf.irfft(tf.rfft(tf.tensor1d(x)))) as number[];
      for (const [i, value] of back.entries()) expect(value).toBeCloseTo(x[i], 6);
    });
  });

  itFrees(
    "takes dtypes that its own op refuses, and keeps its own error where TensorFlow.js fails too",
    () => {
      tf.tidy(() => {
        const a = tf.tensor2d([1, 2, 3, 4], [2, 2], "int32");
        const product = tf.matMul(a, a);
        expect([product.dtype, ...list(product)]).toEqual(["int32", 7, 10, 15, 22]);
        expect(() =>
          tf.engine().runKernel("BatchMatMul", { a: tf.ones([2], "int32"), b: a } as never),
        ).toThrow(/^matMul: /);
      });
    },
  );

  itFrees("takes channels before pixels, with first and second derivatives", () => {
    tf.tidy(() => {
      const [x, filter] = operands();
      const loss = (turned: boolean) => (w: tf.Tensor) => {
        const picture = turned ? tf.transpose(x, [0, 3, 1, 2]) : x;
        const dx = tf.grad((p: tf.Tensor) =>
          tf.sum(
            tf.square(tf.conv2d(p as tf.Tensor4D, w as tf.Tensor4D, [2, 1], 1, turned ? "NCHW" : "NHWC")),
          ),
        )(picture);
        return tf.sum(tf.square(dx)) as tf.Scalar;
      };
      const wanted = tf.grad(loss(false))(filter);
      const got = tf.grad(loss(true))(filter);
      expect(Number(tf.max(tf.abs(wanted)).dataSync()[0])).toBeGreaterThan(1);
      expect(Number(tf.max(tf.abs(tf.sub(got, wanted))).dataSync()[0])).toBeLessThan(
        1e-5 * Number(tf.max(tf.abs(wanted)).dataSync()[0]),
      );
    });
  });

  itFrees("differentiates greyscale dilation", () => {
    tf.tidy(() => {
      const x = tf.tensor4d([1, 4, 2, 3], [1, 2, 2, 1]);
      const filter = tf.tensor3d([0, 0, 0, 5], [2, 2, 1]);
      // The largest sum is that of the last corner, 3 + 5.
      const [dx, dFilter] = tf.grads((a, b) => tf.dilation2d(a as tf.Tensor4D, b as tf.Tensor3D, 1, "valid"))(
        [x, filter],
      );
      expect(list(dx)).toEqual([0, 0, 0, 1]);
      expect(list(dFilter)).toEqual([0, 0, 0, 1]);
    });
  });

  itFrees("frees what a borrowed kernel made before it failed", () => {
    tf.tidy(() => {
      expect(() => tf.sparse.sparseReshape([[0, 9]], [2, 3], [-1, -1])).toThrow();
    });
  });

  it("stays complete when the core is started again", async () => {
    await initCore();
    expect(tf.tidy(() => tf.concat([tf.tensor1d(["a"]), tf.tensor1d(["b"])]).dataSync())).toEqual(["a", "b"]);
  });
});
