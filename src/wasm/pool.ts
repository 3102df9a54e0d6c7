import { GanvilError } from "../errors.ts";
import workerSource from "./generated/worker.ts";
import { cell, head, Job, type Kernel, maximumArguments, partBits, work } from "./job.ts";
import type { KernelModule } from "./load.ts";
import { type StartedWorker, startWorker } from "./workers.ts";

/** A kernel's call in parts. */
export interface Task {
  /** Parts that may run at once and in any order. */
  readonly parts: number;
  readonly args: readonly number[];
  /** Set: a part is units [from, to) of so many, `scratch, from, to` the kernel's last arguments. */
  readonly split?: { readonly units: number; readonly scratch: number; readonly scratchBytes: number };
  /**
   * Set: the argument `counted` counts items, of which a part takes at most `unit`; the arguments grow by
   * `steps` (default 0) from part to part.
   */
  readonly sweep?: { readonly steps: readonly number[]; readonly counted: number; readonly unit: number };
}

/** Generations of jobs, before they begin again. */
const generations = 2 ** (32 - partBits);

/** Workers look for the next job this long before they sleep: longer than JavaScript takes between two kernels. */
const spinMs = 2;

/** A job that is left with more than this is worth waking workers, which takes about 25 µs. */
const wakeMs = 0.1;

/** Looks at the finished parts before the calling thread gives its core away, where it may. */
const joinLooks = 20_000;

/** A thread may wait everywhere but in a page's main thread. */
const mayWait = typeof window === "undefined";

/** Describes a task and lets threads claim its parts. The task before has to be finished. */
function open(job: Job, kernel: number, { parts, args, split, sweep }: Task, generation: number): void {
  const { cells, head: h } = job;
  h[head.kernel] = kernel;
  h[head.arguments] = args.length;
  h[head.units] = split?.units ?? 0;
  h[head.unitsPerPart] = split ? Math.ceil(split.units / parts) : sweep!.unit;
  h[head.counted] = sweep?.counted ?? 0;
  h[head.scratch] = split?.scratch ?? 0;
  h[head.scratchBytes] = split?.scratchBytes ?? 0;
  for (let i = 0; i < args.length; i++) {
    job.args[i] = args[i];
    job.steps[i] = sweep?.steps[i] ?? 0;
  }
  Atomics.store(cells, cell.done, 0);
  Atomics.store(cells, cell.failure, 0);
  Atomics.store(cells, cell.claim, (generation << partBits) | parts);
  Atomics.store(cells, cell.generation, generation);
}

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
  run(name: string, task: Task): void {
    if (task.args.length > maximumArguments - 3) {
      throw new RangeError(
        `${name}: expected at most ${maximumArguments - 3} arguments, got ${task.args.length}`,
      );
    }
    const { cells } = this.#job;
    const generation = (this.#generation + 1) % generations;
    this.#generation = generation;
    open(this.#job, this.#indices.get(name)!, task, generation);
    if (Atomics.load(cells, cell.sleepers) > 0) this.#workUntilWorthWaking(task.parts);
    work(this.#job, this.#kernels, 0);
    this.#join(task.parts);
    const length = Atomics.load(cells, cell.failure);
    if (length === 0) return;
    const message = String.fromCharCode(...this.#job.message.subarray(0, length));
    throw new GanvilError("kernel-failed", `${name}: ${message}`);
  }

  /** Ends the workers. */
  close(): void {
    for (const worker of this.#workers) worker.terminate();
  }

  /** Begins alone: what was done tells what is left, and whether that is worth the waking. */
  #workUntilWorthWaking(parts: number): void {
    const start = performance.now();
    for (let done = 1; work(this.#job, this.#kernels, 0, 1) > 0; done++) {
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
