import {
  add,
  mul,
  neg,
  reshape,
  rsqrt,
  sub,
  sum,
  type Tensor,
  type TensorInfo,
  util,
} from "@tensorflow/tfjs-core";
import { defineOp } from "../backend/op.ts";
import { check, showShape } from "../errors.ts";

/** Sums a gradient of x's shape down to a parameter's: [channels], or x's shape itself. */
function reduceTo(dy: Tensor, shape: number[]): Tensor {
  if (util.sizeFromShape(shape) === dy.size) return reshape(dy, shape);
  return reshape(
    sum(
      dy,
      dy.shape.slice(0, -1).map((_, axis) => axis),
    ),
    shape,
  );
}

/** y = (x − mean)·scale/√(variance + varianceEpsilon) + offset, with given moments: what `tf.batchNorm` calls. */
export const batchNorm = defineOp<"x" | "mean" | "variance", { varianceEpsilon: number }, "offset" | "scale">(
  {
    name: "FusedBatchNorm",
    inputs: ["x", "mean", "variance", "offset", "scale"],
    optional: ["offset", "scale"],
    infer: ({ x, ...parameters }) => {
      const channels = x.shape.at(-1) ?? 1;
      const all = Object.entries(parameters).filter(
        (entry): entry is [string, TensorInfo] => entry[1] != null,
      );
      const length = util.sizeFromShape(all[0][1].shape);
      for (const [name, { shape }] of all) {
        const size = util.sizeFromShape(shape);
        check(
          size === length && (size === channels || size === util.sizeFromShape(x.shape)),
          () =>
            `batchNorm: expected ${name} of shape [${channels}] or, like the other parameters, of x's shape ${showShape(x.shape)}; got ${showShape(shape)}`,
        );
      }
      return { shape: x.shape };
    },
    wasm: ({ kernels, workspace }, { x, mean, variance, offset, scale }, [y], { varianceEpsilon }) => {
      if (x.size === 0) return;
      kernels.batchNorm(
        x.ptr,
        mean.ptr,
        variance.ptr,
        offset?.ptr ?? 0,
        scale?.ptr ?? 0,
        y.ptr,
        x.size / mean.size,
        mean.size,
        varianceEpsilon,
        workspace(mean.size * 4),
      );
    },
    webgpu: (call, { x, mean, variance, offset, scale }, [y], { varianceEpsilon }) => {
      const given = { ...(scale && { scale }), ...(offset && { offset }) };
      const type = mean.size % 4 === 0 ? "vec4f" : "f32";
      const lanes = type === "f32" ? 1 : 4;
      call.run({
        name: ["batchNorm", ...Object.keys(given)].join(" "),
        read: { x, mean, variance, ...given },
        write: { y },
        types: Object.fromEntries(
          ["x", "mean", "variance", "scale", "offset", "y"].map((name) => [name, type]),
        ),
        words: { channels: mean.size / lanes },
        floats: { epsilon: varianceEpsilon },
        elements: y.size / lanes,
        body: () => `let c = i % u.channels;
  let gain = ${scale ? "scale[c]" : "1.0"} / sqrt(variance[c] + u.epsilon);
  y[i] = (x[i] - mean[c]) * gain${offset ? " + offset[c]" : ""};`,
      });
    },
    gradient: (dy, { x, mean, variance, offset, scale }, { varianceEpsilon }) => {
      const inverse = rsqrt(add(variance, varianceEpsilon));
      const gain = scale === undefined ? inverse : mul(scale, inverse);
      const byCentred = () => mul(dy, sub(x, mean));
      return {
        x: () => mul(dy, gain),
        mean: () => neg(reduceTo(mul(dy, gain), mean.shape)),
        variance: () =>
          mul(reduceTo(byCentred(), variance.shape), mul(mul(gain, mul(inverse, inverse)), -0.5)),
        offset: () => reduceTo(dy, offset!.shape),
        scale: () => mul(reduceTo(byCentred(), scale!.shape), inverse),
      };
    },
  },
);
