import type { DataId, TensorInfo } from "@tensorflow/tfjs-core";
import type { Arena } from "../wasm/arena.ts";
import { blockBytes } from "../wasm/free-list.ts";
import type { GpuArena, Region } from "../webgpu/memory.ts";
import type { Uniforms } from "../webgpu/uniforms.ts";
import type { GanvilBackend } from "./backend.ts";
import type { Place } from "./tensor-record.ts";

/** 32-bit FNV-1a of bytes, gone on from `hash`. */
function hashBytes(hash: number, bytes: Uint8Array): number {
  let result = hash;
  for (let i = 0; i < bytes.length; i++) result = Math.imul(result ^ bytes[i], 0x01000193);
  return result;
}

const encoder = new TextEncoder();

/** Where a tensor's values are on each device. */
export interface Places {
  readonly ptr?: number;
  readonly region?: Region;
}

/** Memory of a recording: nothing else comes there. */
export interface Memory {
  /** What the function allocates: freed blocks serve again within it. */
  readonly arena: Arena;
  /** What replays read and nothing writes. */
  readonly constants: Arena;
  /** The same on the GPU, where there is one. */
  readonly gpu?: {
    readonly arena: GpuArena;
    readonly uniforms: Uniforms;
    /** Blocks of its own. */
    readonly owned: Region[];
  };
}

/**
 * Follows what a function has the backend do. With memory it also writes down every call, so that the same
 * can be done again without the function.
 */
export class Recorder {
  readonly #memory: Memory | undefined;
  /** What a replay does, in order. */
  readonly entries: (() => unknown)[] = [];
  /** Tensors from outside that kernels read or write, and where their values were on each device that does. */
  readonly outside = new Map<DataId, Places>();
  /** Tensors from outside that are updated in place. */
  readonly updated = new Set<DataId>();
  /** Tensors made since the start that are alive. */
  readonly made = new Set<DataId>();
  #hash = 0x811c9dc5;
  #refusal: string | undefined;
  /** Something passing, such as a clone that held a variable's values, is in the way: the next call may do. */
  postponed = false;

  /** @param memory of the recording; none: the function is only watched */
  constructor(memory?: Memory) {
    this.#memory = memory;
  }

  /** A number that differs where two runs called different kernels or wrote different constants. */
  get hash(): number {
    return this.#hash;
  }

  /** Why this cannot be replayed; undefined where it can. */
  get refusal(): string | undefined {
    return this.#refusal;
  }

  /** The recording's memory; none where the function is only watched. */
  get memory(): Memory | undefined {
    return this.#memory;
  }

  refuse(reason: string): void {
    this.#refusal ??= reason;
  }

  /** Notes values that come from JavaScript and must be the same in each run. */
  noteValues(bytes: Uint8Array): void {
    this.#hash = hashBytes(this.#hash, bytes);
  }

  /** Notes an op with its attributes, apart from functions and bytes, which must be the same in each run. */
  noteOp(name: string, attrs: object): void {
    const plain = (_: string, value: unknown) =>
      ArrayBuffer.isView(value) ? undefined : typeof value === "number" ? String(value) : value;
    this.#note(name + JSON.stringify(attrs, plain));
  }

  #note(what: string): void {
    this.#hash = hashBytes(this.#hash, encoder.encode(what));
  }

  /** Does something now and at each replay; in each run the same must come again. */
  act<T>(what: string, entry: () => T): T {
    this.#note(what);
    if (this.#memory !== undefined) this.entries.push(entry);
    return entry();
  }

  /** Has each replay write what JavaScript wrote there just now: by then something else may have lain there. */
  keep({ heap, module }: GanvilBackend, ptr: number, bytes: number): void {
    if (this.#memory === undefined) return;
    const kept = this.#memory.constants.take(blockBytes(bytes)).ptr;
    heap.u8(kept, bytes).set(heap.u8(ptr, bytes));
    this.entries.push(() => module.kernels.copy(kept, ptr, bytes));
  }

  /** Notes the operand of a kernel. */
  use({ dataId }: Pick<TensorInfo, "dataId">, place: Place): void {
    if (this.made.has(dataId)) return;
    const places = this.outside.get(dataId);
    this.outside.set(dataId, {
      ...places,
      ...(typeof place === "number" ? { ptr: place } : { region: place }),
    });
  }
}
