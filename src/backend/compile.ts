import { type DataId, engine, type Tensor, type TensorInfo } from "@tensorflow/tfjs-core";
import { Arena } from "../wasm/arena.ts";
import type { Pool } from "../wasm/pool.ts";
import type { Gpu } from "../webgpu/gpu.ts";
import { GpuArena } from "../webgpu/memory.ts";
import { Uniforms } from "../webgpu/uniforms.ts";
import type { GanvilBackend } from "./backend.ts";
import { currentBackend } from "./backend.ts";
import { copyInto, copyOf, copyOut, moveOut } from "./copy.ts";
import { type Memory, type Places, Recorder } from "./recorder.ts";
import type { Place } from "./tensor-record.ts";

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
  readonly inputs: readonly Place[];
  readonly outputs: readonly { readonly place: Place; readonly tensor: TensorInfo }[];
  /** The threads that it has scratch memory for, and the GPU that it has memory on. */
  readonly pool: Pool | undefined;
  readonly gpu: Gpu | undefined;
  readonly outside: ReadonlyMap<DataId, Places>;
  readonly updated: ReadonlySet<DataId>;
  /** Variables whose values the step uses, and which they were. */
  readonly variables: readonly { readonly variable: Tensor; readonly dataId: DataId }[];
}

/**
 * Recordings that may fail before a step counts as one that cannot be captured: first calls may make what they keep, and
 * beside a GPU tensors take some more to come to rest where they stay.
 */
const attempts = { wasm: 3, webgpu: 12 } as const;

/** A step's constants are small: attributes of its kernels and scalars. */
const constantsBytes = 16384;

/**
 * Does something on the host in the middle of a step with the values of tensors, also at each replay of a
 * captured step: keeps count, checks that a loss is finite. What it throws ends the step.
 *
 * Values on the GPU come later: it is then done, in order, within `await settled()`, which throws what it throws, and
 * the kernels after it have run by then.
 */
export function onHost(tensors: readonly Tensor[], act: (...values: number[][]) => void): void {
  const backend = currentBackend();
  const { residency, executor, jobs } = backend;
  const { recorder } = executor;
  const records = tensors.map(({ dataId }) => residency.of(dataId));
  let run: () => void;
  if (records.every((record) => residency.isReady(record, "wasm"))) {
    const places = tensors.map((tensor) => ({ tensor, ptr: backend.ptr(tensor), size: tensor.size }));
    run = () => act(...places.map(({ ptr, size }) => [...backend.heap.f32(ptr, size)]));
    for (const { tensor, ptr } of places) recorder?.use(tensor, ptr);
  } else if (records.every((record) => residency.isReady(record, "webgpu"))) {
    const { queue } = backend.gpu!;
    const places = tensors.map((tensor) => ({ tensor, region: residency.region(tensor) }));
    run = () => {
      const values = places.map(({ region, tensor }) => queue.read(region, 4 * tensor.size));
      jobs.act((buffers) => act(...buffers.map((buffer) => [...new Float32Array(buffer)])), values);
    };
    for (const { tensor, region } of places) recorder?.use(tensor, region);
  } else {
    recorder?.refuse("the host waits for values that an op without a shader computes");
    jobs.actLater(tensors, act);
    return;
  }
  if (recorder === undefined) run();
  else recorder.act("onHost", run);
}

/**
 * Settles when everything asked for so far is computed or on the GPU's list, and what `onHost` was given is done.
 * Without a GPU that is at once.
 * @throws what an act of `onHost` throws, or DeviceError where the GPU failed
 */
export function settled(): Promise<void> {
  return currentBackend().jobs.settled();
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
    if (program !== undefined && canReplay(backend, program, inputs)) return replay(backend, program, inputs);
    if (program !== undefined) return plainly(...inputs);
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
    if (!recorder.postponed && ++failures === attempts[backend.gpu ? "webgpu" : "wasm"])
      refusal = recorder.refusal;
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
  const { executor, heap, residency, gpu } = backend;
  const memory: Memory = {
    arena: new Arena(heap, peakBytes),
    constants: new Arena(heap, constantsBytes),
    gpu: gpu && {
      arena: new GpuArena(gpu.memory),
      uniforms: new Uniforms(gpu.device, gpu.memory),
      owned: [],
    },
  };
  const recorder = new Recorder(memory);
  const variables = Object.values(engine().state.registeredVariables).map((variable) => ({
    variable: variable as Tensor,
    dataId: variable.dataId,
  }));
  const within = <T>(f: () => T): T =>
    heap.within(memory.arena, () => (gpu ? gpu.memory.within(memory.gpu!.arena, f) : f()));
  const slots: Tensor[] = [];
  let outputs: Tensor[];
  try {
    outputs = within(() =>
      executor.followed(recorder, () => {
        slots.push(...inputs.map((input) => copyOf(backend, input)));
        const results = step(...slots);
        // Zeros take their memory here, within the recording.
        for (const { dataId } of results) {
          if (residency.isUntouched(residency.of(dataId))) backend.ptr({ dataId });
        }
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
    inputs: slots.map(({ dataId }) => residency.placeOf(dataId) ?? backend.ptr({ dataId })),
    outputs: outputs.map(({ dataId, shape, dtype }) => ({
      place: residency.placeOf(dataId) ?? backend.ptr({ dataId }),
      tensor: { dataId: {}, shape, dtype },
    })),
    pool: executor.pool,
    gpu,
    outside: recorder.outside,
    updated: recorder.updated,
    variables: variables.filter(({ dataId }) => recorder.outside.has(dataId)),
  };
  for (const tensor of [...slots, ...outputs]) tensor.dispose();
  return { recorder, result, made };
}

/** Frees a recording's memory; what is alive in it moves out. */
function leave(backend: GanvilBackend, { made }: Recorder, memory: Memory): void {
  for (const dataId of made) if (backend.refCount(dataId) > 0) moveOut(backend, dataId);
  free(memory);
}

function free({ arena, constants, gpu }: Memory): void {
  arena.dispose();
  constants.dispose();
  gpu?.arena.dispose();
  gpu?.uniforms.dispose();
  for (const region of gpu?.owned.splice(0) ?? []) region.free();
}

/**
 * True while all that the program reads and writes is where it was, nobody else holds what it updates, and the
 * threads and the GPU are those that it was made for.
 */
function isValid(backend: GanvilBackend, { pool, gpu, outside, updated, variables }: Program): boolean {
  if (backend.executor.pool !== pool || backend.gpu !== gpu || gpu?.failure !== undefined) return false;
  for (const { variable, dataId } of variables) if (variable.dataId !== dataId) return false;
  for (const [dataId, places] of outside) if (!isAt(backend, dataId, places)) return false;
  for (const dataId of updated) if (backend.refCount(dataId) !== 1) return false;
  return true;
}

function isAt(backend: GanvilBackend, dataId: DataId, { ptr, region }: Places): boolean {
  if (backend.refCount(dataId) === 0) return false;
  const { residency } = backend;
  const record = residency.of(dataId);
  if (record.pending !== undefined || record.failure !== undefined) return false;
  if (ptr !== undefined && residency.isUntouched(record)) backend.ptr({ dataId });
  return (ptr === undefined || record.ptr === ptr) && (region === undefined || record.region === region);
}

/** True where the inputs' values can be had where the program wants them. */
function canReplay({ residency }: GanvilBackend, program: Program, inputs: readonly Tensor[]): boolean {
  return inputs.every(({ dataId }, i) =>
    residency.isReady(residency.of(dataId), typeof program.inputs[i] === "number" ? "wasm" : "webgpu"),
  );
}

function replay(backend: GanvilBackend, program: Program, inputs: readonly Tensor[]): Tensor[] {
  for (const [i, input] of inputs.entries()) copyInto(backend, program.inputs[i], input);
  for (const entry of program.entries) entry();
  for (const dataId of program.updated) {
    const { ptr, region } = program.outside.get(dataId) ?? {};
    if (ptr === undefined || region === undefined) {
      backend.residency.wrote({ dataId }, region === undefined ? "wasm" : "webgpu");
    }
  }
  return program.outputs.map(({ place, tensor }) => copyOut(backend, place, tensor));
}
