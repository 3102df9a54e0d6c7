import type { Tensor, Tensor2D, Tensor4D } from "@tensorflow/tfjs-core";
import { call, defineOp, type Op } from "../backend/op.ts";
import { check, showShape } from "../errors.ts";
import { checkFloats, sweepItems } from "./operand.ts";
import { reduceOnGpu } from "./reduce.wgsl.ts";

/**
 * Brightness, saturation and contrast of each picture. But for the brightness, which only adds, it is a
 * symmetric linear map, so it is its own adjoint.
 */
export const colourOp: Op<"x" | "factors", { linear: boolean }> = defineOp({
  name: "GanvilColour",
  inputs: ["x", "factors"],
  infer: ({ x, factors }) => {
    checkFloats("colour", { x, factors });
    check(
      x.shape.length === 4 &&
        factors.shape.length === 2 &&
        factors.shape[1] === 3 &&
        factors.shape[0] === x.shape[0],
      () =>
        `colour: expected x [N,H,W,C] and factors [N,3], got ${showShape(x.shape)} and ${showShape(factors.shape)}`,
    );
    return { shape: x.shape };
  },
  wasm: (context, { x, factors }, [y], { linear }) => {
    const [n, height, width, channels] = x.shape;
    const picture = height * width * channels;
    const args = [x.ptr, factors.ptr, y.ptr, n, height * width, channels, linear ? 0 : 1];
    sweepItems(context, "colour", args, 3, picture, [4 * picture, 12, 4 * picture]);
  },
  webgpu: (context, { x, factors }, [y], { linear }) => {
    if (x.size === 0) return;
    const [n, height, width, channels] = x.shape;
    const picture = height * width * channels;
    const means = context.workspace(n);
    reduceOnGpu(context, "sum", x, means, { outer: n, n: picture, inner: 1 }, 1 / picture);
    context.run({
      name: "colour",
      read: { x, factors, means },
      write: { y },
      words: { pixels: height * width, channels },
      floats: { brightness: linear ? 0 : 1, perChannel: 1 / channels },
      elements: n * height * width,
      body: () => `let picture = i / u.pixels;
  let b = factors[3 * picture] * u.brightness;
  let s = factors[3 * picture + 1];
  let k = factors[3 * picture + 2];
  let first = i * u.channels;
  let end = first + u.channels;
  var sum = 0.0;
  for (var at = first; at < end; at++) { sum += x[at]; }
  let level = k * (1.0 - s) * u.perChannel * sum + (1.0 - k) * means[picture] + b;
  for (var at = first; at < end; at++) { y[at] = k * s * x[at] + level; }`,
    });
  },
  gradient: (dy, { factors }) => ({
    x: () => call(colourOp, { x: dy, factors }, { linear: true }),
    factors: () => {
      throw new RangeError(
        "colour: its factors have no gradient. Draw them at random, outside of the gradient.",
      );
    },
  }),
});

/**
 * Changes brightness (adds b), then saturation (s times the distance from the pixel's grey), then contrast
 * (k times the distance from the picture's mean).
 * @param x float32 [N, H, W, C]
 * @param factors float32 [N, 3]: b, s, k of each picture; (0, 1, 1) changes nothing. Carries no gradient.
 */
export function colour(x: Tensor4D, factors: Tensor2D): Tensor4D {
  return call(colourOp, { x: x as Tensor, factors: factors as Tensor }, { linear: false }) as Tensor4D;
}
