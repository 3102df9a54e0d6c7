import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { useBuild } from "../builds.ts";

beforeAll(useBuild);

describe("matMul", () => {
  it("gives zeros where the inner size is 0, and empty results", () => {
    tf.tidy(() => {
      expect([...tf.matMul(tf.zeros([2, 0]), tf.zeros([0, 3])).dataSync()]).toEqual([0, 0, 0, 0, 0, 0]);
      expect(tf.matMul(tf.zeros([0, 4]), tf.zeros([4, 3])).shape).toEqual([0, 3]);
    });
  });

  it("says which sizes do not match", () => {
    tf.tidy(() => {
      expect(() => tf.matMul(tf.zeros([2, 3]), tf.zeros([4, 5]))).toThrow(
        "matMul: expected equal inner sizes, got 3 and 4 (a [2,3], b [4,5])",
      );
      expect(() => tf.matMul(tf.zeros([2, 2, 3]), tf.zeros([3, 3, 5]))).toThrow(/equal or 1 \(a \[2,2,3\]/);
      expect(() => tf.matMul(tf.zeros([2, 3], "int32"), tf.zeros([3, 5], "int32"))).toThrow(
        /float32, got int32/,
      );
    });
  });

  it("refuses a fused activation or bias that it cannot apply", () => {
    tf.tidy(() => {
      const a = tf.zeros([2, 3]) as tf.Tensor2D;
      expect(() =>
        tf.fused.matMul({ a, b: tf.zeros([3, 5]) as tf.Tensor2D, activation: "tanh" as never }),
      ).toThrow(/fused.matMul: expected activation linear, relu/);
      expect(() =>
        tf.fused.matMul({ a, b: tf.zeros([3, 5]) as tf.Tensor2D, bias: tf.zeros([4, 2, 5]) }),
      ).toThrow(/expected bias that broadcasts to \[1,2,5\], got \[4,2,5\]. Add it separately/);
    });
  });

  it("broadcasts a fused bias along any axis", () => {
    tf.tidy(() => {
      const a = tf.ones([2, 3]) as tf.Tensor2D;
      const b = tf.ones([3, 2]) as tf.Tensor2D;
      const bias = tf.tensor2d([[-4], [4]]);
      expect([...tf.fused.matMul({ a, b, bias, activation: "relu" }).dataSync()]).toEqual([0, 0, 7, 7]);
    });
  });
});
