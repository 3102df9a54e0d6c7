import { add, type Tensor, zerosLike } from "@tensorflow/tfjs-core";
import { call, callMany, defineOp, type Op } from "../backend/op.ts";
import { check, showShape } from "../errors.ts";
import { type ActivationOptions, slopeOf } from "./activation.ts";
import { sameShape } from "./broadcast.ts";
import { checkFloats } from "./operand.ts";

/** gain·v where v > 0, else gain·slope·v. */
interface Attrs {
  slope: number;
  gain: number;
}

type Shaped = { readonly shape: readonly number[]; readonly dtype: string };

function inferLike(tensors: { x: Shaped; bias?: Shaped; dy?: Shaped }) {
  const { x, bias, dy } = tensors;
  const present = Object.entries(tensors).filter(([, tensor]) => tensor != null) as [string, Shaped][];
  checkFloats("biasActivation", Object.fromEntries(present));
  check(
    bias == null || (bias.shape.length === 1 && bias.shape[0] === x.shape.at(-1)),
    () =>
      `biasActivation: expected bias of shape [${x.shape.at(-1)}], got ${showShape(bias!.shape)} (x ${showShape(x.shape)})`,
  );
  check(
    dy === undefined || sameShape(x.shape, dy.shape),
    () => `biasActivation: expected dy ${showShape(x.shape)}, got ${showShape(dy!.shape)}`,
  );
  return { shape: x.shape };
}

/** A block holds so many bytes. */
const blockBytes = 65536;

/** Rows and channels of x, and how its rows are cut into blocks: few enough that a block's float32 sums are good. */
function blocksOf({ shape, size }: { readonly shape: readonly number[]; readonly size: number }) {
  const channels = shape.at(-1) ?? 1;
  const rows = channels === 0 ? 0 : size / channels;
  const blockRows = 4 * Math.max(1, Math.min(256, Math.floor(blockBytes / (16 * channels))));
  return { rows, channels, blockRows, blocks: Math.ceil(rows / blockRows) };
}

/** gain·f(x + bias). */
export const fusedActivation = defineOp<"x", Attrs, "bias">({
  name: "GanvilFusedActivation",
  inputs: ["x", "bias"],
  optional: ["bias"],
  infer: ({ x, bias }) => inferLike({ x, bias }),
  wasm: ({ split }, { x, bias }, [y], { slope, gain }) => {
    const { rows, channels, blockRows, blocks } = blocksOf(x);
    const args = [y.ptr, x.ptr, bias?.ptr ?? 0, rows, channels, blockRows, slope, gain];
    split("fusedActivation", blocks, 0, args);
  },
  gradient: (dy, { x, bias }, attrs) => {
    const [dx, dbias] = callMany(fusedActivationGrad, { x, bias, dy }, attrs);
    return { x: () => dx, bias: () => dbias };
  },
});

/**
 * dx = gain·f'(x + bias)·dy, and with a bias dbias, dx summed over all axes but the last: linear in dy, and
 * piecewise constant in x and bias.
 */
export const fusedActivationGrad: Op<"x" | "dy", Attrs, "bias"> = defineOp<"x" | "dy", Attrs, "bias">({
  name: "GanvilFusedActivationGrad",
  inputs: ["x", "bias", "dy"],
  optional: ["bias"],
  infer: ({ x, bias, dy }) => {
    const dx = inferLike({ x, bias, dy });
    return bias ? [dx, { shape: bias.shape }] : [dx];
  },
  wasm: ({ kernels, split, workspace }, { x, bias, dy }, [dx, dbias], { slope, gain }) => {
    const { rows, channels, blockRows, blocks } = blocksOf(x);
    const sums = bias ? workspace(4 * blocks * channels) : 0;
    const operands = [dx.ptr, sums, x.ptr, bias?.ptr ?? 0, dy.ptr];
    split("fusedActivationGrad", blocks, 0, [...operands, rows, channels, blockRows, slope, gain]);
    if (bias) kernels.sumBlocks(sums, dbias.ptr, blocks, channels);
  },
  gradient: (ddx, { x, bias }, attrs, [, ddbias]) => ({
    x: () => zerosLike(x),
    bias: () => zerosLike(bias!),
    dy: () => callMany(fusedActivationGrad, { x, bias, dy: bias ? add(ddx, ddbias) : ddx }, attrs)[0],
  }),
});

export interface BiasActivationOptions extends ActivationOptions {
  /** Default "leakyRelu". */
  readonly activation?: ActivationOptions["activation"];
  /** Factor of the result; default 1. √2 keeps the variance through a relu. */
  readonly gain?: number;
}

/**
 * gain·activation(x + bias) in one pass over memory; in another its gradients by x and bias.
 * @param x float32 of rank 1 or more, channels last.
 * @param bias float32 [channels], or undefined for none.
 * @throws RangeError where the bias has another size, TypeError for an unknown activation.
 */
export function biasActivation<T extends Tensor>(
  x: T,
  bias: Tensor | undefined,
  options: BiasActivationOptions = {},
): T {
  const { activation = "leakyRelu", alpha, gain = 1 } = options;
  const slope = slopeOf("biasActivation", { activation, alpha });
  return call(fusedActivation, bias ? { x, bias } : { x }, { slope, gain }) as T;
}
