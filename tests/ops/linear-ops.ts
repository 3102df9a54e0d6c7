import * as tf from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { broadcastTo } from "../../src/ops/broadcast-to.ts";
import { conv1d } from "../../src/ops/conv1d.ts";
import { conv2d, conv2dTranspose } from "../../src/ops/conv2d.ts";
import { gridSample } from "../../src/ops/sample.ts";
import { spaceToDepth } from "../../src/ops/space-depth.ts";
import { upfirdn2d } from "../../src/ops/upfirdn2d.ts";
import { random } from "./check.ts";

/** A map that is linear in each of its inputs, with shapes drawn at random. */
export interface Linear {
  readonly shapes: readonly (readonly number[])[];
  readonly run: (...inputs: tf.Tensor[]) => tf.Tensor;
}

const within = (min: number, max: number) => fc.integer({ min, max });
const shapes = (minRank: number, maxRank: number, max = 5) =>
  fc.array(within(1, max), { minLength: minRank, maxLength: maxRank });
/** A shape and one of its axes. */
const withAxis = (maxRank: number) =>
  shapes(1, maxRank).chain((shape) =>
    fc.record({ shape: fc.constant(shape), axis: within(0, shape.length - 1) }),
  );
const pads = (most: number) => fc.tuple(within(0, most), within(0, most));
const picture = fc.tuple(within(1, 3), within(1, 7), within(1, 7), within(1, 5));
const pixelConventions = fc.constantFrom<[boolean, boolean][]>([false, false], [true, false], [false, true]);

/** What `conv2d` takes: shapes of x and filter, and its options. */
export const convolution = fc
  .record({
    batch: within(1, 3),
    size: fc.tuple(within(1, 9), within(1, 9)),
    taps: fc.tuple(within(1, 4), within(1, 4)),
    groups: within(1, 3),
    groupIn: within(1, 5),
    groupOut: within(1, 5),
    stride: fc.tuple(within(1, 3), within(1, 3)),
    dilation: fc.tuple(within(1, 2), within(1, 2)),
    pad: fc.oneof(fc.constantFrom("same" as const, "valid" as const), fc.tuple(pads(3), pads(3))),
  })
  .filter(({ size, taps, dilation, pad }) =>
    size.every((n, axis) => {
      const [before, after] = pad === "same" ? [9, 9] : pad === "valid" ? [0, 0] : pad[axis];
      return n + before + after >= (taps[axis] - 1) * dilation[axis] + 1;
    }),
  );

/** Linear ops over all shapes and attributes. */
export const linearOps: { readonly [name: string]: fc.Arbitrary<Linear> } = {
  "conv2d of any stride, pad, dilation and groups": convolution.map((c) => ({
    shapes: [
      [c.batch, ...c.size, c.groups * c.groupIn],
      [...c.taps, c.groupIn, c.groups * c.groupOut],
    ],
    run: (x, filter) => conv2d(x, filter, c),
  })),
  "conv2dTranspose of any stride, dilation and groups": convolution
    .filter(({ pad }) => typeof pad === "string")
    .map((c) => ({
      shapes: [
        [c.batch, ...c.size, c.groups * c.groupOut],
        [...c.taps, c.groupIn, c.groups * c.groupOut],
      ],
      run: (x, filter) => conv2dTranspose(x, filter, c),
    })),
  "conv1d of any stride, dilation and groups": convolution
    .filter(({ pad, size: [, length], taps: [, taps], dilation: [, step] }) =>
      pad === "same" ? true : pad === "valid" && length >= (taps - 1) * step + 1,
    )
    .map(({ batch, size, taps, groups, groupIn, groupOut, stride, dilation, pad }) => ({
      shapes: [
        [batch, size[1], groups * groupIn],
        [taps[1], groupIn, groups * groupOut],
      ],
      run: (x, filter) =>
        conv1d(x, filter, { stride: stride[1], dilation: dilation[1], groups, pad: pad as "same" | "valid" }),
    })),
  avgPool3d: fc
    .record({
      shape: fc.tuple(within(1, 2), within(2, 5), within(2, 5), within(2, 5), within(1, 3)),
      window: within(1, 3),
      stride: within(1, 2),
    })
    .map(({ shape, window, stride }) => ({
      shapes: [shape],
      run: (x) => tf.avgPool3d(x as tf.Tensor5D, window, stride, "same"),
    })),
  "gridSample at any positions": fc
    .record({ x: picture, to: fc.tuple(within(1, 5), within(1, 5)) })
    .map(({ x, to }) => {
      const next = random(JSON.stringify([x, to]));
      const positions = Array.from({ length: x[0] * to[0] * to[1] * 2 }, () => next() * 2.4 - 1.2);
      return {
        shapes: [x],
        run: (pictures) => gridSample(pictures as tf.Tensor4D, tf.tensor4d(positions, [x[0], ...to, 2])),
      };
    }),
  depthwiseConv2d: fc
    .record({
      x: picture,
      taps: fc.tuple(within(1, 3), within(1, 3)),
      multiplier: within(1, 3),
      stride: within(1, 2),
    })
    .map(({ x, taps, multiplier, stride }) => ({
      shapes: [x, [...taps, x[3], multiplier]],
      run: (a, filter) => tf.depthwiseConv2d(a as tf.Tensor4D, filter as tf.Tensor4D, stride, "same"),
    })),
  "matMul, transposed or not, batches broadcast": fc
    .record({
      sizes: fc.tuple(within(1, 9), within(1, 9), within(1, 9)),
      batches: fc.tuple(within(1, 3), fc.boolean(), fc.boolean()),
      transposed: fc.tuple(fc.boolean(), fc.boolean()),
    })
    .map(({ sizes: [m, k, n], batches: [batch, one, other], transposed: [ta, tb] }) => ({
      shapes: [
        [one ? 1 : batch, ...(ta ? [k, m] : [m, k])],
        [other ? 1 : batch, ...(tb ? [n, k] : [k, n])],
      ],
      run: (a, b) => tf.matMul(a, b, ta, tb),
    })),
  "mul of shapes that broadcast": fc
    .record({
      shape: shapes(1, 4),
      ones: fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
      cut: within(0, 3),
    })
    .map(({ shape, ones, cut }) => ({
      shapes: [
        shape.map((n, axis) => (ones[axis] ? 1 : n)),
        shape.map((n, axis) => (ones[axis + 4] ? 1 : n)).slice(Math.min(cut, shape.length)),
      ],
      run: tf.mul,
    })),
  pad: shapes(1, 4)
    .chain((shape) => fc.tuple(fc.constant(shape), fc.tuple(...shape.map(() => pads(3)))))
    .map(([shape, around]) => ({ shapes: [shape], run: (x) => tf.pad(x, around) })),
  mirrorPad: shapes(1, 3, 6)
    .filter((shape) => shape.every((n) => n > 1))
    .chain((shape) =>
      fc.tuple(
        fc.constant(shape),
        fc.tuple(...shape.map((n) => pads(n - 1))),
        fc.constantFrom("reflect" as const, "symmetric" as const),
      ),
    )
    .map(([shape, around, mode]) => ({ shapes: [shape], run: (x) => tf.mirrorPad(x, around, mode) })),
  slice: shapes(1, 4)
    .chain((shape) =>
      fc.tuple(
        ...shape.map((n) =>
          within(0, n - 1).chain((from) => fc.tuple(fc.constant(n), fc.constant(from), within(0, n - from))),
        ),
      ),
    )
    .map((axes) => ({
      shapes: [axes.map(([n]) => n)],
      run: (x) =>
        tf.slice(
          x,
          axes.map(([, from]) => from),
          axes.map(([, , size]) => size),
        ),
    })),
  stridedSlice: shapes(1, 3, 7)
    .chain((shape) =>
      fc.tuple(
        fc.constant(shape),
        fc.tuple(...shape.map((n) => fc.tuple(within(0, n - 1), within(0, n - 1), within(1, 3)))),
      ),
    )
    .map(([shape, axes]) => ({
      shapes: [shape],
      run: (x) =>
        tf.stridedSlice(
          x,
          axes.map(([from]) => from),
          axes.map(([, to]) => to),
          axes.map(([from, to, step]) => (to < from ? -step : step)),
        ),
    })),
  concat: fc
    .record({ at: withAxis(4), sizes: fc.array(within(0, 3), { minLength: 2, maxLength: 4 }) })
    .map(({ at: { shape, axis }, sizes }) => ({
      shapes: sizes.map((size) => shape.map((n, a) => (a === axis ? size : n))),
      run: (...all) => tf.concat(all, axis),
    })),
  stack: fc.record({ at: withAxis(3), count: within(2, 4) }).map(({ at: { shape, axis }, count }) => ({
    shapes: new Array(count).fill(shape),
    run: (...all) => tf.stack(all, axis),
  })),
  "one part of split": fc
    .record({ at: withAxis(3), parts: within(1, 3) })
    .map(({ at: { shape, axis }, parts }) => ({
      shapes: [shape.map((n, a) => (a === axis ? n * parts : n))],
      run: (x) => tf.split(x, parts, axis)[parts - 1],
    })),
  transpose: shapes(1, 5, 4)
    .chain((shape) =>
      fc.tuple(fc.constant(shape), fc.shuffledSubarray([...shape.keys()], { minLength: shape.length })),
    )
    .map(([shape, perm]) => ({ shapes: [shape], run: (x) => tf.transpose(x, perm) })),
  tile: shapes(1, 5, 3)
    .chain((shape) => fc.tuple(fc.constant(shape), fc.tuple(...shape.map(() => within(1, 3)))))
    .map(([shape, reps]) => ({ shapes: [shape], run: (x) => tf.tile(x, reps) })),
  broadcastTo: shapes(1, 4)
    .chain((shape) => fc.tuple(fc.constant(shape), fc.tuple(...shape.map(() => fc.boolean()))))
    .map(([shape, ones]) => ({
      shapes: [shape.map((n, axis) => (ones[axis] ? 1 : n))],
      run: (x) => broadcastTo(x, [2, ...shape]),
    })),
  gather: withAxis(3)
    .chain(({ shape, axis }) =>
      fc.tuple(
        fc.constant(shape),
        fc.constant(axis),
        fc.array(within(0, shape[axis] - 1), { minLength: 1, maxLength: 6 }),
      ),
    )
    .map(([shape, axis, indices]) => ({
      shapes: [shape],
      run: (x) => tf.gather(x, tf.tensor1d(indices, "int32"), axis),
    })),
  unsortedSegmentSum: fc
    .record({ ids: fc.array(within(0, 3), { minLength: 1, maxLength: 6 }), width: within(1, 5) })
    .map(({ ids, width }) => ({
      shapes: [[ids.length, width]],
      run: (x) => tf.unsortedSegmentSum(x, tf.tensor1d(ids, "int32"), 4),
    })),
  reverse: withAxis(4).map(({ shape, axis }) => ({ shapes: [shape], run: (x) => tf.reverse(x, axis) })),
  "sum and mean over any axes": shapes(1, 4)
    .chain((shape) =>
      fc.tuple(
        fc.constant(shape),
        fc.subarray([...shape.keys()]),
        fc.boolean(),
        fc.constantFrom(tf.sum, tf.mean),
      ),
    )
    .map(([shape, axes, keep, reduce]) => ({ shapes: [shape], run: (x) => reduce(x, axes, keep) })),
  avgPool: fc
    .record({ x: picture, window: within(1, 3), stride: within(1, 3) })
    .map(({ x, window, stride }) => ({
      shapes: [x],
      run: (a) => tf.avgPool(a as tf.Tensor4D, window, stride, "same"),
    })),
  resizeNearestNeighbor: fc
    .record({ x: picture, to: fc.tuple(within(1, 9), within(1, 9)), convention: pixelConventions })
    .map(({ x, to, convention: [corners, half] }) => ({
      shapes: [x],
      run: (a) => tf.image.resizeNearestNeighbor(a as tf.Tensor4D, to, corners, half),
    })),
  resizeBilinear: fc
    .record({ x: picture, to: fc.tuple(within(1, 9), within(1, 9)), convention: pixelConventions })
    .map(({ x, to, convention: [corners, half] }) => ({
      shapes: [x],
      run: (a) => tf.image.resizeBilinear(a as tf.Tensor4D, to, corners, half),
    })),
  "upfirdn2d of any factors and pads": fc
    .record({
      x: picture,
      taps: fc.tuple(within(1, 4), within(1, 4)),
      up: within(1, 3),
      down: within(1, 3),
      pad: fc.tuple(pads(3), pads(3)),
    })
    .filter(({ x, taps, up, pad }) =>
      taps.every((n, axis) => x[axis + 1] * up + pad[axis][0] + pad[axis][1] >= n),
    )
    .map(({ x, taps, up, down, pad }) => ({
      shapes: [x, taps],
      run: (a, filter) => upfirdn2d(a, filter, { up, down, pad }),
    })),
  cumsum: fc
    .record({ at: withAxis(4), exclusive: fc.boolean(), backwards: fc.boolean() })
    .map(({ at: { shape, axis }, exclusive, backwards }) => ({
      shapes: [shape],
      run: (x) => tf.cumsum(x, axis, exclusive, backwards),
    })),
  conv3d: fc
    .record({
      x: fc.tuple(within(1, 2), within(1, 4), within(1, 4), within(1, 4), within(1, 3)),
      taps: fc.tuple(within(1, 3), within(1, 3), within(1, 3)),
      outputs: within(1, 3),
      stride: within(1, 2),
    })
    .map(({ x, taps, outputs, stride }) => ({
      shapes: [x, [...taps, x[4], outputs]],
      run: (a, filter) => tf.conv3d(a as tf.Tensor5D, filter as tf.Tensor5D, stride, "same"),
    })),
  "depthToSpace and spaceToDepth": fc
    .record({ x: picture, block: within(2, 3), deep: fc.boolean() })
    .map(({ x: [n, h, w, c], block, deep }) => ({
      shapes: [deep ? [n, h, w, c * block * block] : [n, h * block, w * block, c]],
      run: (x) => (deep ? tf.depthToSpace(x as tf.Tensor4D, block) : spaceToDepth(x, block)),
    })),
};
