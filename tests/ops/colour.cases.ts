import type { Tensor2D, Tensor4D } from "@tensorflow/tfjs-core";
import { colour } from "../../src/ops/colour.ts";
import { type Nd, nd, sizeOf } from "../reference/nd.ts";
import type { OpCase } from "./case.ts";

/** Brightness, then saturation, then contrast, one after the other as the paper has them. */
function reference(x: Nd, factors: Nd): Nd {
  const [n, height, width, channels] = x.shape;
  const picture = height * width * channels;
  const y = nd(x.shape, x.data);
  for (let i = 0; i < n; i++) {
    const [brightness, saturation, contrast] = factors.data.subarray(i * 3, i * 3 + 3);
    const own = y.data.subarray(i * picture, (i + 1) * picture);
    for (const p of own.keys()) own[p] += brightness;
    for (let p = 0; p < picture; p += channels) {
      const pixel = own.subarray(p, p + channels);
      const grey = pixel.reduce((a, b) => a + b, 0) / channels;
      for (const c of pixel.keys()) pixel[c] = (pixel[c] - grey) * saturation + grey;
    }
    const mean = own.reduce((a, b) => a + b, 0) / picture;
    for (const p of own.keys()) own[p] = (own[p] - mean) * contrast + mean;
  }
  return y;
}

export const cases: OpCase[] = [
  [1, 1, 1, 1],
  [2, 3, 5, 3],
  [3, 4, 4, 1],
  [2, 7, 2, 4],
  [4, 17, 13, 3],
].map((shape) => ({
  name: `colour [${shape}]`,
  inputs: [{ shape }, { shape: [shape[0], 3], range: [-0.5, 1.5] }],
  run: (x, factors) => colour(x as Tensor4D, factors as Tensor2D),
  reference,
  reduction: sizeOf(shape.slice(1)),
  gradient: [0],
}));
