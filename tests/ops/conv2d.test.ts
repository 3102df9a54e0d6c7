import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { call } from "../../src/backend/op.ts";
import { type Conv2dOptions, conv2d, conv2dTranspose, convolution } from "../../src/ops/conv2d.ts";
import { useBuild } from "../builds.ts";
import { random } from "./check.ts";

beforeAll(useBuild);

function values(shape: number[], seed: string): tf.Tensor {
  const next = random(seed);
  return tf.tensor(
    Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () => next() * 2 - 1),
    shape,
  );
}

function dot(a: tf.Tensor, b: tf.Tensor): number {
  const x = a.dataSync();
  const y = b.dataSync();
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * y[i];
  return sum;
}

describe("conv2dTranspose", () => {
  const layers: readonly (Conv2dOptions & { x: number[]; filter: number[] })[] = [
    { x: [2, 7, 5, 3], filter: [4, 4, 3, 5], stride: 2 },
    { x: [1, 8, 9, 4], filter: [3, 2, 2, 6], stride: [3, 2], pad: 1, groups: 2 },
    { x: [2, 6, 6, 5], filter: [3, 3, 1, 5], groups: 5, pad: "valid", dilation: 2 },
    {
      x: [1, 5, 7, 2],
      filter: [2, 3, 2, 3],
      pad: [
        [1, 0],
        [2, 1],
      ],
    },
  ];
  for (const { x: xShape, filter: filterShape, ...options } of layers) {
    it(`is the adjoint of conv2d: <conv(x), y> = <x, convT(y)>, x [${xShape}], ${JSON.stringify(options)}`, () => {
      tf.tidy(() => {
        const x = values(xShape, "x");
        const filter = values(filterShape, "filter");
        const y = conv2d(x, filter, options);
        const other = values(y.shape, "y");
        const outputSize = [xShape[1], xShape[2]] as const;
        const back = conv2dTranspose(other, filter, { ...options, outputSize });
        expect(back.shape).toEqual(xShape);
        const expected = dot(y, other);
        expect(Math.abs(dot(x, back) - expected)).toBeLessThan(1e-4 * (1 + Math.abs(expected)));
      });
    });
  }

  it("makes the picture `stride` times larger with pad same", () => {
    tf.tidy(() => {
      const y = conv2dTranspose(values([2, 3, 5, 4], "x"), values([4, 4, 6, 4], "f"), { stride: 2 });
      expect(y.shape).toEqual([2, 6, 10, 6]);
    });
  });

  it("gives the smallest output with pad valid, or less with a number", () => {
    tf.tidy(() => {
      const x = values([1, 3, 3, 2], "x");
      const filter = values([4, 3, 5, 2], "f");
      expect(conv2dTranspose(x, filter, { stride: 2, pad: "valid" }).shape).toEqual([1, 8, 7, 5]);
      expect(conv2dTranspose(x, filter, { stride: 2, pad: 1 }).shape).toEqual([1, 6, 5, 5]);
    });
  });

  it("says which size an impossible outputSize belongs to", () => {
    tf.tidy(() => {
      const x = values([1, 3, 3, 2], "x");
      const filter = values([4, 4, 5, 2], "f");
      expect(() => conv2dTranspose(x, filter, { stride: 2, outputSize: [8, 6] })).toThrow(
        /outputSize \[8,6\] belongs to an input of 4x3, got x \[1,3,3,2\]/,
      );
      expect(() => conv2dTranspose(x, values([4, 4, 2, 5], "g"))).toThrow(
        /filter \[height, width, outChannels \/ groups, 2\]/,
      );
    });
  });
});

describe("conv2d", () => {
  it("sums an empty batch to a zero filter gradient and gives an empty output", () => {
    tf.tidy(() => {
      const x = tf.zeros([0, 4, 4, 2]);
      const y = conv2d(x, values([3, 3, 2, 5], "f"));
      expect(y.shape).toEqual([0, 4, 4, 5]);
      const attrs = { strides: 1, pad: "same", filterShape: [3, 3, 2, 5] } as const;
      const dFilter = call(convolution.filter, { x, dy: y }, { ...attrs, filterShape: [3, 3, 2, 5] });
      expect([...dFilter.dataSync()].every((value) => value === 0)).toBe(true);
    });
  });

  it("says what does not fit and what to do", () => {
    tf.tidy(() => {
      const x = values([8, 16, 16, 64], "x");
      const run = (filter: number[], options?: Conv2dOptions) => () =>
        conv2d(x, values(filter, "f"), options);
      expect(run([3, 3, 32, 64])).toThrow(
        "conv2d: expected filter in-channels 64, got 32 (x [8,16,16,64], filter [3,3,32,64]).",
      );
      expect(run([3, 3, 64, 64], { groups: 5 })).toThrow(/divisible by groups 5/);
      expect(run([17, 17, 64, 1], { pad: "valid" })).toThrow(
        /covers 17x17 pixels, more than the padded picture/,
      );
      expect(run([3, 3, 64, 1], { stride: 0 })).toThrow(/strides of integers of at least 1, got \[0,0\]/);
      expect(run([3, 3, 64, 1], { pad: 0.5 })).toThrow(/pad of integers/);
      expect(run([3, 3, 64, 1], { pad: "reflect" as never })).toThrow(TypeError);
      expect(() => conv2d(tf.zeros([1, 4, 4, 1], "int32"), values([1, 1, 1, 1], "f"))).toThrow(
        /expected x of dtype float32, got int32/,
      );
      expect(() =>
        tf.conv2d(
          tf.zeros([1, 3, 5, 5]) as tf.Tensor4D,
          tf.zeros([3, 3, 3, 1]) as tf.Tensor4D,
          1,
          "same",
          "NCHW",
        ),
      ).toThrow(/expected dataFormat NHWC, got NCHW. Transpose/);
    });
  });

  it("refuses a dy that is not the convolution's output", () => {
    tf.tidy(() => {
      const attrs = { strides: 2, pad: "same" } as const;
      expect(() =>
        call(
          convolution.input,
          { dy: values([1, 4, 4, 2], "dy"), filter: values([3, 3, 2, 2], "f") },
          { ...attrs, inputShape: [1, 4, 4, 2] },
        ),
      ).toThrow("conv2d input-gradient: expected dy [1,2,2,2], got [1,4,4,2].");
    });
  });
});
