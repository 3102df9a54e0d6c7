import { engine, type Tensor, type TensorInfo, util } from "@tensorflow/tfjs-core";
import { check, checkType, kindOf, showShape } from "../errors.ts";
import type { GanvilBackend } from "./backend.ts";
import type { AnyOp, Call, Operand, OutputSpec } from "./op.ts";

/** Refuses what is no tensor, and tensors that were disposed: a clone may still hold their values. */
function checkTensors(
  { name, optional }: AnyOp,
  inputs: Record<string, TensorInfo | null | undefined>,
): void {
  for (const key of Object.keys(inputs)) {
    const tensor = inputs[key] as Tensor | null | undefined;
    if (tensor == null && optional?.includes(key)) continue;
    checkType(
      tensor?.dataId !== undefined,
      () => `${name}: expected input "${key}" to be a tensor, got ${kindOf(tensor)}`,
    );
    check(
      !tensor.isDisposed,
      () =>
        `${name}: input "${key}" ${showShape(tensor.shape)} is disposed. Keep it (tf.keep), or use it before its tf.tidy ends.`,
    );
  }
}

/** Attributes with the present values of those that are functions. */
function present(attrs: object): object {
  return Object.fromEntries(
    Object.entries(attrs).map(([name, value]) => [name, typeof value === "function" ? value() : value]),
  );
}

/** What a kernel call may use; `workspaces` collects what is to be freed at its end. */
function callOn(backend: GanvilBackend, workspaces: number[]): Call {
  const { executor, heap, planner } = backend;
  const workspace = (bytes: number): number => {
    const ptr = heap.alloc(bytes);
    workspaces.push(ptr);
    return ptr;
  };
  const withScratch = (bytes: number, use: (scratch: number) => void): void => {
    const ptr = bytes > 0 ? heap.alloc(bytes) : 0;
    try {
      use(ptr);
    } finally {
      if (ptr !== 0) heap.free(ptr);
    }
  };
  const { recorder } = executor;
  heap.resetArguments();
  return {
    kernels: executor.kernels,
    planner,
    split: (kernel, units, scratchBytes, args) =>
      executor.split(kernel, units, scratchBytes, args, withScratch),
    sweep: (kernel, args, counted, unit, steps) => executor.sweep(kernel, args, counted, unit, steps),
    ints: (values) => {
      const argument = recorder === undefined ? heap.argumentInts(values) : undefined;
      if (argument !== undefined) return argument;
      const ptr = workspace(values.length * 4);
      heap.i32(ptr, values.length).set(values);
      recorder?.keep(backend, ptr, values.length * 4);
      return ptr;
    },
    workspace,
    intAt: (ptr, index) => {
      recorder?.refuse("an op read a tensor's values");
      return heap.i32(ptr + 4 * index, 1)[0];
    },
    bytes: (values) => {
      const ptr = workspace(values.length);
      heap.u8(ptr, values.length).set(values);
      recorder?.noteValues(values);
      recorder?.keep(backend, ptr, values.length);
      return ptr;
    },
  };
}

/** Calls an op's kernels; a live op's are chosen again at each replay. */
function compute(
  backend: GanvilBackend,
  op: AnyOp,
  inputs: Record<string, Operand>,
  outputs: readonly Operand[],
  attrs: object,
  plan: unknown,
): void {
  const kernels = op.wasm as Exclude<AnyOp["wasm"], string>;
  const run = () => {
    const workspaces: number[] = [];
    try {
      kernels(callOn(backend, workspaces), inputs, outputs, op.live ? present(attrs) : attrs, plan);
    } finally {
      for (const ptr of workspaces) backend.heap.free(ptr);
    }
  };
  const { executor } = backend;
  const { recorder } = executor;
  if (op.live === true && recorder !== undefined) {
    recorder.act(op.name, () => executor.followed(undefined, run));
  } else {
    run();
  }
}

/** The input that shares its values with the result. */
function sameAs(
  backend: GanvilBackend,
  op: AnyOp,
  inputs: Record<string, TensorInfo>,
  attrs: object,
  result: OutputSpec,
): TensorInfo | undefined {
  if (op.wasm === "alias") return Object.values(inputs)[0];
  const source = op.same?.(inputs, attrs, (x) => backend.isZero(x));
  if (source === undefined) return undefined;
  const size = result.shape.reduce((a, b) => a * b, 1);
  return util.sizeFromShape(source.shape) === size ? source : undefined;
}

/** Runs an op's kernel on the backend: infers, allocates, computes. */
export function runOp(
  backend: GanvilBackend,
  op: AnyOp,
  inputs: Record<string, TensorInfo>,
  attrs: object,
): TensorInfo | TensorInfo[] {
  checkTensors(op, inputs);
  const specs = op.infer(inputs, op.live ? present(attrs) : attrs);
  const many = Array.isArray(specs);
  const list: readonly OutputSpec[] = many ? (specs as OutputSpec[]) : [specs as OutputSpec];
  const source = sameAs(backend, op, inputs, attrs, list[0]);
  if (source !== undefined) {
    backend.incRef(source.dataId);
    return { dataId: source.dataId, shape: [...list[0].shape], dtype: list[0].dtype ?? source.dtype };
  }
  if (op.zero?.(attrs) && (list[0].dtype ?? "float32") === "float32") return backend.makeZeros(list[0].shape);
  if (op.wasm === "composed") return engine().tidy(() => op.compose!(inputs as never, attrs));
  const { recorder } = backend.executor;
  const operand = (tensor: TensorInfo): Operand => {
    const ptr = backend.ptr(tensor);
    recorder?.use(tensor, ptr);
    return { ptr, shape: tensor.shape, dtype: tensor.dtype, size: util.sizeFromShape(tensor.shape) };
  };
  const outputs: TensorInfo[] = [];
  try {
    for (const { shape, dtype } of list) outputs.push(backend.makeOutput(shape, dtype ?? "float32"));
    const operands: Record<string, Operand> = {};
    for (const name of Object.keys(inputs)) {
      if (inputs[name] != null) operands[name] = operand(inputs[name]);
    }
    compute(backend, op, operands, outputs.map(operand), attrs, list[0]?.plan);
  } catch (error) {
    for (const { dataId } of outputs) backend.disposeData(dataId);
    throw error;
  }
  return many ? outputs : outputs[0];
}
