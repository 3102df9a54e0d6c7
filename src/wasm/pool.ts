import { GanvilError } from "../errors.ts";
import workerSource from "./generated/worker.ts";
import { cell, generations, Job, type Kernel, maximumArguments, type Task, work } from "./job.ts";
import type { KernelModule } from "./load.ts";
import { type StartedWorker, startWorker } from "./workers.ts";

/** Workers look for the next job this long before they sleep: longer than JavaScript takes between two kernels. */
const spinMs = 2;

/** A job that is left with more than this is worth waking workers, which takes about 25 µs. */
const wakeMs = 0.1;

/** Looks at the finished parts before the calling thread gives its core away, where it may. */
const joinLooks = 20_000;

/** A thread may wait everywhere but in a page's main thread. */
const mayWait = typeof window === "undefined";

/** Workers over the kernels' memory. The thread that calls works too, and waits until all is done. */
export class Pool {
  /** Threads that work, the calling one included. */
  readonly threads: number;
  readonly #workers: readonly StartedWorker[];
  readonly #job: Job;
  readonly #kernels: readonly Kernel[];
  readonly #indices: ReadonlyMap<string, number>;
  #generation = 0;

  private constructor(module: KernelModule, job: Job, workers: readonly StartedWorker[]) {
    this.threads = workers.length + 1;
    this.#workers = workers;
    this.#job = job;
    const exports = Object.entries(module.kernels);
    this.#kernels = exports.map(([, kernel]) => kernel as Kernel);
    this.#indices = new Map(exports.map(([name], i) => [name, i]));
  }

  /**
   * Starts `threads` − 1 workers and resolves when all of them are ready.
   * @param url the worker's program as a file; default: it is started from a string
   * @throws GanvilError `no-workers` when one cannot be started
   */
  static async start(module: KernelModule, threads: number, url?: string | URL): Promise<Pool> {
    const job = new Job();
    const started = await Promise.allSettled(
      Array.from({ length: threads - 1 }, (_, i) =>
        startWorker(workerSource, url, {
          module: module.module,
          memory: module.memory,
          record: job.buffer,
          thread: i + 1,
          spinMs,
        }),
      ),
    );
    const workers = started.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    const failed = started.find((result) => result.status === "rejected");
    if (failed !== undefined) {
      for (const worker of workers) worker.terminate();
      throw new GanvilError(
        "no-workers",
        `init: a worker could not be started: ${failed.reason?.message}. Where the page's Content-Security-Policy forbids workers from a Blob, serve ganvil/worker and give its address as \`workerUrl\`; or set threads to 1.`,
        { cause: failed.reason },
      );
    }
    return new Pool(module, job, workers);
  }

  /**
   * Does a task, all of it.
   * @throws GanvilError `kernel-failed` when the kernel traps, in whichever thread
   */
  run(name: string, task: Omit<Task, "kernel">): void {
    if (task.args.length > maximumArguments - 3) {
      throw new RangeError(
        `${name}: expected at most ${maximumArguments - 3} arguments, got ${task.args.length}`,
      );
    }
    const { cells } = this.#job;
    const generation = (this.#generation + 1) % generations;
    this.#generation = generation;
    this.#job.open({ ...task, kernel: this.#indices.get(name)! }, generation);
    if (Atomics.load(cells, cell.sleepers) > 0) this.#workUntilWorthWaking(generation, task.parts);
    work(this.#job, this.#kernels, generation, 0);
    this.#join(task.parts);
    const failure = this.#job.failure();
    if (failure !== undefined) throw new GanvilError("kernel-failed", `${name}: ${failure}`);
  }

  /** Ends the workers. */
  close(): void {
    for (const worker of this.#workers) worker.terminate();
  }

  /** Begins alone: what was done tells what is left, and whether that is worth the waking. */
  #workUntilWorthWaking(generation: number, parts: number): void {
    const start = performance.now();
    for (let done = 1; work(this.#job, this.#kernels, generation, 0, 1) > 0; done++) {
      const left = ((performance.now() - start) / done) * (parts - done);
      if (left < wakeMs) continue;
      Atomics.notify(this.#job.cells, cell.generation);
      return;
    }
  }

  #join(parts: number): void {
    const { cells } = this.#job;
    for (let looks = 0; ; looks++) {
      const done = Atomics.load(cells, cell.done);
      if (done === parts) return;
      // The thread that works on the last part may not have a core: nobody wakes this one, it looks again.
      if (looks >= joinLooks && mayWait) Atomics.wait(cells, cell.done, done, 0.1);
    }
  }
}
