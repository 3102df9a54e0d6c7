// What augmentation does to pictures on the GPU is what it does on Wasm, with its gradient and the gradient's.
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, it } from "vitest";
import { currentBackend } from "../../src/backend/backend.ts";
import { ada } from "../../src/gan/ada.ts";
import { apa } from "../../src/gan/apa.ts";
import { type Augment, diffAugment } from "../../src/gan/augment.ts";
import { deriveKey } from "../../src/random.ts";
import { useBuild } from "../builds.ts";
import { expectClose, random } from "../ops/check.ts";

beforeAll(useBuild);

const size = 8;

function pictures(seed: string): tf.Tensor4D {
  const next = random(seed);
  const values = Float32Array.from({ length: 3 * size * size * 3 }, () => 2 * next() - 1);
  return tf.tensor4d(values, [3, size, size, 3]);
}

/** Changed pictures, the slope of Σ tanh² of them, and the slope of that slope's square, end to end. */
function orders(augment: Augment): tf.Tensor {
  const turn = { key: (purpose: string) => deriveKey(5, purpose), control: () => tf.scalar(0.7) };
  const change = (x: tf.Tensor): tf.Tensor => {
    const shown = augment.present?.(x as tf.Tensor4D, pictures("fake"), turn) ?? x;
    return augment.apply(shown as tf.Tensor4D, turn);
  };
  const slope = tf.grad((x) => tf.sum(tf.square(tf.tanh(change(x)))));
  const again = tf.grad((x) => tf.sum(tf.square(slope(x))));
  const x = pictures("real");
  return tf.concat([change(x), slope(x), again(x)].map((y) => tf.reshape(y, [-1])));
}

const augments = {
  "diffAugment with cutout": diffAugment({ cutout: 0.5 }),
  "ada with noise and cutout": ada({ noise: 0.1, cutout: 0.3 }),
  "apa of ada": apa({}, ada()),
};

for (const [name, augment] of Object.entries(augments)) {
  it(`${name} is the same on both devices, twice differentiated`, async () => {
    const { placer } = currentBackend();
    const gpu = await tf.tidy(() => orders(augment)).data();
    placer.mode = "wasm";
    try {
      const wasm = await tf.tidy(() => orders(augment)).data();
      expect(Math.max(...wasm.map(Math.abs))).toBeGreaterThan(0.5);
      expectClose(name, gpu, wasm, 1e-4);
    } finally {
      placer.mode = "webgpu";
    }
  });
}
