import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { useBuild } from "../builds.ts";

beforeAll(useBuild);

describe("maxPool", () => {
  it("shows a NaN wherever it stands in the window, in every channel and in no other", () => {
    const channels = 23;
    for (let place = 0; place < 4; place++) {
      const x = new Float32Array(4 * channels).map((_, i) => i - 50);
      for (let c = 0; c < channels; c += 2) x[place * channels + c] = Number.NaN;
      const y = tf.tidy(() => tf.maxPool(tf.tensor4d(x, [1, 2, 2, channels]), 2, 2, "valid").dataSync());
      const last = 3 * channels - 50;
      expect([...y]).toEqual(
        Array.from({ length: channels }, (_, c) => (c % 2 === 0 ? Number.NaN : last + c)),
      );
    }
  });

  it("gives minus infinity where a window holds nothing else", () => {
    const y = tf.tidy(() =>
      tf.maxPool(tf.fill([1, 2, 2, 20], -Infinity) as tf.Tensor4D, 2, 2, "valid").dataSync(),
    );
    expect([...y]).toEqual(new Array(20).fill(-Infinity));
  });
});
