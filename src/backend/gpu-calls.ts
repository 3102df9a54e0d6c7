import type { Planner } from "../wasm/planner.ts";
import type { Arithmetic } from "../webgpu/arithmetic.ts";
import type { Gpu } from "../webgpu/gpu.ts";
import { DeviceBuffer, Region } from "../webgpu/memory.ts";
import type { Dispatch } from "../webgpu/queue.ts";
import { type GpuOperand, prepare, type Shader, uniformsOf, workgroupsOf } from "../webgpu/shader.ts";
import { uniformBytes } from "../webgpu/uniforms.ts";
import type { GpuCall } from "./op.ts";
import type { Recorder } from "./recorder.ts";
import type { Residency } from "./residency.ts";

/** A shader call whose uniforms are written anew at each replay. */
interface LiveDispatch {
  readonly dispatch: Dispatch;
  /** Where they lie, and what was last brought there. */
  readonly uniforms: { readonly region: Region; latest: Uint32Array } | undefined;
}

/** The calls of a live op while it runs. */
interface Live {
  readonly calls: LiveDispatch[];
  /** Memory for them to keep. */
  readonly owned: Region[];
  /** Which of them comes next, in a replay. */
  next: number | undefined;
}

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
    if (workgroupsOf(shader).includes(0)) return;
    if (this.#live !== undefined) {
      this.#runLive(this.#live, shader);
      return;
    }
    const gpu = this.#gpu;
    const prepared = prepare(shader);
    const recorder = this.#recorder;
    const pages = recorder?.memory?.gpu?.uniforms;
    if (pages === undefined) {
      const dispatch = gpu.dispatchOf(shader, prepared);
      if (recorder === undefined) gpu.queue.dispatch(dispatch);
      else recorder.act(shader.name, () => gpu.queue.dispatch(dispatch));
      return;
    }
    const slot = prepared.uniforms.length > 0 ? pages.put(uniformBytes(prepared.uniforms)) : undefined;
    pages.write();
    const dispatch = gpu.bind(shader, prepared, slot);
    recorder!.act(shader.name, () => gpu.queue.dispatch(dispatch));
  };

  #runLive(live: Live, shader: Shader): void {
    const { queue } = this.#gpu;
    if (live.next === undefined) live.calls.push(this.#liveDispatch(live, shader));
    const call = live.calls[live.next === undefined ? live.calls.length - 1 : live.next++];
    const { uniforms } = call;
    if (uniforms !== undefined) {
      const bytes = new Uint32Array(uniformBytes(uniformsOf(shader)));
      if (bytes.some((word, i) => word !== uniforms.latest[i])) queue.upload(uniforms.region, bytes);
      uniforms.latest = bytes;
    }
    queue.dispatch(call.dispatch);
  }

  #liveDispatch({ owned }: Live, shader: Shader): LiveDispatch {
    const prepared = prepare(shader);
    const size = uniformBytes(prepared.uniforms).byteLength;
    if (size === 0) return { dispatch: this.#gpu.bind(shader, prepared, undefined), uniforms: undefined };
    const { memory } = this.#gpu;
    const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
    // Zero at first, as every new buffer is.
    const buffer = new DeviceBuffer(this.#gpu.device.createBuffer({ size, usage }));
    const source = { take: () => region, giveBack: () => memory.discard(buffer) };
    const region: Region = new Region(source, buffer, 0, size);
    owned.push(region);
    const uniforms = { region, latest: new Uint32Array(size / 4) };
    return { dispatch: this.#gpu.bind(shader, prepared, region), uniforms };
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
