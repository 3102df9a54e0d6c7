// The program of a pool's worker, in Node and in browsers. The build bundles it into one string.
import { cell, Job, type Kernel, work } from "./job.ts";

/** What a worker is told, once. */
export interface WorkerStart {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly record: SharedArrayBuffer;
  /** Its number; 0 is the thread that calls. */
  readonly thread: number;
  /** How long it looks for the next job before it sleeps. */
  readonly spinMs: number;
}

/** What hands a worker its messages: the global scope in browsers, a port in Node. */
interface Port {
  onmessage: ((event: { readonly data: WorkerStart }) => void) | null;
  postMessage(message: string): void;
}

/** Loads of a cell between two looks at the clock. */
const loadsPerLook = 64;

const port = (globalThis.process?.getBuiltinModule?.("node:worker_threads").parentPort ??
  globalThis) as unknown as Port;

port.onmessage = ({ data: { module, memory, record, thread, spinMs } }) => {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const kernels = Object.values(exports) as Kernel[];
  const job = new Job(record);
  const { cells } = job;
  let seen = Atomics.load(cells, cell.generation);
  port.postMessage("ready");
  // Never returns: terminated from outside, awake or asleep.
  for (;;) {
    let generation = Atomics.load(cells, cell.generation);
    for (const start = performance.now(); generation === seen && performance.now() - start < spinMs; ) {
      for (let i = 0; i < loadsPerLook && generation === seen; i++) {
        generation = Atomics.load(cells, cell.generation);
      }
    }
    if (generation === seen) {
      Atomics.add(cells, cell.sleepers, 1);
      Atomics.wait(cells, cell.generation, seen);
      Atomics.sub(cells, cell.sleepers, 1);
      generation = Atomics.load(cells, cell.generation);
    }
    seen = generation;
    work(job, kernels, thread);
  }
};
