import {
  getKernelsForBackend,
  type KernelFunc,
  type NamedAttrMap,
  type TensorInfo,
} from "@tensorflow/tfjs-core";
import type { GanvilBackend } from "../backend/backend.ts";
import type { AnyOp } from "../backend/op.ts";
import { kernelFuncOf, replaceKernel } from "../backend/register.ts";
import { channelsFirst, convolutions } from "./channels-first.ts";
import { Guest } from "./guest.ts";

type Inputs = Parameters<KernelFunc>[0]["inputs"];

/** The tensors of a call; an input may be a list of them, or left out. */
const tensorsOf = (inputs: Inputs): TensorInfo[] =>
  (Object.values(inputs) as (TensorInfo | TensorInfo[] | null | undefined)[])
    .flat()
    .filter((tensor): tensor is TensorInfo => tensor != null);

/** A kernel of TensorFlow.js's cpu backend over the heap: its inputs are copied out, its results in. */
function borrow(kernelFunc: KernelFunc): KernelFunc {
  return ({ inputs, attrs, backend }) => {
    const guest = new Guest(backend as GanvilBackend, tensorsOf(inputs));
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
    const theirs = borrow(kernelFunc);
    replaceKernel(kernelName, op === undefined ? theirs : ours(op, theirs));
  }
}
