import {
  add,
  matMul,
  mul,
  sigmoid,
  split,
  sub,
  type Tensor,
  type Tensor2D,
  tanh,
  tidy,
} from "@tensorflow/tfjs-core";
import { check, showShape } from "../errors.ts";

/** Weights of a GRU, gates in the order reset, update, new. */
export interface GruWeights {
  /** float32 [inputs, 3·units]. */
  readonly kernel: Tensor;
  /** float32 [units, 3·units]. */
  readonly recurrent: Tensor;
  /** float32 [3·units], added to the input's part. */
  readonly bias: Tensor;
  /** float32 [3·units], added to the state's part. */
  readonly recurrentBias: Tensor;
}

/**
 * One step of a gated recurrent unit (Cho et al. 2014, arXiv 1406.1078), with the reset gate after the recurrent
 * product as in cuDNN and PyTorch: h' = (1 - z)·n + z·h with n = tanh(xₙ + r·hₙ).
 * @param x float32 [batch, inputs].
 * @param h float32 [batch, units], the state.
 * @returns float32 [batch, units], the next state.
 * @throws RangeError where the weights do not fit.
 */
export function gruCell(
  x: Tensor,
  h: Tensor,
  { kernel, recurrent, bias, recurrentBias }: GruWeights,
): Tensor2D {
  const units = h.shape[1] ?? 0;
  check(
    kernel.shape[0] === x.shape[1] && kernel.shape[1] === 3 * units && recurrent.shape[1] === 3 * units,
    () =>
      `gruCell: expected kernel [${x.shape[1]},${3 * units}] and recurrent [${units},${3 * units}], got ${showShape(kernel.shape)}, ${showShape(recurrent.shape)}`,
  );
  return tidy(() => {
    const [xr, xz, xn] = split(add(matMul(x, kernel), bias), 3, 1);
    const [hr, hz, hn] = split(add(matMul(h, recurrent), recurrentBias), 3, 1);
    const reset = sigmoid(add(xr, hr));
    const update = sigmoid(add(xz, hz));
    const fresh = tanh(add(xn, mul(reset, hn)));
    return add(fresh, mul(update, sub(h, fresh))) as Tensor2D;
  });
}
