import { engine, type Tensor, type TensorInfo, util } from "@tensorflow/tfjs-core";
import { check, checkType, kindOf, showShape } from "../errors.ts";
import type { Kernels } from "../wasm/generated/kernels.ts";
import type { Planner } from "../wasm/planner.ts";
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

/** What the kernel calls of a backend may use: one object for all, since making one costs as much as a tiny kernel. */
class Calls implements Call {
  readonly planner: Planner;
  readonly #backend: GanvilBackend;
  readonly #workspaces: number[] = [];

  constructor(backend: GanvilBackend) {
    this.planner = backend.planner;
    this.#backend = backend;
  }

  get kernels(): Kernels {
    return this.#backend.executor.kernels;
  }

  readonly split: Call["split"] = (kernel, units, scratchBytes, args) =>
    this.#backend.executor.split(kernel, units, scratchBytes, args, this.#withScratch);

  readonly sweep: Call["sweep"] = (kernel, args, counted, unit, steps) =>
    this.#backend.executor.sweep(kernel, args, counted, unit, steps);

  readonly workspace: Call["workspace"] = (bytes) => {
    const ptr = this.#backend.heap.alloc(bytes);
    this.#workspaces.push(ptr);
    return ptr;
  };

  readonly ints: Call["ints"] = (values) => {
    const { executor, heap } = this.#backend;
    const { recorder } = executor;
    const argument = recorder === undefined ? heap.argumentInts(values) : undefined;
    if (argument !== undefined) return argument;
    const ptr = this.workspace(values.length * 4);
    heap.i32(ptr, values.length).set(values);
    recorder?.keep(this.#backend, ptr, values.length * 4);
    return ptr;
  };

  readonly intAt: Call["intAt"] = (ptr, index) => {
    const { executor, heap } = this.#backend;
    executor.recorder?.refuse("an op read a tensor's values");
    return heap.i32(ptr + 4 * index, 1)[0];
  };

  readonly bytes: Call["bytes"] = (values) => {
    const { executor, heap } = this.#backend;
    const ptr = this.workspace(values.length);
    heap.u8(ptr, values.length).set(values);
    executor.recorder?.noteValues(values);
    executor.recorder?.keep(this.#backend, ptr, values.length);
    return ptr;
  };

  readonly #withScratch = (bytes: number, use: (scratch: number) => void): void => {
    const { heap } = this.#backend;
    const ptr = bytes > 0 ? heap.alloc(bytes) : 0;
    try {
      use(ptr);
    } finally {
      if (ptr !== 0) heap.free(ptr);
    }
  };

  /** One op's kernel calls, with all that they take given back at the end. */
  during(work: (call: Call) => void): void {
    const { heap } = this.#backend;
    heap.resetArguments();
    try {
      work(this);
    } finally {
      for (const ptr of this.#workspaces) heap.free(ptr);
      this.#workspaces.length = 0;
    }
  }
}

const callsOf = new WeakMap<GanvilBackend, Calls>();

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
  let calls = callsOf.get(backend);
  if (calls === undefined) {
    calls = new Calls(backend);
    callsOf.set(backend, calls);
  }
  const own = calls;
  const run = () =>
    own.during((call) => kernels(call, inputs, outputs, op.live ? present(attrs) : attrs, plan));
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
  recorder?.noteOp(op.name, attrs);
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
