import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import type { GanvilBackend } from "../../src/backend/backend.ts";
import { layTogether } from "../../src/backend/copy.ts";
import { init as initComplete } from "../../src/tfjs/index.ts";
import { init } from "../../src/tfjs/webgpu.ts";
import { checkNoLeak } from "../ops/check.ts";

let backend: GanvilBackend;

beforeAll(async () => {
  backend = await init({ device: "webgpu", build: inject("build") });
});
beforeEach(() => tf.setBackend("ganvil"));

type Inputs = readonly tf.Tensor[];

/** The same tensor, on the GPU and nowhere else. */
function onGpu(x: tf.Tensor): tf.Tensor {
  const line = tf.reshape(x, [1, 1, x.size, 1]) as tf.Tensor4D;
  return tf.reshape(tf.image.resizeNearestNeighbor(line, [1, x.size]), x.shape);
}

const numbers = (shape: number[], step = 7, range = 11): tf.Tensor =>
  tf.tensor(
    Float32Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) => ((i * step) % range) - 4.5),
    shape,
  );

const integers = (values: number[], shape?: number[]): tf.Tensor => tf.tensor(values, shape, "int32");

/** A call by its inputs, which are made where it runs. */
interface Case {
  readonly inputs: () => Inputs;
  readonly run: (...inputs: tf.Tensor[]) => tf.Tensor | tf.Tensor[];
}

const pooled = (x: tf.Tensor, part: "result" | "indexes") =>
  tf.maxPoolWithArgmax(x as tf.Tensor4D, 2, 2, "valid")[part] as tf.Tensor;

const lent: Readonly<Record<string, Case>> = {
  "the largest values of rows": {
    inputs: () => [numbers([5, 9])],
    run: (x) => {
      const { values, indices } = tf.topk(x as tf.Tensor2D, 3);
      return [values, indices];
    },
  },
  "greyscale dilation": {
    inputs: () => [numbers([2, 5, 6, 3]), numbers([2, 3, 3], 5, 9)],
    run: (x, filter) => tf.dilation2d(x as tf.Tensor4D, filter as tf.Tensor3D, 1, "same"),
  },
  "the adjoints of dilation": {
    inputs: () => [numbers([1, 4, 5, 2], 13, 41), numbers([2, 2, 2], 5, 9), numbers([1, 3, 4, 2], 3, 7)],
    run: (x, filter, dy) =>
      ["Dilation2DBackpropInput", "Dilation2DBackpropFilter"].map((kernel) =>
        tf
          .engine()
          .runKernel(kernel, { x, filter, dy }, { strides: [1, 1], pad: "valid", dilations: [1, 1] }),
      ) as tf.Tensor[],
  },
  "a diagonal": { inputs: () => [numbers([7])], run: (x) => tf.diag(x) },
  "places among sorted values": {
    inputs: () => [tf.tensor2d([1, 3, 5, 7, 0, 2, 4, 6], [2, 4]), numbers([2, 5])],
    run: (sorted, values) => tf.searchSorted(sorted, values),
  },
  "the places of maxima": {
    inputs: () => [numbers([1, 4, 6, 2], 13, 101)],
    run: (x) => [pooled(x, "result"), pooled(x, "indexes")],
  },
  "weighted counts": {
    inputs: () => [integers([0, 2, 2, 3, 9]), numbers([5])],
    run: (x, weights) => tf.bincount(x as tf.Tensor1D, weights as tf.Tensor1D, 5),
  },
  "counts by row": {
    inputs: () => [integers([0, 1, 1, 2, 2, 2], [2, 3]), tf.tensor1d([])],
    run: (x, weights) => tf.denseBincount(x as tf.Tensor2D, weights as never, 4),
  },
  "dense from sparse": {
    inputs: () => [integers([1, 3, 4]), numbers([3]), tf.scalar(-1)],
    run: (indices, values, otherwise) =>
      tf.sparseToDense(indices, values as tf.Tensor1D, [6], otherwise as tf.Scalar),
  },
  "draws where one outcome is certain": {
    inputs: () => [tf.tensor2d([0, 0, 1, 1, 0, 0], [2, 3])],
    run: (probabilities) => tf.multinomial(probabilities as tf.Tensor2D, 4, 3, true),
  },
  "a Fourier transform": {
    inputs: () => [numbers([3, 8]), numbers([3, 8], 5, 9)],
    run: (real, imag) => {
      const spectrum = tf.fft(tf.complex(real, imag));
      return [tf.real(spectrum), tf.imag(spectrum), tf.abs(spectrum), tf.real(tf.ifft(spectrum))];
    },
  },
};

const valuesOf = async (results: tf.Tensor | tf.Tensor[]) => {
  const values = [];
  for (const y of [results].flat()) {
    values.push({ shape: y.shape, dtype: y.dtype, data: Array.from(await y.data()) });
  }
  tf.dispose(results);
  return values;
};

async function onCpu({ inputs, run }: Case) {
  await tf.setBackend("cpu");
  try {
    return await valuesOf(tf.tidy(() => run(...inputs())));
  } finally {
    await tf.setBackend("ganvil");
  }
}

async function expectLike(results: tf.Tensor | tf.Tensor[], wanted: Awaited<ReturnType<typeof onCpu>>) {
  const got = await valuesOf(results);
  expect(got.map(({ shape, dtype }) => ({ shape, dtype }))).toEqual(
    wanted.map(({ shape, dtype }) => ({ shape, dtype })),
  );
  for (const [i, { data }] of got.entries()) {
    // Sines and cosines of WGSL itself, which a lent Fourier transform is made of, are that coarse.
    const tolerance = 1e-4 * Math.max(...wanted[i].data.map(Math.abs));
    for (const [k, value] of data.entries()) {
      expect(Math.abs(value - wanted[i].data[k])).toBeLessThanOrEqual(tolerance);
    }
  }
}

describe("kernels of TensorFlow.js's webgpu backend", () => {
  for (const [name, one] of Object.entries(lent)) {
    it(`${name}: as on its cpu backend, without a way over the CPU`, async () => {
      const wanted = await onCpu(one);
      await checkNoLeak(async () => {
        const { transfers } = backend.residency;
        const results = tf.tidy(() =>
          one.run(...one.inputs().map((x) => (x.dtype === "string" || x.size === 0 ? x : onGpu(x)))),
        );
        const places = [results].flat().map(({ dataId }) => backend.residency.of(dataId));
        await expectLike(results, wanted);
        expect(places.every(({ pending, ptr }) => pending === undefined && ptr === undefined)).toBe(true);
        expect(backend.residency.transfers).toBe(transfers);
      });
    });
  }

  it("keep their place among shaders that have yet to be compiled", async () => {
    const wanted = await onCpu({
      inputs: () => [numbers([4, 7])],
      run: (x) => tf.topk(x as tf.Tensor2D, 2).values,
    });
    const results = tf.tidy(() => {
      // A reduction that no other test has, so that its shader is new.
      const x = onGpu(numbers([4, 7]));
      const pooledTwice = tf.avgPool(tf.reshape(x, [1, 4, 7, 1]) as tf.Tensor4D, 1, 1, "valid");
      const first = tf.topk(tf.reshape(pooledTwice, [4, 7]) as tf.Tensor2D, 2).values;
      return tf.maxPool(tf.reshape(first, [1, 4, 2, 1]) as tf.Tensor4D, 1, 1, "valid");
    });
    await expectLike(
      tf.tidy(() => tf.reshape(results, [4, 2])),
      wanted,
    );
    results.dispose();
  });

  it("find inputs that lie within a larger buffer", async () => {
    const one: Case = { inputs: () => [numbers([4, 7])], run: (x) => tf.topk(x as tf.Tensor2D, 2).values };
    const wanted = await onCpu(one);
    await checkNoLeak(async () => {
      const results = tf.tidy(() => {
        const [before, x] = [onGpu(numbers([100])), onGpu(one.inputs()[0])];
        layTogether(backend, [before, x]);
        expect(backend.residency.of(x.dataId).region!.offset).toBeGreaterThan(0);
        return one.run(x);
      });
      await expectLike(results, wanted);
    });
  });

  it("a result that is an input shares its values", async () => {
    await checkNoLeak(async () => {
      const results = tf.tidy(() => {
        const { values, indices } = tf.topk(onGpu(numbers([5, 1])) as tf.Tensor2D, 1);
        return [values, indices];
      });
      await expectLike(
        results,
        await onCpu({ inputs: () => [numbers([5, 1])], run: (x) => [x, tf.zeros([5, 1], "int32")] }),
      );
    });
  });
});

describe("kernels of its cpu backend", () => {
  beforeAll(async () => {
    await initComplete();
  });

  for (const [name, one] of Object.entries(lent)) {
    it(`${name}: wait for values from the GPU`, async () => {
      const wanted = await onCpu(one);
      await checkNoLeak(async () => {
        const results = tf.tidy(() => one.run(...one.inputs().map((x) => (x.size === 0 ? x : onGpu(x)))));
        await expectLike(results, wanted);
      });
    });
  }

  it("wait for values that are pending themselves, and ours for them", async () => {
    await checkNoLeak(async () => {
      const y = tf.tidy(() =>
        tf.add(tf.topk(tf.topk(onGpu(numbers([2, 9])) as tf.Tensor2D, 5).values, 2).values, 1),
      );
      await expectLike(
        y,
        await onCpu({
          inputs: () => [numbers([2, 9])],
          run: (x) => tf.add(tf.topk(x as tf.Tensor2D, 2).values, 1),
        }),
      );
    });
  });

  it("take dtypes from the GPU that our own ops refuse", async () => {
    const one: Case = {
      inputs: () => [integers([1, 2, 3, 4], [2, 2])],
      run: (x) => tf.matMul(x as tf.Tensor2D, x as tf.Tensor2D),
    };
    const wanted = await onCpu(one);
    await checkNoLeak(async () => {
      await expectLike(
        tf.tidy(() => one.run(...one.inputs().map(onGpu))),
        wanted,
      );
    });
  });

  it("say what to do where values decide on a shape", async () => {
    const x = tf.tidy(() => onGpu(tf.tensor1d([3, 3, 4])));
    expect(() => tf.unique(x)).toThrow(/^Unique: the shape .*await x\.data/);
    const { values, indices } = tf.unique(tf.tensor(await x.data(), x.shape, x.dtype));
    expect(Array.from(await values.data())).toEqual([3, 4]);
    tf.dispose([x, values, indices]);
  });
});
