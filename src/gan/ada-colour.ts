import {
  add,
  cos,
  matMul,
  mul,
  reshape,
  sin,
  stack,
  sub,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
  tensor2d,
} from "@tensorflow/tfjs-core";
import { around, type Draws, logNormal, turnedAbout } from "./ada-draws.ts";

/** I, vvᵀ and v× for the luma axis v = (1, 1, 1)/√3, row by row. */
const lumaAxis = [
  ...[1, 0, 0, 0, 1, 0, 0, 0, 1],
  ...[1, 1, 1, 1, 1, 1, 1, 1, 1].map((one) => one / 3),
  ...[0, -1, 1, 1, 0, -1, -1, 1, 0].map((sign) => sign / Math.sqrt(3)),
];

/**
 * With luma along v and chroma across it: brightness and contrast of both, luma turned about, chroma scaled and rotated;
 * one matrix a picture. Pictures of other than three channels have luma alone.
 */
export function recoloured(x: Tensor4D, draws: Draws): Tensor4D {
  const [n, height, width, channels] = x.shape;
  const { gate, normal } = draws;
  const brightness = mul(mul(gate(), normal()), 0.2);
  const contrast = logNormal(draws, 0.5);
  const luma = mul(contrast, turnedAbout(draws));
  const offset = reshape(mul(luma, brightness), [n, 1, 1, 1]);
  if (channels !== 3) return add(mul(x, reshape(luma, [n, 1, 1, 1])), offset);
  const hue = around(draws, Math.PI);
  const chroma = mul(contrast, logNormal(draws, 1));
  const along = mul(chroma, cos(hue));
  const parts = stack([along, sub(luma, along), mul(chroma, sin(hue))], 1) as Tensor2D;
  const matrices = reshape(matMul(parts, tensor2d(lumaAxis, [3, 9])), [n, 3, 3]) as Tensor3D;
  const pixels = reshape(x, [n, height * width, 3]) as Tensor3D;
  const turned = matMul(pixels, matrices, false, true);
  return add(reshape(turned, [n, height, width, 3]), offset);
}
