import {
  abs,
  add,
  cast,
  lessEqual,
  matMul,
  mul,
  pow,
  range,
  reshape,
  square,
  sub,
  type Tensor,
} from "@tensorflow/tfjs-core";
import { defineOp } from "../backend/op.ts";
import { check, showShape } from "../errors.ts";
import { checkFloats } from "./operand.ts";

interface Attrs {
  depthRadius: number;
  bias: number;
  alpha: number;
  beta: number;
}

/** Sums over the channels within the radius: a product with a symmetric matrix of ones around the diagonal. */
function near(x: Tensor, radius: number): Tensor {
  const channels = x.shape[3]!;
  const position = range(0, channels);
  const distance = abs(sub(reshape(position, [channels, 1]), reshape(position, [1, channels])));
  const band = cast(lessEqual(distance, radius), "float32");
  return reshape(matMul(reshape(x, [x.size / Math.max(1, channels), channels]), band as never), x.shape);
}

const energy = (x: Tensor, { depthRadius, bias, alpha }: Attrs): Tensor =>
  add(mul(near(square(x), depthRadius), alpha), bias);

/** x·(bias + alpha·Σ x²)^-beta, summed over the channels within depthRadius. */
export const localResponseNorm = defineOp<"x", Attrs>({
  name: "LRN",
  inputs: ["x"],
  infer: ({ x }) => {
    checkFloats("localResponseNormalization", { x });
    check(
      x.shape.length === 4,
      () =>
        `localResponseNormalization: expected pictures [batch, height, width, channels], got ${showShape(x.shape)}`,
    );
    return x;
  },
  wasm: "composed",
  compose: ({ x }, attrs) => mul(x, pow(energy(x, attrs), -attrs.beta)),
  gradient: (dy, { x }, attrs) => ({
    x: () => {
      const { alpha, beta, depthRadius } = attrs;
      const e = energy(x, attrs);
      const shared = near(mul(mul(dy, x), pow(e, -beta - 1)), depthRadius);
      return sub(mul(dy, pow(e, -beta)), mul(mul(x, shared), 2 * alpha * beta));
    },
  }),
});
