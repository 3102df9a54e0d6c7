import { sum, type Tensor, zerosLike } from "@tensorflow/tfjs-core";
import { call, defineOp, type Op } from "../backend/op.ts";
import { check, checkType, show, showShape } from "../errors.ts";
import { sameShape } from "./broadcast.ts";
import { checkFloats, sweepItems } from "./operand.ts";

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

function rowsOf({ shape, size }: { readonly shape: readonly number[]; readonly size: number }) {
  const channels = shape.at(-1) ?? 1;
  return [channels === 0 ? 0 : size / channels, channels] as const;
}

/** Sums dx over all axes but the last. */
const toChannels = (dx: Tensor): Tensor =>
  sum(
    dx,
    dx.shape.slice(0, -1).map((_, axis) => axis),
  );

/** gain·f(x + bias). */
export const fusedActivation = defineOp<"x", Attrs, "bias">({
  name: "GanvilFusedActivation",
  inputs: ["x", "bias"],
  optional: ["bias"],
  infer: ({ x, bias }) => inferLike({ x, bias }),
  wasm: (context, { x, bias }, [y], { slope, gain }) => {
    const [rows, channels] = rowsOf(x);
    const args = [y.ptr, x.ptr, bias?.ptr ?? 0, rows, channels, slope, gain];
    sweepItems(context, "fusedActivation", args, 3, channels, [4 * channels, 4 * channels]);
  },
  gradient: (dy, { x, bias }, attrs) => {
    const dx = call(fusedActivationGrad, { x, bias, dy }, attrs);
    return { x: () => dx.clone(), bias: () => toChannels(dx) };
  },
});

/** gain·f'(x + bias)·dy: linear in dy, and piecewise constant in x and bias. */
export const fusedActivationGrad: Op<"x" | "dy", Attrs, "bias"> = defineOp<"x" | "dy", Attrs, "bias">({
  name: "GanvilFusedActivationGrad",
  inputs: ["x", "bias", "dy"],
  optional: ["bias"],
  infer: ({ x, bias, dy }) => inferLike({ x, bias, dy }),
  wasm: (context, { x, bias, dy }, [dx], { slope, gain }) => {
    const [rows, channels] = rowsOf(x);
    const args = [dx.ptr, x.ptr, bias?.ptr ?? 0, dy.ptr, rows, channels, slope, gain];
    const row = 4 * channels;
    sweepItems(context, "fusedActivationGrad", args, 4, channels, [row, row, 0, row]);
  },
  gradient: (ddx, { x, bias }, attrs) => ({
    x: () => zerosLike(x),
    bias: () => zerosLike(bias!),
    dy: () => call(fusedActivationGrad, { x, bias, dy: ddx }, attrs),
  }),
});

export interface BiasActivationOptions {
  /** Default "leakyRelu". */
  readonly activation?: "linear" | "relu" | "leakyRelu";
  /** Slope of leakyRelu below zero; default 0.2. */
  readonly alpha?: number;
  /** Factor of the result; default 1. √2 keeps the variance through a relu. */
  readonly gain?: number;
}

/**
 * gain·activation(x + bias) in one pass, and its derivatives.
 * @param x float32 of rank 1 or more, channels last.
 * @param bias float32 [channels], or undefined for none.
 * @throws RangeError where the bias has another size, TypeError for an unknown activation.
 */
export function biasActivation<T extends Tensor>(
  x: T,
  bias: Tensor | undefined,
  { activation = "leakyRelu", alpha = 0.2, gain = 1 }: BiasActivationOptions = {},
): T {
  const slopes = { linear: 1, relu: 0, leakyRelu: alpha };
  checkType(
    Object.hasOwn(slopes, activation),
    () => `biasActivation: expected activation ${Object.keys(slopes).join(", ")}, got ${show(activation)}`,
  );
  return call(fusedActivation, bias ? { x, bias } : { x }, { slope: slopes[activation], gain }) as T;
}
