import {
  getKernelsForBackend,
  type KernelFunc,
  type NamedAttrMap,
  type TensorInfo,
} from "@tensorflow/tfjs-core";
import type { GanvilBackend } from "../backend/backend.ts";
import type { AnyOp } from "../backend/op.ts";
import { kernelFuncOf, replaceKernel } from "../backend/register.ts";
import { DeviceError } from "../errors.ts";
import { channelsFirst, convolutions } from "./channels-first.ts";
import { Guest } from "./guest.ts";
import { type Inputs, inputsCopied, listOf, tensorsOf } from "./inputs.ts";

/** Kernels whose results' shapes depend on values, as their names begin. */
const shapedByValues = /^(NonMaxSuppression|Ragged|Sparse(?!ToDense)|String|Unique)/;

/** Runs a kernel when its inputs' values have come from the GPU; until then its results are pending. */
function borrowLater(
  host: GanvilBackend,
  kernelName: string,
  kernelFunc: KernelFunc,
  inputs: Inputs,
  attrs: NamedAttrMap | undefined,
): TensorInfo | TensorInfo[] {
  host.executor.recorder?.refuse(`${kernelName} waits for values from the GPU, for which it has no shader`);
  if (shapedByValues.test(kernelName)) {
    throw new DeviceError(
      "pending-read",
      `${kernelName}: the shape of its result depends on values that are on the GPU. Hand it tf.tensor(await x.data(), x.shape, x.dtype) in place of x.`,
    );
  }
  const kept = inputsCopied(inputs);
  const tensors = tensorsOf(kept);
  const run = (guest: Guest) => kernelFunc({ inputs: inputsCopied(kept), attrs, backend: guest });
  const rehearsed = run(new Guest(host, tensors, true));
  const outputs = listOf(rehearsed).map(({ shape, dtype }) => host.makePending(shape, dtype));
  const held = [...tensors, ...outputs];
  for (const { dataId } of held) host.incRef(dataId);
  host.jobs.defer(
    tensors,
    outputs,
    "wasm",
    () =>
      host.executor.followed(undefined, () => {
        const guest = new Guest(host, tensors);
        for (const [i, result] of listOf(run(guest)).entries()) guest.settle(outputs[i], result);
      }),
    () => {
      for (const { dataId } of held) host.release(dataId);
    },
  );
  return Array.isArray(rehearsed) ? outputs : outputs[0];
}

/** A kernel of TensorFlow.js's cpu backend over the heap: its inputs are copied out, its results in. */
function borrow(kernelName: string, kernelFunc: KernelFunc): KernelFunc {
  return ({ inputs, attrs, backend }) => {
    const host = backend as GanvilBackend;
    const { residency } = host;
    const tensors = tensorsOf(inputs);
    for (const tensor of tensors) residency.checkAlive(tensor);
    const waits = ({ dataId }: TensorInfo) => {
      const record = residency.of(dataId);
      return record.failure === undefined && !residency.isReady(record, "wasm");
    };
    if (tensors.some(waits)) return borrowLater(host, kernelName, kernelFunc, inputs, attrs);
    const guest = new Guest(host, tensors);
    const results = kernelFunc({ inputs, attrs, backend: guest });
    return Array.isArray(results)
      ? results.map((result) => guest.handOver(result))
      : guest.handOver(results as TensorInfo);
  };
}

/** The dtypes that no op of ours computes. */
const foreignDtypes: readonly unknown[] = ["string", "complex64"];

/** True for calls with strings or complex numbers. */
function isForeign(inputs: Inputs, attrs: NamedAttrMap | undefined): boolean {
  return (
    foreignDtypes.includes(attrs?.dtype) ||
    tensorsOf(inputs).some(({ dtype }) => foreignDtypes.includes(dtype))
  );
}

/** Our kernel, and theirs for what ours does not take. */
function ours(op: AnyOp, borrowed: KernelFunc): KernelFunc {
  // tfjs's own answer to channels before pixels is wrong for filters of unequal sides with a number for padding.
  const turned = convolutions.includes(op.name) ? channelsFirst(op) : borrowed;
  const theirs: KernelFunc = (call) => (call.attrs?.dataFormat === "NCHW" ? turned : borrowed)(call);
  const own = kernelFuncOf(op);
  // What shares its input's values need not understand them.
  if (op.wasm === "alias") return own;
  return (call) => {
    if (call.attrs?.dataFormat === "NCHW" || isForeign(call.inputs, call.attrs)) return theirs(call);
    try {
      return own(call);
    } catch (error) {
      // A record refuses a dtype by a TypeError; TensorFlow.js takes more of them, int32 in matMul for one.
      if (!(error instanceof TypeError)) throw error;
      try {
        return theirs(call);
      } catch {
        throw error;
      }
    }
  };
}

/**
 * Registers for the backend whatever kernel TensorFlow.js's cpu backend has and `ops` lacks, and lends those
 * of `ops` its strings and complex numbers.
 */
export function borrowKernels(ops: readonly AnyOp[]): void {
  const own = new Map(ops.map((op) => [op.name, op]));
  for (const { kernelName, kernelFunc } of getKernelsForBackend("cpu")) {
    const op = own.get(kernelName);
    const theirs = borrow(kernelName, kernelFunc);
    replaceKernel(kernelName, op === undefined ? theirs : ours(op, theirs));
  }
}
