// What differs between Node and browsers about threads. Node's modules are asked for at run time: no bundler
// sees them.
import type { WorkerStart } from "./worker.ts";

const builtin = globalThis.process?.getBuiltinModule;

/** Node's worker threads; undefined in browsers, and in Node before 20.16. */
const nodeThreads = () => builtin?.("node:worker_threads");

/** Why there can be no threads here, and what to do; undefined: there can be. */
export function threadsMissing(): string | undefined {
  if (globalThis.crossOriginIsolated === false) {
    return "this page is not cross-origin isolated. Send it with the headers `Cross-Origin-Opener-Policy: same-origin` and `Cross-Origin-Embedder-Policy: require-corp`";
  }
  if (typeof SharedArrayBuffer !== "function" || (!nodeThreads() && typeof Worker !== "function")) {
    return "this engine has no workers or shared memory. Use a browser of 2022 or Node 20.16, or newer";
  }
  return undefined;
}

/** Cores that the machine offers. */
export function coreCount(): number {
  return builtin?.("node:os").availableParallelism?.() ?? globalThis.navigator?.hardwareConcurrency ?? 1;
}

/** A worker that has begun. */
export interface StartedWorker {
  terminate(): void;
}

/**
 * Starts a worker; resolves when it says so. It keeps no process alive.
 * @param source the worker's program
 * @param url the same program as a file, in place of `source`
 */
export function startWorker(
  source: string,
  url: string | URL | undefined,
  start: WorkerStart,
): Promise<StartedWorker> {
  const threads = nodeThreads();
  if (threads) {
    return new Promise((resolve, reject) => {
      // Without the flags of the process: what they preload, a worker has no use for.
      const worker = new threads.Worker(url === undefined ? source : new URL(url), {
        eval: url === undefined,
        execArgv: [],
      });
      worker.once("error", reject);
      worker.once("message", () => {
        worker.unref();
        resolve({ terminate: () => void worker.terminate() });
      });
      worker.postMessage(start);
    });
  }
  return new Promise((resolve, reject) => {
    const blob = url ?? URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const worker = new Worker(blob, { type: "module" });
    const settle = (): void => {
      if (url === undefined) URL.revokeObjectURL(blob as string);
    };
    worker.onerror = ({ message }) => {
      settle();
      worker.terminate();
      reject(new Error(message ?? "it could not be loaded"));
    };
    worker.onmessage = () => {
      settle();
      resolve(worker);
    };
    worker.postMessage(start);
  });
}
