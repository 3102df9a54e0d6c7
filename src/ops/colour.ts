import type { Tensor, Tensor2D, Tensor4D } from "@tensorflow/tfjs-core";
import { call, defineOp, type Op } from "../backend/op.ts";
import { check, showShape } from "../errors.ts";
import { checkFloats, sweepItems } from "./operand.ts";

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
