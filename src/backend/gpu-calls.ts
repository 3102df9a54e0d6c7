import type { Planner } from "../wasm/planner.ts";
import type { Arithmetic } from "../webgpu/arithmetic.ts";
import type { Gpu } from "../webgpu/gpu.ts";
import { DeviceBuffer, Region } from "../webgpu/memory.ts";
import type { Dispatch } from "../webgpu/queue.ts";
import { type GpuOperand, type Prepared, prepare, type Shader } from "../webgpu/shader.ts";
import { uniformBytes } from "../webgpu/uniforms.ts";
import type { GpuCall } from "./op.ts";
import type { Recorder } from "./recorder.ts";
import type { Residency } from "./residency.ts";

/** A shader call whose uniforms are written anew at each replay. */
interface LiveDispatch {
  readonly dispatch: Dispatch;
  readonly uniforms: Region | undefined;
}

/** The calls of a live op while it runs. */
interface Live {
  readonly calls: LiveDispatch[];
  /** Memory for them to keep. */
  readonly owned: Region[];
  /** Which of them comes next, in a replay. */
  next: number | undefined;
}

const isVoid = ({ workgroups }: Prepared): boolean => workgroups.includes(0);

/** What the shader calls of a backend may use. */
export class GpuCalls implements GpuCall {
  readonly planner: Planner;
  readonly #residency: Residency;
  readonly #workspaces: Region[] = [];
  #live: Live | undefined;

  constructor(residency: Residency, planner: Planner) {
    this.#residency = residency;
    this.planner = planner;
  }

  get #gpu(): Gpu {
    return this.#residency.gpu!;
  }

  get #recorder(): Recorder | undefined {
    return this.#residency.executor.recorder;
  }

  get arithmetic(): Arithmetic {
    return this.#gpu.arithmetic;
  }

  get limits(): GPUSupportedLimits {
    return this.#gpu.device.limits;
  }

  readonly run: GpuCall["run"] = (shader) => {
    const prepared = prepare(shader);
    if (isVoid(prepared)) return;
    const gpu = this.#gpu;
    if (this.#live !== undefined) {
      this.#runLive(this.#live, shader, prepared);
      return;
    }
    const recorder = this.#recorder;
    const pages = recorder?.memory?.gpu?.uniforms;
    if (pages === undefined) {
      const dispatch = gpu.dispatchOf(shader, prepared);
      if (recorder === undefined) gpu.queue.dispatch(dispatch);
      else recorder.act(shader.name, () => gpu.queue.dispatch(dispatch));
      return;
    }
    const slot = prepared.uniforms.length > 0 ? pages.put(uniformBytes(prepared)) : undefined;
    pages.write();
    const dispatch = gpu.bind(shader, prepared, slot);
    recorder!.act(shader.name, () => gpu.queue.dispatch(dispatch));
  };

  #runLive(live: Live, shader: Shader, prepared: Prepared): void {
    const { queue } = this.#gpu;
    const uniforms = prepared.uniforms.length > 0 ? uniformBytes(prepared) : undefined;
    if (live.next === undefined) live.calls.push(this.#liveDispatch(live, shader, prepared, uniforms));
    const call = live.calls[live.next === undefined ? live.calls.length - 1 : live.next++];
    if (uniforms !== undefined) queue.upload(call.uniforms!, new Uint8Array(uniforms));
    queue.dispatch(call.dispatch);
  }

  #liveDispatch(
    { owned }: Live,
    shader: Shader,
    prepared: Prepared,
    uniforms: ArrayBuffer | undefined,
  ): LiveDispatch {
    if (uniforms === undefined) return { dispatch: this.#gpu.bind(shader, prepared, undefined), uniforms };
    const { memory } = this.#gpu;
    const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
    const buffer = new DeviceBuffer(this.#gpu.device.createBuffer({ size: uniforms.byteLength, usage }));
    const source = { take: () => region, giveBack: () => memory.discard(buffer) };
    const region: Region = new Region(source, buffer, 0, uniforms.byteLength);
    owned.push(region);
    return { dispatch: this.#gpu.bind(shader, prepared, region), uniforms: region };
  }

  readonly workspace: GpuCall["workspace"] = (size, dtype = "float32") => {
    const region = this.#gpu.memory.alloc(4 * size);
    this.#workspaces.push(region);
    return { region, size, shape: [size], dtype };
  };

  readonly values: GpuCall["values"] = (values) => {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    const recorder = this.#recorder;
    recorder?.noteValues(bytes);
    const { memory, queue } = this.#gpu;
    const region = memory.arena?.takeDedicated(bytes.length) ?? memory.alloc(bytes.length);
    queue.upload(region, bytes.length % 4 === 0 ? bytes : padded(bytes));
    this.#workspaces.push(region);
    const size = Math.ceil(bytes.length / 4);
    return { region, size, shape: [size], dtype: values instanceof Float32Array ? "float32" : "int32" };
  };

  readonly copy: GpuCall["copy"] = (from, to) => {
    const { queue } = this.#gpu;
    const run = () => queue.copy(from.region, to.region, 4 * from.size);
    if (this.#recorder === undefined) run();
    else this.#recorder.act("copy", run);
  };

  readonly clear: GpuCall["clear"] = ({ region }) => {
    const { queue } = this.#gpu;
    if (this.#recorder === undefined) queue.clear(region);
    else this.#recorder.act("clear", () => queue.clear(region));
  };

  /** One op's shader calls, with all that they take given back at the end. */
  during(work: (call: GpuCall) => void): void {
    try {
      work(this);
    } finally {
      for (const region of this.#workspaces.splice(0)) region.free();
    }
  }

  /** A live op's: the calls that it makes now come again at each replay, with the uniforms of then. */
  live(owned: Region[], work: (call: GpuCall) => void): () => void {
    const calls: LiveDispatch[] = [];
    let first = true;
    return () => {
      this.#live = { calls, owned, next: first ? undefined : 0 };
      first = false;
      try {
        this.during(work);
      } finally {
        this.#live = undefined;
      }
    };
  }
}

function padded(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  whole.set(bytes);
  return whole;
}

/** A tensor as shaders see it. */
export function gpuOperand(
  residency: Residency,
  tensor: Omit<GpuOperand, "region" | "size"> & { dataId: object },
): GpuOperand {
  const region = residency.region(tensor);
  residency.executor.recorder?.use(tensor, region);
  const { shape, dtype } = tensor;
  return { region, shape, dtype, size: residency.of(tensor.dataId).length };
}
