import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import type { Plugin } from "esbuild";

/** A spec of TensorFlow.js's suite that expects what is wrong, and what it should expect. */
export interface Correction {
  /** The suite's file that holds it. */
  readonly file: string;
  readonly spec: string;
  /** What is wrong about it, and how to see that. */
  readonly reason: string;
  /** Text of the spec, and what takes its place; with more than one, in the order of the file. */
  readonly replace: readonly (readonly [wrong: string, right: string])[];
}

const onlyMirrored =
  "tfjs's gradient leaves out what the mirrored elements add: reflect by [2, 1] copies x = [a, b, c] to " +
  "[c, b, a, b, c, b], so dy = 10, 20, ... 60 sums to 30, 20 + 40 + 60, 10 + 50";

const samePixels =
  "tfjs gives back the picture wherever window 1×1 leaves its shape as it is, though stride 2 and padding 1 " +
  "take pixels at -1 and 1: three of the four windows lie in the padding alone";

const noNan =
  "the suite has tf.max give NaN where there is one (max_test.js), as IEEE 754-2019's maximum does; " +
  "pooling that passes over it would hide a network that has come to nothing";

/**
 * Specs whose expectation is corrected. Each still runs and counts. Specs that are told a backend's name are
 * told this one's.
 */
export const corrections: readonly Correction[] = [
  {
    file: "mirror_pad_test.js",
    spec: "mirrorPad: grad",
    reason: onlyMirrored,
    replace: [
      [
        "expectArraysClose(await da.data(), [30, 40, 50]);",
        "expectArraysClose(await da.data(), [30, 120, 60]);",
      ],
    ],
  },
  {
    file: "mirror_pad_test.js",
    spec: "mirrorPad: gradient with clones",
    reason: onlyMirrored,
    replace: [
      [
        "expectArraysClose(await da.data(), [30, 40, 50]);",
        "expectArraysClose(await da.data(), [30, 120, 60]);",
      ],
    ],
  },
  {
    file: "avg_pool_test.js",
    spec: "avgPool: gradient x=[3,3,1] f=[3,3] s=1 p=explicit",
    reason:
      "tfjs's forward divides by the window's pixels without padding, its gradient by all 9: the four windows " +
      "that dy names hold 4, 6, 4 and 2 pixels, so dx[0, 1] is 3 / 4 + 6 / 6",
    replace: [["[0, 1, 1, 0, 2, 2, 0, 3, 3]", "[0, 1.75, 1.75, 0, 4, 4, 0, 9.25, 9.25]"]],
  },
  {
    file: "max_pool_test.js",
    spec: "maxPool: [x=[3,3,1] f=[2,2] s=1 ignores NaNs",
    reason: noNan,
    replace: [
      [
        "expectArraysClose(await result.data(), [5, 6, 7, 9]);",
        "expectArraysClose(await result.data(), [5, 6, NaN, NaN]);",
      ],
    ],
  },
  {
    file: "max_pool_3d_test.js",
    spec: "maxPool3d: x=[1,3,3,3,1] f=[2,2,2] s=1 p=valid, ignores NaNs",
    reason: noNan,
    replace: [
      [
        "NaN, 23, 24, 25, 26, 27\n        ], [1, 3, 3, 3, 1]);\n        const expected = [14, 15, 17, 18, 23, 24, 26, 27];",
        "NaN, 23, 24, 25, 26, 27\n        ], [1, 3, 3, 3, 1]);\n        const expected = [14, 15, NaN, NaN, NaN, 24, NaN, 27];",
      ],
    ],
  },
  {
    file: "pool_test.js",
    spec: "pool: max x=[2,2,3] f=[1,1] s=2 p=1 fractional outputs default rounding",
    reason: samePixels,
    replace: [
      [
        "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);\n    });\n    it('avg x=[1,1,1]",
        "[...Array(9).fill(-Infinity), 10, 11, 12]);\n    });\n    it('avg x=[1,1,1]",
      ],
    ],
  },
  {
    file: "pool_test.js",
    spec: "pool: avg x=[2,2,3] f=[1,1] s=2 p=1 fractional outputs default rounding",
    reason: samePixels,
    replace: [
      [
        "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);\n    });\n    // tf.pool supports dilation",
        "[...Array(9).fill(0), 10, 11, 12]);\n    });\n    // tf.pool supports dilation",
      ],
    ],
  },
  {
    file: "conv2d_transpose_test.js",
    spec: "conv2dTranspose: input=8x8x8,output=4x4x8,f=8,s=1,inDepth=8,p=same vec4",
    reason:
      "no convolution of stride 1 with pad same takes 4×4 to 8×8; tfjs does not look, and reads a corner of the input",
    replace: [
      [
        "const result = tf.conv2dTranspose(x, w, [1, 4, 4, origInputDepth], origStride, origPad);\n        expect(result.shape).toEqual([1, 4, 4, 8]);",
        "expect(() => tf.conv2dTranspose(x, w, [1, 4, 4, origInputDepth], origStride, origPad)).toThrowError(/expected dy \\[1,4,4,8\\]/);\n        return;",
      ],
    ],
  },
  {
    file: "depthwise_conv2d_test.js",
    spec: "depthwiseConv2d gradients: throws error on dilations > 1",
    reason:
      "a gradient that tfjs lacks and ganvil has; the product of x with the gradient of a linear function's sum is that sum",
    replace: [
      [
        "expect(() => grad(images))\n            .toThrowError(/dilation rates greater than 1 are not yet supported/);",
        "const sum = (x) => tf.sum(x).dataSync()[0];\n" +
          "expect(sum(tf.mul(images, grad(images)))).toBeCloseTo(sum(tf.depthwiseConv2d(images, filter, stride, pad, 'NHWC', 2)), 4);",
      ],
    ],
  },
  {
    file: "gradients_test.js",
    spec: "gradients: errors if relevant ops are missing grads",
    reason: "a gradient that tfjs lacks and ganvil has: logical functions are piecewise constant, so it is 0",
    replace: [
      ["expect(() => dfda(a)).toThrowError();", "expect(Array.from(dfda(a).dataSync())).toEqual([0, 0]);"],
    ],
  },
  {
    file: "engine_test.js",
    spec: "Switching cpu backends",
    reason: "two specs for the backend named cpu, here for the one named ganvil",
    replace: [
      ["testEnv.backendName === 'cpu' }", "testEnv.backendName === 'ganvil' }"],
      [
        "tf.registerBackend('cpu1', tf.findBackendFactory('cpu'))",
        "tf.registerBackend('cpu1', tf.findBackendFactory('ganvil'))",
      ],
      [
        "tf.registerBackend('cpu2', tf.findBackendFactory('cpu'))",
        "tf.registerBackend('cpu2', tf.findBackendFactory('ganvil'))",
      ],
      ["tf.getKernel('Add', 'cpu')", "tf.getKernel('Add', 'ganvil')"],
    ],
  },
];

/** Applies the corrections while the suite is bundled; throws where the suite does not hold what they replace. */
export const correct: Plugin = {
  name: "corrections",
  setup(build) {
    build.onLoad({ filter: /tfjs-core\/dist\/.*_test\.js$/ }, async ({ path }) => {
      let contents = await readFile(path, "utf8");
      for (const { file, spec, replace } of corrections) {
        if (file !== basename(path)) continue;
        for (const [wrong, right] of replace) {
          if (!contents.includes(wrong)) throw new Error(`${file}: "${spec}" does not hold ${wrong}`);
          // The first that is left: two specs may hold the same text.
          contents = contents.replace(wrong, () => right);
        }
      }
      return { contents, loader: "js" };
    });
  },
};
