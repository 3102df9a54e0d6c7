import {
  engine,
  type GradConfig,
  getGradient,
  type KernelConfig,
  type NamedTensorMap,
  registerGradient,
  registerKernel,
  type Tensor,
  type TensorInfo,
  unregisterGradient,
  unregisterKernel,
} from "@tensorflow/tfjs-core";
import { backendName, type GanvilBackend } from "./backend.ts";
import { type AnyOp, runOp } from "./op.ts";

/** True for what `fillAbsent` puts in the place of an input; no op takes an empty bool. */
function isStandIn({ dtype, shape }: Tensor): boolean {
  return dtype === "bool" && shape.length === 1 && shape[0] === 0;
}

/**
 * Puts an empty tensor in the place of each optional input that was left out. TensorFlow.js's tape reads every
 * input that it is given, absent or not, right after the kernel; the object is the one that the tape keeps.
 * The stand-in shares the values of another input, so that it takes no memory.
 */
function fillAbsent(op: AnyOp, inputs: Record<string, TensorInfo>, backend: GanvilBackend): void {
  if (op.inputs === "list" || engine().state.gradientDepth === 0) return;
  for (const name of op.inputs) {
    if (inputs[name] != null) continue;
    const { dataId } = inputs[op.inputs[0]];
    backend.incRef(dataId);
    inputs[name] = engine().makeTensorFromTensorInfo({ dataId, shape: [0], dtype: "bool" });
  }
}

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
        if (!isStandIn(saved[i])) inputs[name] = saved[i];
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
      kernelFunc: ({ inputs, attrs, backend }) => {
        const outputs = runOp(backend as GanvilBackend, op, inputs as never, attrs ?? {});
        if (op.gradient !== undefined) fillAbsent(op, inputs as never, backend as GanvilBackend);
        return outputs;
      },
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
