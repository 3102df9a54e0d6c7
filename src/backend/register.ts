import {
  type GradConfig,
  getGradient,
  type KernelConfig,
  type NamedTensorMap,
  registerGradient,
  registerKernel,
  type Tensor,
  unregisterGradient,
  unregisterKernel,
} from "@tensorflow/tfjs-core";
import { backendName, type GanvilBackend } from "./backend.ts";
import { type AnyOp, runOp } from "./op.ts";

/** The op's gradient in TensorFlow.js's form: inputs are saved, never outputs, so that it differentiates again. */
function gradConfig(op: AnyOp): GradConfig {
  const list = op.inputs === "list";
  return {
    kernelName: op.name,
    inputsToSave: list ? [] : [...op.inputs],
    saveAllInputs: list,
    gradFunc: (dy: Tensor | Tensor[], saved: Tensor[], attrs) => {
      const names = list ? saved.map((_, i) => String(i)) : (op.inputs as readonly string[]);
      const inputs: NamedTensorMap = {};
      for (const [i, name] of names.entries()) {
        if (saved[i] != null) inputs[name] = saved[i];
      }
      const dys = Array.isArray(dy) ? dy : [dy];
      return op.gradient!(dys[0], inputs, attrs, dys) as NamedTensorMap & { [name: string]: () => Tensor };
    },
  };
}

/** Registers ops as kernels of the backend, and their gradients in place of TensorFlow.js's own. */
export function registerOps(ops: readonly AnyOp[]): void {
  for (const op of ops) {
    const config: KernelConfig = {
      kernelName: op.name,
      backendName,
      kernelFunc: ({ inputs, attrs, backend }) =>
        runOp(backend as GanvilBackend, op, inputs as never, attrs ?? {}),
    };
    registerKernel(config);
    if (op.gradient === undefined) continue;
    if (getGradient(op.name)) unregisterGradient(op.name);
    registerGradient(gradConfig(op));
  }
}

/** Takes the ops' kernels out again; gradients stay, being right on every backend that has their ops. */
export function unregisterOps(ops: readonly AnyOp[]): void {
  for (const op of ops) unregisterKernel(op.name, backendName);
}
