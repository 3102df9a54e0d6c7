import { DeviceBuffer, type GpuMemory } from "./memory.ts";
import type { Prepared } from "./shader.ts";

/** Where a call's uniforms lie. */
export interface UniformSlot {
  readonly buffer: DeviceBuffer;
  readonly offset: number;
  readonly bytes: number;
}

/** Bindings of uniforms begin at multiples of so many bytes. */
const slotBytes = 256;
const slotsPerPage = 256;

/** A call's uniforms as they lie in memory. */
export function uniformBytes(uniforms: Prepared["uniforms"]): ArrayBuffer {
  const buffer = new ArrayBuffer(Math.ceil((4 * uniforms.length) / 16) * 16);
  const view = new DataView(buffer);
  for (const [i, { type, value }] of uniforms.entries()) {
    if (type === "f32") view.setFloat32(4 * i, value, true);
    else if (type === "i32") view.setInt32(4 * i, value, true);
    else view.setUint32(4 * i, value, true);
  }
  return buffer;
}

interface Page {
  readonly buffer: DeviceBuffer;
  readonly values: Uint8Array<ArrayBuffer>;
  used: number;
  written: number;
}

/** Uniforms of calls, many in a buffer, written together. */
export class Uniforms {
  readonly #device: GPUDevice;
  readonly #memory: GpuMemory;
  readonly #pages: Page[] = [];
  #current = 0;

  constructor(device: GPUDevice, memory: GpuMemory) {
    this.#device = device;
    this.#memory = memory;
  }

  /** A place for these; they are on the GPU after `write`. */
  put(bytes: ArrayBuffer): UniformSlot {
    const size = Math.ceil(bytes.byteLength / slotBytes) * slotBytes;
    let page = this.#pages[this.#current];
    if (page !== undefined && page.used + size > page.values.length) page = this.#pages[++this.#current];
    if (page === undefined) {
      page = this.#createPage(Math.max(size, slotBytes * slotsPerPage));
      this.#pages.push(page);
    }
    const offset = page.used;
    page.values.set(new Uint8Array(bytes), offset);
    page.used += size;
    return { buffer: page.buffer, offset, bytes: bytes.byteLength };
  }

  /** Brings what was put since the last time to the GPU. */
  write(): void {
    for (const { buffer, values, used, written } of this.#pages.slice(0, this.#current + 1)) {
      if (used > written)
        this.#device.queue.writeBuffer(buffer.gpu, written, values, written, used - written);
    }
    for (const page of this.#pages) page.written = page.used;
  }

  /** Nothing put so far is needed any more. */
  reset(): void {
    for (const page of this.#pages) {
      page.used = 0;
      page.written = 0;
    }
    // One page is usual; more of them are of a time when calls waited for their shaders.
    for (const { buffer } of this.#pages.splice(4)) this.#memory.discard(buffer);
    this.#current = 0;
  }

  dispose(): void {
    for (const { buffer } of this.#pages.splice(0)) this.#memory.discard(buffer);
    this.#current = 0;
  }

  #createPage(bytes: number): Page {
    const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
    const buffer = new DeviceBuffer(this.#device.createBuffer({ size: bytes, usage }));
    return { buffer, values: new Uint8Array(bytes), used: 0, written: 0 };
  }
}
