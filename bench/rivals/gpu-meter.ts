import { median } from "../measure.ts";
import type { GpuFigures, GpuTraffic } from "../protocol.ts";
import type { Prepared } from "./contestant.ts";

/** Queries of a set, at most. */
const queriesPerSet = 4096;

/** Times that a call is metered: as many, or where it is slow at least so many. */
const repeats = 8;
const leastRepeats = 3;
const slowSeconds = 1;

/** Calls that are timed one after another, as they come in a row: after a wait the first is slow. */
const callsInARow = 16;

/** Timestamps at the beginning and the end of passes. */
interface Clock {
  readonly device: GPUDevice;
  readonly set: GPUQuerySet;
  used: number;
}

/** Of whichever method; each that is watched takes its own. */
// biome-ignore lint/suspicious/noExplicitAny: the methods differ.
type Arguments = any[];

type Methods = Record<string, (...args: never[]) => unknown>;

/** Counts what goes to the GPU and comes back, whichever library sends it, and times the passes. */
export class GpuMeter {
  readonly traffic = { dispatches: 0, submits: 0, uploads: 0, uploadedBytes: 0, reads: 0, readBytes: 0 };
  readonly #devices = new WeakMap<GPUCommandEncoder, GPUDevice>();
  readonly #clocks: Clock[] = [];
  readonly #restore: (() => void)[] = [];

  constructor() {
    const { traffic } = this;
    const devices = this.#devices;
    this.#before(GPUQueue, "submit", () => {
      traffic.submits++;
    });
    this.#before(GPUQueue, "writeBuffer", (_, [, , data, offset = 0, size]) => {
      const { byteLength, BYTES_PER_ELEMENT: width = 1 } = data as Uint8Array;
      traffic.uploads++;
      traffic.uploadedBytes += size === undefined ? byteLength - offset * width : size * width;
    });
    this.#before(GPUDevice, "createBuffer", (_, [{ mappedAtCreation, size }]) => {
      if (!mappedAtCreation) return;
      traffic.uploads++;
      traffic.uploadedBytes += size;
    });
    this.#before(GPUBuffer, "mapAsync", (buffer, [mode, , size = (buffer as GPUBuffer).size]) => {
      if (mode !== GPUMapMode.READ) return;
      traffic.reads++;
      traffic.readBytes += size;
    });
    for (const dispatch of ["dispatchWorkgroups", "dispatchWorkgroupsIndirect"]) {
      this.#before(GPUComputePassEncoder, dispatch, () => {
        traffic.dispatches++;
      });
    }
    this.#replace(
      GPUDevice,
      "createCommandEncoder",
      (original) =>
        function (this: GPUDevice, ...args: never[]) {
          const encoder = original.apply(this as never, args) as GPUCommandEncoder;
          devices.set(encoder, this);
          return encoder;
        },
    );
    const clocked = (encoder: GPUCommandEncoder, descriptor: GPUComputePassDescriptor = {}) =>
      this.#clocked(devices.get(encoder), descriptor);
    this.#replace(
      GPUCommandEncoder,
      "beginComputePass",
      (original) =>
        function (this: GPUCommandEncoder, descriptor?: GPUComputePassDescriptor) {
          return original.apply(this as never, [clocked(this, descriptor)] as never);
        },
    );
  }

  /** Seconds of all passes by the GPU's clock, undefined where it has none. Nothing is counted any more. */
  async stop(): Promise<number | undefined> {
    for (const restore of this.#restore.splice(0)) restore();
    let nanoseconds = 0;
    for (const clock of this.#clocks) {
      const times = await timesOf(clock);
      // A clock that was set back meanwhile counts for nothing.
      for (let i = 0; i < times.length; i += 2)
        nanoseconds += Math.max(0, Number(times[i + 1]) - Number(times[i]));
      clock.set.destroy();
    }
    return this.#clocks.length === 0 ? undefined : nanoseconds / 1e9;
  }

  #clocked(device: GPUDevice | undefined, descriptor: GPUComputePassDescriptor): GPUComputePassDescriptor {
    if (!device?.features.has("timestamp-query") || descriptor.timestampWrites) return descriptor;
    let clock = this.#clocks.at(-1);
    if (clock === undefined || clock.used === queriesPerSet || clock.device !== device) {
      const set = device.createQuerySet({ type: "timestamp", count: queriesPerSet });
      clock = { device, set, used: 0 };
      this.#clocks.push(clock);
    }
    const [beginningOfPassWriteIndex, endOfPassWriteIndex] = [clock.used++, clock.used++];
    const timestampWrites = { querySet: clock.set, beginningOfPassWriteIndex, endOfPassWriteIndex };
    return { ...descriptor, timestampWrites };
  }

  #before(type: { prototype: object }, name: string, see: (self: object, args: Arguments) => void): void {
    this.#replace(
      type,
      name,
      (original) =>
        function (this: object, ...args: never[]) {
          see(this, args);
          return original.apply(this as never, args);
        },
    );
  }

  #replace(
    { prototype }: { prototype: object },
    name: string,
    make: (original: Methods[string]) => (...args: never[]) => unknown,
  ): void {
    const methods = prototype as Methods;
    const original = methods[name];
    methods[name] = make(original);
    this.#restore.push(() => {
      methods[name] = original;
    });
  }
}

async function timesOf({ device, set, used }: Clock): Promise<BigUint64Array> {
  const size = used * 8;
  const resolved = device.createBuffer({
    size,
    usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
  });
  const read = device.createBuffer({ size, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
  const encoder = device.createCommandEncoder();
  encoder.resolveQuerySet(set, 0, used, resolved, 0);
  encoder.copyBufferToBuffer(resolved, 0, read, 0, size);
  device.queue.submit([encoder.finish()]);
  await read.mapAsync(GPUMapMode.READ);
  const times = new BigUint64Array(read.getMappedRange().slice(0));
  resolved.destroy();
  read.destroy();
  return times;
}

/** Settles once all is done that JavaScript can do without waiting for the GPU. */
function afterMicrotasks(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}

/** Seconds of JavaScript that one call takes, the least of some: what disturbs the machine only adds. */
async function jsSecondsOf({ run, step, finish }: Prepared): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  const calls = step === undefined ? callsInARow : 1;
  for (let i = 0; i < repeats; i++) {
    const begin = performance.now();
    for (let call = 0; call < calls; call++) {
      const start = performance.now();
      const done = step?.() ?? run!();
      // A call is back; a step still has microtasks between it and the GPU.
      if (done) await afterMicrotasks();
      best = Math.min(best, (performance.now() - start) / 1000);
      await done;
    }
    await finish!();
    if (i + 1 >= leastRepeats && (performance.now() - begin) / 1000 > slowSeconds) break;
  }
  return best;
}

/**
 * What one call makes of the GPU: numbers are those of the call with the fewest reads. Now and then a step also copies
 * the training's state to memory, against the loss of the GPU.
 */
export async function metered(prepared: Prepared): Promise<GpuFigures> {
  const { run, step, finish, onWasm } = prepared;
  const jsSeconds = await jsSecondsOf(prepared);
  const gpuSeconds: number[] = [];
  const traffic: GpuTraffic[] = [];
  for (let i = 0; i < repeats; i++) {
    const start = performance.now();
    const meter = new GpuMeter();
    let gpu: number | undefined;
    try {
      await (step?.() ?? run!());
      await finish!();
    } finally {
      gpu = await meter.stop();
    }
    traffic.push(meter.traffic);
    if (gpu !== undefined) gpuSeconds.push(gpu);
    if (i + 1 >= leastRepeats && (performance.now() - start) / 1000 > slowSeconds) break;
  }
  return {
    ...traffic.toSorted((a, b) => a.reads - b.reads)[0],
    jsSeconds,
    ...(gpuSeconds.length > 0 && { gpuSeconds: median(gpuSeconds) }),
    onWasm: onWasm?.() ?? [],
  };
}
