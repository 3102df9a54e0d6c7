import {
  engine,
  type GradConfig,
  getGradient,
  getKernel,
  type KernelFunc,
  type NamedTensorMap,
  registerGradient,
  registerKernel,
  type Tensor,
  type TensorInfo,
  unregisterGradient,
  unregisterKernel,
} from "@tensorflow/tfjs-core";
import { backendName, type GanvilBackend } from "./backend.ts";
import type { AnyOp } from "./op.ts";
import { runOp } from "./run-op.ts";

/**
 * Puts an empty bool in the place of each optional input that was left out: TensorFlow.js's tape reads every
 * input that it is given, absent or not, right after the kernel, from this very object. The stand-in shares
 * the values of the first input, so that it takes no memory.
 */
function fillAbsent(op: AnyOp, inputs: Record<string, TensorInfo>, backend: GanvilBackend): void {
  if (op.optional === undefined || engine().state.gradientDepth === 0) return;
  const { dataId } = inputs[op.inputs[0]];
  for (const name of op.optional) {
    if (inputs[name] != null) continue;
    backend.incRef(dataId);
    inputs[name] = engine().makeTensorFromTensorInfo({ dataId, shape: [0], dtype: "bool" });
  }
}

/** True for what `fillAbsent` put in an input's place. */
function isAbsent(op: AnyOp, name: string, { dtype, size }: Tensor): boolean {
  return dtype === "bool" && size === 0 && op.optional?.includes(name) === true;
}

/**
 * The op's gradient in TensorFlow.js's form: inputs are saved, and of the outputs only those that no gradient
 * flows through, so that it differentiates again.
 */
function gradConfig(op: AnyOp): GradConfig {
  const list = op.inputs === "list";
  return {
    kernelName: op.name,
    inputsToSave: list ? [] : [...op.inputs],
    saveAllInputs: list,
    outputsToSave: op.saved ? [...op.saved] : [],
    gradFunc: (dy: Tensor | Tensor[], saved: Tensor[], attrs) => {
      const names = list ? saved.map((_, i) => String(i)) : (op.inputs as readonly string[]);
      const inputs: NamedTensorMap = {};
      for (const [i, name] of names.entries()) {
        if (!isAbsent(op, name, saved[i])) inputs[name] = saved[i];
      }
      const dys = Array.isArray(dy) ? dy : [dy];
      const results = saved.slice(names.length);
      return op.gradient!(dys[0], inputs, attrs, dys, results) as NamedTensorMap & {
        [name: string]: () => Tensor;
      };
    },
  };
}

/** The op as a kernel of the backend. */
export function kernelFuncOf(op: AnyOp): KernelFunc {
  return ({ inputs, attrs, backend }) => {
    const outputs = runOp(backend as GanvilBackend, op, inputs as never, attrs ?? {});
    if (op.gradient !== undefined) fillAbsent(op, inputs as never, backend as GanvilBackend);
    return outputs;
  };
}

/** Registers a kernel of the backend, in place of an earlier one of its name. */
export function replaceKernel(kernelName: string, kernelFunc: KernelFunc): void {
  // TensorFlow.js warns of a second registration; there is one where this backend follows another.
  if (getKernel(kernelName, backendName)) unregisterKernel(kernelName, backendName);
  registerKernel({ kernelName, backendName, kernelFunc });
}

/** Registers ops as kernels of the backend, and their gradients in place of TensorFlow.js's own. */
export function registerOps(ops: readonly AnyOp[]): void {
  for (const op of ops) {
    replaceKernel(op.name, kernelFuncOf(op));
    if (op.gradient === undefined) continue;
    if (getGradient(op.name)) unregisterGradient(op.name);
    registerGradient(gradConfig(op));
  }
}
