// As TensorFlow.js's umbrella package does; the core alone registers no gradients.
import "@tensorflow/tfjs-core/dist/register_all_gradients.js";
import {
  batchNorm,
  enableProdMode,
  moments,
  setBackend,
  type Tensor,
  type Tensor4D,
  train,
  type Variable,
} from "@tensorflow/tfjs-core";
import type { TfjsBackend } from "./tfjs-contestant.ts";
import { tfjsStep } from "./tfjs-steps.ts";

/** What both of TensorFlow.js's own backends are asked: its public functions, as a user would put them. */
export const tfjs = {
  batchNorm(x: Tensor4D, scale: Tensor, offset: Tensor): Tensor {
    const { mean, variance } = moments(x, [0, 1, 2]);
    return batchNorm(x, mean as never, variance as never, offset as never, scale as never, 1e-5);
  },
  adam(parameter: Variable) {
    const optimizer = train.adam(1e-3, 0.5, 0.99);
    return {
      step: (gradient: Tensor) => optimizer.applyGradients([{ name: parameter.name, tensor: gradient }]),
      dispose: () => optimizer.dispose(),
    };
  },
  step: tfjsStep,
} satisfies Partial<TfjsBackend>;

/** Makes a backend the current one, or fails. */
export async function useBackend(name: string): Promise<void> {
  // Prints no advice.
  enableProdMode();
  if (!(await setBackend(name))) throw new Error(`TensorFlow.js could not start its backend "${name}"`);
}
