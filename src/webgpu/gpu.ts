import { DeviceError } from "../errors.ts";
import { adapterName, findAdapter, type GpuOptions, isSoftware, requestDevice } from "./adapter.ts";
import { type Arithmetic, float32 } from "./arithmetic.ts";
import { type DeviceBuffer, GpuMemory } from "./memory.ts";
import { Pipelines } from "./pipelines.ts";
import { type Dispatch, GpuQueue } from "./queue.ts";
import { type Prepared, prepare, type Shader } from "./shader.ts";
import { type UniformSlot, Uniforms, uniformBytes } from "./uniforms.ts";

/** One WebGPU device: its memory, its compiled shaders, and the commands for it. */
export class Gpu {
  /** As it was asked for. */
  readonly options: GpuOptions;
  readonly adapter: GPUAdapter;
  readonly device: GPUDevice;
  /** The adapter's name. */
  readonly name: string;
  readonly memory: GpuMemory;
  readonly pipelines: Pipelines;
  readonly queue: GpuQueue;
  /** What it multiplies by: float32, until it has proved more. */
  arithmetic: Arithmetic = float32;
  /** Of calls that run once. */
  readonly #uniforms: Uniforms;
  #failure: DeviceError | undefined;
  /** Is told when the device is lost or fails. */
  onFailure: ((error: DeviceError) => void) | undefined;

  static async start(options: GpuOptions = {}): Promise<Gpu> {
    const adapter = await findAdapter(options);
    return new Gpu(adapter, await requestDevice(adapter, options), options);
  }

  constructor(adapter: GPUAdapter, device: GPUDevice, options: GpuOptions) {
    this.options = options;
    this.adapter = adapter;
    this.device = device;
    this.name = adapterName(adapter);
    this.memory = new GpuMemory(device);
    this.pipelines = new Pipelines(device);
    this.queue = new GpuQueue(device, this.memory);
    this.#uniforms = new Uniforms(device, this.memory);
    this.queue.beforeSubmit = () => this.#uniforms.write();
    this.queue.afterAll = () => this.#uniforms.reset();
    // WebGPU's errors throw nowhere: results are zeros. Whatever comes after one fails.
    device.onuncapturederror = ({ error }) => {
      const outOfMemory = error.constructor.name === "GPUOutOfMemoryError";
      this.#fail(
        new DeviceError(
          outOfMemory ? "gpu-out-of-memory" : "gpu-validation",
          outOfMemory
            ? `webgpu: the GPU's memory is exhausted (${error.message}). Use a smaller batch or resolution, or init({ device: "wasm" }).`
            : `webgpu: the device refused a command, and what it computed is void: ${error.message}`,
        ),
      );
    };
    device.lost.then(({ reason, message }) =>
      this.#fail(
        new DeviceError(
          "gpu-lost",
          `webgpu: the GPU was lost (${reason || "unknown"}: ${message}), and with it the tensors that were on it alone.`,
        ),
      ),
    );
  }

  /** True for a GPU that is computed on the CPU. */
  get software(): boolean {
    return isSoftware(this.adapter);
  }

  /** What went wrong, since when nothing works any more. */
  get failure(): DeviceError | undefined {
    return this.#failure;
  }

  /** @throws DeviceError where the device is lost or has refused a command */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** A call of a shader with uniforms of its own, to be run once. */
  dispatchOf(shader: Shader, prepared: Prepared = prepare(shader)): Dispatch {
    const uniforms =
      prepared.uniforms.length > 0 ? this.#uniforms.put(uniformBytes(prepared.uniforms)) : undefined;
    return this.bind(shader, prepared, uniforms);
  }

  /** A call of a shader with uniforms that lie somewhere. */
  bind(shader: Shader, prepared: Prepared, uniforms: UniformSlot | undefined): Dispatch {
    const pipeline = this.pipelines.of(shader, prepared);
    const entries: GPUBindGroupEntry[] = [];
    const buffers: DeviceBuffer[] = [];
    for (const { region } of prepared.operands) {
      const { buffer, offset, bytes } = region;
      entries.push({ binding: entries.length, resource: { buffer: buffer.gpu, offset, size: bytes } });
      buffers.push(buffer);
    }
    if (uniforms !== undefined) {
      const { buffer, offset, bytes } = uniforms;
      entries.push({ binding: entries.length, resource: { buffer: buffer.gpu, offset, size: bytes } });
      buffers.push(buffer);
    }
    const group = this.device.createBindGroup({ layout: pipeline.layout, entries });
    return { pipeline, group, buffers, workgroups: prepared.workgroups };
  }

  /**
   * Submits all commands and waits for reads of them.
   * @throws DeviceError where the device failed
   */
  async finish(reads: readonly (() => Promise<ArrayBuffer>)[]): Promise<ArrayBuffer[]> {
    try {
      // Reads that begin at the same time go in one submit.
      await undefined;
      await this.queue.flush();
      const values = await Promise.all(reads.map((read) => read()));
      this.check();
      return values;
    } catch (error) {
      // A lost device says so a little later than its reads fail.
      if (this.#failure === undefined)
        await Promise.race([this.device.lost, new Promise((r) => setTimeout(r, 50))]);
      this.check();
      throw error;
    }
  }

  dispose(): void {
    this.#failure ??= new DeviceError("gpu-lost", "webgpu: the device was given up (init or dispose)");
    this.queue.release();
    this.device.destroy();
  }

  #fail(error: DeviceError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.onFailure?.(error);
  }
}
