import type { TensorInfo } from "@tensorflow/tfjs-core";
import type { AnyOp, OutputSpec } from "./op.ts";
import { type Choice, choose, type Placement } from "./placement.ts";
import type { Residency } from "./residency.ts";
import type { DeviceName, TensorRecord } from "./tensor-record.ts";

/** How devices are chosen: each by what is fastest, or one wherever it can. */
export type PlacementMode = "auto" | DeviceName;

/** Where an op ran last, and why. */
export interface Explanation {
  readonly op: string;
  readonly device: DeviceName;
  readonly reason: string;
  readonly inputs: readonly (readonly number[])[];
  /** Calls so far on each device; those of replays of a captured step are not counted. */
  readonly calls: Readonly<Record<DeviceName, number>>;
}

/** Ops without inputs follow the others to the GPU when they have so many elements: below, the way is short. */
const manyElements = 1 << 15;

/** Chooses where ops run. */
export class Placer {
  readonly #residency: Residency;
  mode: PlacementMode = "wasm";
  /** Why no GPU is in use. */
  withoutGpu = "no GPU was asked for";
  /** As measured by `calibrate`, or as given. */
  speeds: Placement | undefined;
  readonly #latest = new Map<string, Explanation>();
  #previous: DeviceName = "wasm";

  constructor(residency: Residency) {
    this.#residency = residency;
  }

  /** Where an op ran last, and why; undefined where it has not run. */
  explain(op: string): Explanation | undefined {
    return this.#latest.get(op);
  }

  /** Of all ops so far. */
  explanations(): Explanation[] {
    return [...this.#latest.values()];
  }

  place(
    op: AnyOp,
    inputs: Record<string, TensorInfo>,
    outputs: readonly OutputSpec[],
    attrs: object,
  ): DeviceName {
    const choice = this.#choose(op, inputs, outputs, attrs);
    const calls = { wasm: 0, webgpu: 0, ...this.#latest.get(op.name)?.calls };
    calls[choice.device]++;
    const shapes = Object.values(inputs).flatMap((tensor) => (tensor == null ? [] : [tensor.shape]));
    this.#latest.set(op.name, { op: op.name, ...choice, inputs: shapes, calls });
    if (shapes.length > 0) this.#previous = choice.device;
    return choice.device;
  }

  #choose(
    op: AnyOp,
    inputs: Record<string, TensorInfo>,
    outputs: readonly OutputSpec[],
    attrs: object,
  ): Choice {
    const { gpu } = this.#residency;
    if (gpu === undefined || this.mode === "wasm") return { device: "wasm", reason: this.withoutGpu };
    if (op.webgpu === undefined) return { device: "wasm", reason: "it has no shader" };
    const present = Object.values(inputs).filter((tensor) => tensor != null);
    const bytes = [...present, ...outputs].map(({ shape }) => shape.reduce((a, b) => a * b, 4));
    if (bytes.some((size) => size > gpu.memory.largestBytes)) {
      return {
        device: "wasm",
        reason: `a tensor is larger than the ${gpu.memory.largestBytes} bytes that the GPU binds`,
      };
    }
    const dtypes = [...present, ...outputs].map(({ dtype = "float32" }) => dtype);
    if (dtypes.includes("complex64") || dtypes.includes("string") || op.onGpu?.(inputs, attrs) === false) {
      return { device: "wasm", reason: "its shader does not take these inputs" };
    }
    if (this.mode === "webgpu") return { device: "webgpu", reason: "the device was set to webgpu" };
    const records = present.map(({ dataId }) => this.#residency.of(dataId));
    if (present.length === 0) return this.#withoutInputs(outputs);
    return choose(this.speeds!, {
      flops: op.flops?.(inputs, attrs) ?? 0,
      bytes: bytes.reduce((a, b) => a + b, 0),
      uploadBytes: records.reduce((sum, record) => sum + (this.#lacks(record) ? 4 * record.length : 0), 0),
      onGpuOnly: records.some((record) => this.#isBound(record)),
    });
  }

  #withoutInputs(outputs: readonly OutputSpec[]): Choice {
    const size = outputs.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    if (size < manyElements) return { device: "wasm", reason: "it is small and has no inputs" };
    return { device: this.#previous, reason: "it has no inputs and follows the op before it" };
  }

  #lacks(record: TensorRecord): boolean {
    return record.region === undefined && !this.#residency.isUntouched(record);
  }

  /** True for values that would have to come back, or whose way is not known yet. */
  #isBound(record: TensorRecord): boolean {
    return this.#residency.isOnGpuOnly(record) || record.pending !== undefined;
  }
}
