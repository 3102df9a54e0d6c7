import { engine, type Tensor, type TensorInfo, util } from "@tensorflow/tfjs-core";
import { check, checkType, kindOf, showShape } from "../errors.ts";
import type { Kernels } from "../wasm/generated/kernels.ts";
import type { Planner } from "../wasm/planner.ts";
import type { GanvilBackend } from "./backend.ts";
import { layTogether } from "./copy.ts";
import { GpuCalls, gpuOperand } from "./gpu-calls.ts";
import type { AnyOp, Call, Operand, OutputSpec } from "./op.ts";
import type { DeviceName } from "./tensor-record.ts";

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

/** The calls of a backend's ops on each device. */
interface Callers {
  readonly wasm: Calls;
  readonly webgpu: GpuCalls;
}

const callersOf = new WeakMap<GanvilBackend, Callers>();

function callers(backend: GanvilBackend): Callers {
  let found = callersOf.get(backend);
  if (found === undefined) {
    found = { wasm: new Calls(backend), webgpu: new GpuCalls(backend.residency, backend.planner) };
    callersOf.set(backend, found);
  }
  return found;
}

/** A call of an op: its tensors by name, and what `infer` worked out. */
interface OpCall {
  readonly op: AnyOp;
  readonly inputs: Record<string, TensorInfo>;
  readonly outputs: readonly TensorInfo[];
  readonly attrs: object;
  readonly plan: unknown;
}

function mapInputs<T>(inputs: Record<string, TensorInfo>, f: (tensor: TensorInfo) => T): Record<string, T> {
  const mapped: Record<string, T> = {};
  for (const name of Object.keys(inputs)) if (inputs[name] != null) mapped[name] = f(inputs[name]);
  return mapped;
}

/** Calls an op's kernels; a live op's are chosen again at each replay. */
function computeOnWasm(backend: GanvilBackend, { op, inputs, outputs, attrs, plan }: OpCall): void {
  const kernels = op.wasm as Exclude<AnyOp["wasm"], string>;
  const { executor } = backend;
  const { recorder } = executor;
  const operand = (tensor: TensorInfo): Operand => {
    const ptr = backend.ptr(tensor);
    recorder?.use(tensor, ptr);
    return { ptr, shape: tensor.shape, dtype: tensor.dtype, size: util.sizeFromShape(tensor.shape) };
  };
  const operands = mapInputs(inputs, operand);
  const results = outputs.map(operand);
  const { wasm } = callers(backend);
  const run = () =>
    wasm.during((call) => kernels(call, operands, results, op.live ? present(attrs) : attrs, plan));
  if (op.live === true && recorder !== undefined) {
    recorder.act(op.name, () => executor.followed(undefined, run));
  } else {
    run();
  }
}

/** Calls an op's shaders; a live op's have other uniforms at each replay. */
function computeOnGpu(backend: GanvilBackend, { op, inputs, outputs, attrs, plan }: OpCall): void {
  const { executor, residency } = backend;
  const { recorder } = executor;
  if (op.together !== undefined)
    layTogether(
      backend,
      op.together(attrs).map((name) => inputs[name]),
    );
  const operand = (tensor: TensorInfo) => gpuOperand(residency, tensor);
  const operands = mapInputs(inputs, operand);
  const results = outputs.map(operand);
  const { webgpu } = callers(backend);
  const run = (call: GpuCalls) => op.webgpu!(call, operands, results, op.live ? present(attrs) : attrs, plan);
  if (op.live === true && recorder !== undefined) {
    const owned = recorder.memory?.gpu?.owned;
    const work =
      owned === undefined ? () => webgpu.during(() => run(webgpu)) : webgpu.live(owned, () => run(webgpu));
    recorder.act(op.name, () => executor.followed(undefined, work));
  } else {
    webgpu.during(() => run(webgpu));
  }
}

function compute(backend: GanvilBackend, call: OpCall, device: DeviceName): void {
  const { op, inputs, attrs } = call;
  if (device === "wasm") computeOnWasm(backend, call);
  else computeOnGpu(backend, call);
  for (const name of op.updates?.(attrs) ?? []) backend.residency.wrote(inputs[name], device);
}

/** Runs an op when values that it waits for have come; until then its results are pending. */
function computeLater(backend: GanvilBackend, call: OpCall, device: DeviceName): void {
  const { op, outputs } = call;
  // As they are now: by the time that it runs, what they are asked of has gone on.
  const attrs = op.live ? present(call.attrs) : call.attrs;
  const { residency, executor } = backend;
  executor.recorder?.refuse(`${op.name} waits for values from the GPU, for which it has no shader`);
  const inputs = mapInputs(call.inputs, ({ dataId, shape, dtype }) => ({ dataId, shape: [...shape], dtype }));
  const tensors = Object.values(inputs);
  const updated = (op.updates?.(attrs) ?? []).map((name) => inputs[name]);
  const held = [...tensors, ...outputs];
  for (const { dataId } of held) backend.incRef(dataId);
  backend.jobs.defer(
    tensors,
    [...outputs, ...updated],
    device,
    () => {
      for (const { dataId } of outputs) residency.allocate(residency.of(dataId), device);
      executor.followed(undefined, () => compute(backend, { ...call, inputs, attrs }, device));
    },
    () => {
      for (const { dataId } of held) backend.release(dataId);
    },
  );
}

/** Runs an op on the backend: infers, chooses a device, allocates, computes. */
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
  const { residency } = backend;
  const tensors = Object.values(inputs).filter((tensor) => tensor != null);
  for (const tensor of tensors) residency.checkAlive(tensor);
  for (const name of op.overwrites?.(attrs) ?? []) residency.forget(inputs[name]);
  const device = backend.placer.place(op, inputs, list, attrs);
  backend.executor.recorder?.noteOp(`${op.name} on ${device}`, attrs);
  const now = tensors.every(({ dataId }) => residency.isReady(residency.of(dataId), device));
  const outputs: TensorInfo[] = [];
  try {
    for (const { shape, dtype = "float32" } of list) {
      outputs.push(now ? backend.makeOutput(shape, dtype, device) : backend.makePending(shape, dtype));
    }
    const call: OpCall = { op, inputs, outputs, attrs, plan: list[0]?.plan };
    if (now) compute(backend, call, device);
    else computeLater(backend, call, device);
  } catch (error) {
    for (const { dataId } of outputs) backend.disposeData(dataId);
    throw error;
  }
  return many ? outputs : outputs[0];
}
