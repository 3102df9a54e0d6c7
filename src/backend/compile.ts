import { type DataId, engine, type Tensor, type TensorInfo, util } from "@tensorflow/tfjs-core";
import { Arena } from "../wasm/arena.ts";
import type { Pool } from "../wasm/pool.ts";
import type { GanvilBackend } from "./backend.ts";
import { currentBackend } from "./backend.ts";
import { type Memory, Recorder } from "./recorder.ts";

/** Tensors in, tensors out, all of fixed shapes; effects on variables are in place. */
export type Step = (...inputs: Tensor[]) => Tensor[];

/** A step that is replayed where it can be. */
export interface CompiledStep {
  (...inputs: Tensor[]): Tensor[];
  /** `"watched"`, then `"captured"`; or why the step cannot be captured and is run as it is. */
  readonly status: string;
  /** Frees the captured step's memory; calling it again captures anew. */
  dispose(): void;
}

/** A captured step. */
interface Program {
  readonly entries: readonly (() => unknown)[];
  readonly memory: Memory;
  readonly inputs: readonly number[];
  readonly outputs: readonly { readonly ptr: number; readonly tensor: TensorInfo }[];
  /** The threads that it has scratch memory for. */
  readonly pool: Pool | undefined;
  readonly outside: ReadonlyMap<DataId, number>;
  readonly updated: ReadonlySet<DataId>;
  /** Variables whose values the step uses, and which they were. */
  readonly variables: readonly { readonly variable: Tensor; readonly dataId: DataId }[];
}

/** Recordings that may fail before a step counts as one that cannot be captured: first calls may make what they keep. */
const attempts = 3;

/** A step's constants are small: attributes of its kernels and scalars. */
const constantsBytes = 16384;

const bytesOf = ({ shape, dtype }: TensorInfo): number =>
  util.sizeFromShape(shape) * util.bytesPerElement(dtype);

/**
 * Does something on the host in the middle of a step with the values of tensors, also at each replay of a
 * captured step: keeps count, checks that a loss is finite. What it throws ends the step.
 */
export function onHost(tensors: readonly Tensor[], act: (...values: number[][]) => void): void {
  const backend = currentBackend();
  const { recorder } = backend.executor;
  const places = tensors.map((tensor) => ({ tensor, ptr: backend.ptr(tensor), size: tensor.size }));
  const run = () => act(...places.map(({ ptr, size }) => [...backend.heap.f32(ptr, size)]));
  for (const { tensor, ptr } of places) recorder?.use(tensor, ptr);
  if (recorder === undefined) run();
  else recorder.act("onHost", run);
}

/**
 * A step that is the same at each call but faster: the first call is watched, the second one recorded, and
 * from the third on the recorded kernels are replayed on memory of their own, without TensorFlow.js's engine, tape
 * or allocator. Same numbers, bit for bit. Another shape, or a variable that was given other memory
 * (`assign`), starts anew.
 *
 * What changes from call to call comes by the inputs, by attributes that are functions (`learningRate: () =>
 * ...`, a key `() => deriveKey(...)`) or from `onHost`. A step that reads a tensor's values otherwise, gives a
 * variable other memory, keeps a tensor, or calls other kernels with the same shapes cannot be captured: it is
 * run as it is, and `status` says why.
 * @param step takes and gives tensors on this backend; all else that it makes is disposed at its end, the results
 *   are the caller's
 */
export function compile(step: Step): CompiledStep {
  let shapes = "";
  let watched: { readonly hash: number; readonly peakBytes: number } | undefined;
  let program: Program | undefined;
  let failures = 0;
  let refusal: string | undefined;

  const forget = () => {
    if (program !== undefined) free(program.memory);
    program = undefined;
    watched = undefined;
    failures = 0;
    refusal = undefined;
  };

  const plainly = (...inputs: Tensor[]): Tensor[] => engine().tidy(() => step(...inputs));

  const run = (...inputs: Tensor[]): Tensor[] => {
    const backend = currentBackend();
    // Within another captured step the kernels are written down there.
    if (backend.executor.recorder !== undefined) return plainly(...inputs);
    const now = inputs.map(({ dtype, shape }) => `${dtype}[${shape}]`).join();
    if (now !== shapes || (program !== undefined && !isValid(backend, program))) forget();
    shapes = now;
    if (refusal !== undefined) return plainly(...inputs);
    if (program !== undefined) return replay(backend, program, inputs);
    if (watched === undefined) {
      const { recorder, result, peakBytes } = watch(backend, plainly, inputs);
      watched = { hash: recorder.hash, peakBytes };
      return result;
    }
    const { recorder, result, made } = record(backend, plainly, inputs, watched.peakBytes);
    if (recorder.hash !== watched.hash) recorder.refuse("its kernels or constants change from call to call");
    if (recorder.refusal === undefined && !recorder.postponed) {
      program = made;
      return result;
    }
    leave(backend, recorder, made.memory);
    watched = { ...watched, hash: recorder.hash };
    if (!recorder.postponed && ++failures === attempts) refusal = recorder.refusal;
    return result;
  };
  return Object.defineProperties(run, {
    status: { get: () => refusal ?? (program === undefined ? "watched" : "captured") },
    dispose: { value: forget },
  }) as CompiledStep;
}

/** Runs a step as it is and notes what it calls and how much memory it takes. */
function watch(backend: GanvilBackend, step: Step, inputs: Tensor[]) {
  const { executor, heap } = backend;
  const recorder = new Recorder();
  heap.resetPeak();
  const before = heap.bytesInUse;
  const result = executor.followed(recorder, () => step(...inputs));
  // What the call leaves behind, such as an optimizer's storage, later calls find.
  return { recorder, result, peakBytes: heap.peakBytes - Math.max(before, heap.bytesInUse) };
}

/** Runs a step on memory of its own and writes its calls down. */
function record(backend: GanvilBackend, step: Step, inputs: Tensor[], peakBytes: number) {
  const { executor, heap } = backend;
  const memory = { arena: new Arena(heap, peakBytes), constants: new Arena(heap, constantsBytes) };
  const recorder = new Recorder(memory);
  const variables = Object.values(engine().state.registeredVariables).map((variable) => ({
    variable: variable as Tensor,
    dataId: variable.dataId,
  }));
  const slots: Tensor[] = [];
  let outputs: Tensor[];
  try {
    outputs = heap.within(memory.arena, () =>
      executor.followed(recorder, () => {
        slots.push(...inputs.map((input) => copyOf(backend, input)));
        const results = step(...slots);
        // Zeros take their memory here, within the recording.
        for (const result of results) backend.ptr(result);
        return results;
      }),
    );
  } catch (error) {
    for (const slot of slots) slot.dispose();
    leave(backend, recorder, memory);
    throw error;
  }
  for (const { variable, dataId } of recorder.postponed ? [] : variables) {
    if (variable.dataId !== dataId) recorder.refuse("it gives a variable other memory (assign)");
  }
  const known = new Set([...slots, ...outputs].map(({ dataId }) => dataId));
  for (const dataId of recorder.made) if (!known.has(dataId)) recorder.refuse("it keeps a tensor");
  const result = outputs.map((output) => copyOf(backend, output));
  const made: Program = {
    entries: recorder.entries,
    memory,
    inputs: slots.map((slot) => backend.ptr(slot)),
    outputs: outputs.map((tensor) => ({
      ptr: backend.ptr(tensor),
      tensor: { dataId: {}, shape: tensor.shape, dtype: tensor.dtype },
    })),
    pool: executor.pool,
    outside: recorder.outside,
    updated: recorder.updated,
    variables: variables.filter(({ dataId }) => recorder.outside.has(dataId)),
  };
  for (const tensor of [...slots, ...outputs]) tensor.dispose();
  return { recorder, result, made };
}

/** Frees a recording's memory; what is alive in it moves out. */
function leave(backend: GanvilBackend, { made }: Recorder, memory: Memory): void {
  for (const dataId of made) if (backend.refCount(dataId) > 0) backend.moveOut(dataId);
  free(memory);
}

function free({ arena, constants }: Memory): void {
  arena.dispose();
  constants.dispose();
}

/**
 * True while all that the program reads and writes is where it was, nobody else holds what it updates, and the
 * threads are those that it was made for.
 */
function isValid(backend: GanvilBackend, { pool, outside, updated, variables }: Program): boolean {
  if (backend.executor.pool !== pool) return false;
  for (const { variable, dataId } of variables) if (variable.dataId !== dataId) return false;
  for (const [dataId, ptr] of outside)
    if (backend.refCount(dataId) === 0 || backend.ptr({ dataId } as TensorInfo) !== ptr) return false;
  for (const dataId of updated) if (backend.refCount(dataId) !== 1) return false;
  return true;
}

function replay(backend: GanvilBackend, program: Program, inputs: readonly Tensor[]): Tensor[] {
  for (const [i, input] of inputs.entries()) {
    backend.copyBytes(program.inputs[i], backend.ptr(input), bytesOf(input));
  }
  for (const entry of program.entries) entry();
  return program.outputs.map(({ ptr, tensor: { shape, dtype } }) => {
    const output = backend.makeOutput(shape, dtype);
    backend.copyBytes(backend.ptr(output), ptr, bytesOf(output));
    return engine().makeTensorFromTensorInfo(output);
  });
}

/** A tensor of the same values in memory of its own. */
export function copyOf(backend: GanvilBackend, tensor: Tensor): Tensor {
  const copy = backend.makeOutput(tensor.shape, tensor.dtype);
  backend.copyBytes(backend.ptr(copy), backend.ptr(tensor), bytesOf(tensor));
  return engine().makeTensorFromTensorInfo(copy);
}
