import { type Prepared, prepare, type Shader, sourceOf } from "./shader.ts";

/** A compiled shader, or one that is being compiled. */
export interface Pipeline {
  readonly key: string;
  readonly layout: GPUBindGroupLayout;
  /** Undefined until it is compiled. */
  compiled: GPUComputePipeline | undefined;
  /** Settles when it is; rejects where it cannot be. */
  readonly ready: Promise<unknown>;
}

/** How far the compiling of shaders is. */
export interface WarmUp {
  readonly compiled: number;
  readonly asked: number;
}

/** The compiled shaders of a device, each compiled once, in the background. */
export class Pipelines {
  readonly #device: GPUDevice;
  readonly #byKey = new Map<string, Pipeline>();
  readonly #layouts = new Map<string, { group: GPUBindGroupLayout; pipeline: GPUPipelineLayout }>();
  #compiled = 0;
  /** Is told whenever a shader is asked for or compiled. */
  onProgress: ((progress: WarmUp) => void) | undefined;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  get progress(): WarmUp {
    return { compiled: this.#compiled, asked: this.#byKey.size };
  }

  of(shader: Shader, prepared: Prepared = prepare(shader)): Pipeline {
    return this.#byKey.get(prepared.key) ?? this.#compile(shader, prepared);
  }

  #compile(shader: Shader, prepared: Prepared): Pipeline {
    const { group, pipeline: layout } = this.#layoutOf(prepared);
    const { key } = prepared;
    const module = this.#device.createShaderModule({ label: key, code: sourceOf(shader, prepared) });
    const compute = { module, entryPoint: "main" };
    const ready = this.#device
      .createComputePipelineAsync({ label: key, layout, compute })
      .then((compiled) => {
        pipeline.compiled = compiled;
        this.#compiled++;
        this.onProgress?.(this.progress);
      });
    // Whoever waits for it hears of a failure; it is no unhandled rejection where nobody does.
    ready.catch(() => this.#byKey.delete(key));
    const pipeline: Pipeline = { key, layout: group, compiled: undefined, ready };
    this.#byKey.set(key, pipeline);
    this.onProgress?.(this.progress);
    return pipeline;
  }

  #layoutOf({ written, uniforms }: Prepared) {
    const key = `${written.map(Number).join("")}${uniforms.length > 0 ? "u" : ""}`;
    const known = this.#layouts.get(key);
    if (known !== undefined) return known;
    const types: GPUBufferBindingType[] = written.map((w) => (w ? "storage" : "read-only-storage"));
    if (uniforms.length > 0) types.push("uniform");
    const visibility = GPUShaderStage.COMPUTE;
    const entries = types.map((type, binding) => ({ binding, visibility, buffer: { type } }));
    const group = this.#device.createBindGroupLayout({ entries });
    const layout = { group, pipeline: this.#device.createPipelineLayout({ bindGroupLayouts: [group] }) };
    this.#layouts.set(key, layout);
    return layout;
  }
}
