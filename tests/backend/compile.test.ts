import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { currentBackend } from "../../src/backend/backend.ts";
import { compile, onHost } from "../../src/backend/compile.ts";
import { createGan } from "../../src/gan/gan.ts";
import type { GanSettings } from "../../src/gan/settings.ts";
import { networkOf } from "../../src/nn/network.ts";
import { conv2d } from "../../src/ops/conv2d.ts";
import { assignStep } from "../../src/ops/in-place.ts";
import { randomNormal } from "../../src/ops/random.ts";
import { Adam } from "../../src/optim/adam.ts";
import { deriveKey } from "../../src/random.ts";
import { dcgan } from "../../src/recipes/dcgan.ts";
import { useBuild } from "../builds.ts";

beforeAll(useBuild);

const values = (x: tf.Tensor): number[] => [...x.dataSync()];

/** Runs a compiled step on scalars and gives its first result's values. */
function on(step: (...inputs: tf.Tensor[]) => tf.Tensor[], ...inputs: (number | number[])[]): number[] {
  const tensors = inputs.map((input) => tf.tensor(input));
  const results = step(...tensors);
  const found = values(results[0]);
  tf.dispose([...tensors, ...results]);
  return found;
}

describe("compile", () => {
  it("calls a step twice and replays its kernels from then on", () => {
    let calls = 0;
    const step = compile((x) => {
      calls++;
      return [tf.add(tf.square(x), 3)];
    });
    expect(step.status).toBe("watched");
    for (const x of [1, 2, 3, 4, 5]) expect(on(step, x)).toEqual([x * x + 3]);
    expect(step.status).toBe("captured");
    expect(calls).toBe(2);
    step.dispose();
  });

  it("gives constants, broadcasts and temporaries their values at each replay", () => {
    const plain = (x: tf.Tensor): tf.Tensor[] => {
      const rows = tf.mul(x, tf.tensor([[1], [10], [100]]));
      const product = tf.matMul(rows as tf.Tensor2D, tf.ones([4, 4]));
      return [tf.sum(tf.mul(tf.sub(product, tf.mean(product, 0)), tf.tensor([1, 2, 3, 4])), 1)];
    };
    const step = compile((x) => plain(x));
    for (let i = 0; i < 6; i++) {
      const x = [i, 2 * i - 1, 7, i * i];
      const expected = tf.tidy(() => values(plain(tf.tensor(x))[0]));
      expect(on(step, x)).toEqual(expected);
    }
    expect(step.status).toBe("captured");
    step.dispose();
  });

  it("records again when a shape changes", () => {
    const step = compile((x) => [tf.sum(x)]);
    for (const n of [3, 3, 3, 5, 5, 5, 3]) {
      expect(
        on(
          step,
          Array.from({ length: n }, () => 2),
        ),
      ).toEqual([2 * n]);
    }
    expect(step.status).toBe("watched");
    step.dispose();
  });

  it("asks attributes that are functions, and the host, anew at each replay", () => {
    let at = 0;
    const seen: number[] = [];
    const key = () => deriveKey(1, at);
    const step = compile(() => {
      const z = randomNormal([2], { key });
      onHost([z], ([first]) => seen.push(first));
      return [tf.mul(z, 1)];
    });
    const drawn: number[] = [];
    for (at = 0; at < 5; at++) drawn.push(on(step)[0]);
    const expected = [0, 1, 2, 3, 4].map((i) =>
      tf.tidy(() => values(randomNormal([2], { key: deriveKey(1, i) }))[0]),
    );
    expect(drawn).toEqual(expected);
    expect(seen).toEqual(expected);
    expect(step.status).toBe("captured");
    step.dispose();
  });

  it("updates variables in place and leaves clones of them as they were", () => {
    const total = tf.variable(tf.scalar(0), false);
    const step = compile((x) => {
      tf.tidy(() => assignStep(total, tf.add(total, x)));
      return [tf.mul(total, 2)];
    });
    for (const x of [1, 2, 3, 4]) on(step, x);
    expect(values(total)).toEqual([10]);
    expect(step.status).toBe("captured");
    const clone = total.clone();
    expect(on(step, 5)).toEqual([30]);
    expect(values(clone)).toEqual([10]);
    clone.dispose();
    for (const x of [6, 7, 8]) on(step, x);
    expect(values(total)).toEqual([36]);
    expect(step.status).toBe("captured");
    tf.tidy(() => total.assign(tf.scalar(100)));
    expect(on(step, 1)).toEqual([202]);
    for (const x of [1, 1, 1]) on(step, x);
    expect(values(total)).toEqual([104]);
    step.dispose();
    total.dispose();
  });

  const refused: Record<string, [RegExp, (x: tf.Tensor) => tf.Tensor[]]> = {
    "reads a tensor": [/values were read/, (x) => [tf.mul(x, x.dataSync()[0])]],
    "assigns a variable": [
      /gives a variable other memory/,
      (x) => {
        counter.assign(tf.tidy(() => tf.add(counter, x)));
        return [tf.mul(counter, 1)];
      },
    ],
    "keeps a tensor": [
      /keeps a tensor/,
      (x) => {
        kept.push(tf.keep(tf.mul(x, 2)));
        return [tf.mul(x, 3)];
      },
    ],
    "changes an attribute": [/change from call to call/, (x) => [tf.leakyRelu(x, Math.random())]],
    "has random numbers of its own": [/change from call to call/, (x) => [tf.mul(x, Math.random())]],
  };
  let counter: tf.Variable;
  let kept: tf.Tensor[] = [];
  for (const [what, [reason, f]] of Object.entries(refused)) {
    it(`runs as it is a step that ${what}, and says why`, () => {
      counter = tf.variable(tf.scalar(0), false);
      kept = [];
      const step = compile((x) => tf.tidy(() => f(x)));
      for (let i = 1; i < 6; i++) on(step, i);
      expect(step.status).toMatch(reason);
      if (what === "assigns a variable") expect(values(counter)).toEqual([15]);
      expect(kept.map((x) => values(x)[0])).toEqual(what === "keeps a tensor" ? [2, 4, 6, 8, 10] : []);
      tf.dispose([counter, ...kept]);
      step.dispose();
    });
  }

  it("passes on what a step throws, and goes on after it", () => {
    const step = compile((x) => {
      onHost([x], ([value]) => {
        if (value < 0) throw new RangeError("below zero");
      });
      return [tf.sqrt(x)];
    });
    for (const x of [-1, 4, -1, 9, 16, -1, 25]) {
      if (x < 0) expect(() => on(step, x)).toThrow("below zero");
      else expect(on(step, x)).toEqual([Math.sqrt(x)]);
    }
    expect(step.status).toBe("captured");
    step.dispose();
  });

  it("gives its memory back and leaks no tensor", () => {
    const backend = currentBackend();
    const picture = tf.ones([2, 8, 8, 4]);
    const before = { tensors: tf.memory().numTensors, bytes: backend.heap.bytesInUse };
    const step = compile((x) => tf.tidy(() => [conv2d(x, tf.ones([3, 3, 4, 4])), tf.relu(x)]));
    for (let i = 0; i < 20; i++) {
      tf.dispose(step(picture));
      expect(tf.memory().numTensors).toBe(before.tensors);
    }
    expect(backend.heap.bytesInUse).toBeGreaterThan(before.bytes);
    step.dispose();
    expect(backend.heap.bytesInUse).toBe(before.bytes);
    picture.dispose();
  });
});

describe("a captured training step", () => {
  /** The bytes of every array after some steps, a state saved and restored among them. */
  async function train(settings: () => GanSettings, capture: boolean): Promise<[number[], string]> {
    const gan = createGan({ ...settings(), capture });
    const { batch, resolution, channels } = gan.settings;
    const losses: number[] = [];
    const step = async (i: number) => {
      const data = new Uint8Array(batch * resolution ** 2 * channels).map(
        (_, at) => (at * 31 + i * 77) % 256,
      );
      const reports = await gan.step({
        image: { data, shape: [batch, resolution, resolution, channels] },
        cursor: i,
      });
      for (const { loss, gradientNorm } of Object.values(reports)) losses.push(loss, gradientNorm);
    };
    for (let i = 0; i < 5; i++) await step(i);
    const middle = await gan.state();
    tf.tidy(() => gan.generate(tf.zeros([1, gan.settings.latent])));
    for (let i = 5; i < 8; i++) await step(i);
    gan.restore(middle);
    for (let i = 5; i < 9; i++) await step(i);
    const { tensors } = await gan.state();
    for (const { data } of Object.values(tensors)) losses.push(...data);
    const { stepStatus } = gan;
    gan.dispose();
    return [losses, stepStatus];
  }

  const mlp = (): GanSettings => {
    const parameters = (sizes: number[], seed: number) =>
      Object.fromEntries(
        sizes
          .slice(1)
          .map((outputs, i) => [
            `w${i}`,
            tf.tidy(() =>
              tf.variable(randomNormal([sizes[i], outputs], { key: deriveKey(seed, i), std: 0.2 })),
            ),
          ]),
      );
    const chain = (weights: Record<string, tf.Variable>, x: tf.Tensor) =>
      Object.values(weights).reduce<tf.Tensor>(
        (y, weight, i) => tf.matMul((i === 0 ? y : tf.leakyRelu(y, 0.2)) as tf.Tensor2D, weight as never),
        x,
      );
    const generator = parameters([5, 8, 16], 1);
    const discriminator = parameters([16, 8, 1], 2);
    return {
      generator: networkOf(generator, (z) => tf.reshape(tf.tanh(chain(generator, z)), [-1, 4, 4, 1])),
      discriminator: networkOf(discriminator, (x) => chain(discriminator, tf.reshape(x, [-1, 16]))),
      ...{ latent: 5, resolution: 4, channels: 1, batch: 3, averageHalfLife: 10 },
    };
  };

  const games: Record<string, () => GanSettings> = {
    "a DCGAN with DiffAugment": () => dcgan({ widths: [6, 5, 4], latent: 7, batch: 4, kimg: 0.04, seed: 3 }),
    "one's own functions": mlp,
  };
  for (const [what, settings] of Object.entries(games)) {
    it(`has the bits of a plain one, for ${what}`, async () => {
      const [captured, status] = await train(settings, true);
      const [plain] = await train(settings, false);
      expect(status).toBe("captured");
      expect(captured).toEqual(plain);
      expect(captured.every(Number.isFinite)).toBe(true);
    });
  }

  it("compiles an own loop: loss, gradients and Adam", () => {
    const weight = tf.variable(tf.tensor([0.5, -1]));
    const adam = new Adam({ weight }, { beta1: 0.9, beta2: 0.999 });
    let rate = 0.1;
    const step = compile((x, y) => {
      const { value, grads } = tf.variableGrads(() =>
        tf.mean(tf.square(tf.sub(tf.sum(tf.mul(x, weight), 1), y))),
      );
      adam.apply({ weight: grads[weight.name] }, () => rate);
      tf.dispose(grads);
      return [value];
    });
    const x = tf.randomUniform([32, 2], -1, 1, "float32", 5);
    const y = tf.tidy(() => tf.sum(tf.mul(x, tf.tensor([2, 3])), 1));
    for (let i = 0; i < 400; i++) {
      tf.dispose(step(x, y));
      rate *= 0.99;
    }
    expect(step.status).toBe("captured");
    const [a, b] = values(weight);
    expect(Math.abs(a - 2) + Math.abs(b - 3)).toBeLessThan(0.01);
    step.dispose();
    adam.dispose();
    tf.dispose([x, y, weight]);
  });
});
