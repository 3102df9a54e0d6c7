// One job at a time, described in shared memory, done by whoever claims parts of it: the calling thread and
// the workers of a pool run the same `work`.

/** A kernel as the pool calls it. */
export type Kernel = (...args: number[]) => unknown;

/** Most arguments that a kernel may have. */
export const maximumArguments = 48;

/** Bits of a claim that say how many parts are left; the others hold the job's generation. */
export const partBits = 10;

/** Most parts of a job. */
export const maximumParts = 2 ** partBits - 1;

/** int32 cells, each on a cache line of its own. */
export const cell = {
  /** Which job is on; workers sleep on it. */
  generation: 0,
  /** Generation and parts that nobody has claimed, in one word: a claim needs nothing else of the record. */
  claim: 16,
  /** Parts that are finished. */
  done: 32,
  /** Workers that sleep, or are about to. */
  sleepers: 48,
  /** Characters of the message of a part that failed; 0: none has. */
  failure: 64,
} as const;

/** What is to be done, as float64 values. */
export const head = {
  kernel: 0,
  /** Number of arguments. */
  arguments: 1,
  /** Units of the job; 0: the arguments grow from part to part instead. */
  units: 2,
  /** Units or items of a part. */
  unitsPerPart: 3,
  /** Position of the argument that counts items. */
  counted: 4,
  /** Address of the first thread's scratch memory, and bytes of each thread's. */
  scratch: 5,
  scratchBytes: 6,
} as const;

const headStart = 512;
const argumentsStart = headStart + 64;
const stepsStart = argumentsStart + 8 * maximumArguments;
const messageStart = stepsStart + 8 * maximumArguments;
const messageLength = 200;
const recordBytes = messageStart + 2 * messageLength;

/** Views of a job's record. */
export class Job {
  readonly buffer: SharedArrayBuffer;
  readonly cells: Int32Array;
  readonly head: Float64Array;
  readonly args: Float64Array;
  readonly steps: Float64Array;
  readonly message: Uint16Array;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(recordBytes)) {
    this.buffer = buffer;
    this.cells = new Int32Array(buffer, 0, headStart / 4);
    this.head = new Float64Array(buffer, headStart, 8);
    this.args = new Float64Array(buffer, argumentsStart, maximumArguments);
    this.steps = new Float64Array(buffer, stepsStart, maximumArguments);
    this.message = new Uint16Array(buffer, messageStart, messageLength);
  }

  /** Notes what a part that failed said. */
  fail(error: unknown): void {
    const text = (error instanceof Error ? error.message : String(error)) || "failed";
    const length = Math.min(text.length, messageLength);
    for (let i = 0; i < length; i++) this.message[i] = text.charCodeAt(i);
    Atomics.store(this.cells, cell.failure, length);
  }
}

/**
 * Does parts of the job that is on until none is left, or `most` are done; gives how many it did. It may come late,
 * even while the next job is being described: only a claimed part has the record read, and a job is not over, nor its
 * record written to, before each claimed part is finished.
 */
export function work(
  job: Job,
  kernels: readonly Kernel[],
  thread: number,
  most: number = maximumParts,
): number {
  const { cells, head: h, args, steps } = job;
  let generation = -1;
  let list: number[] = [];
  let finished = 0;
  while (finished < most) {
    const claim = Atomics.load(cells, cell.claim);
    const part = (claim & maximumParts) - 1;
    if (part < 0) break;
    if (Atomics.compareExchange(cells, cell.claim, claim, claim - 1) !== claim) continue;
    const count = h[head.arguments];
    const units = h[head.units];
    const unitsPerPart = h[head.unitsPerPart];
    if (claim >>> partBits !== generation) {
      generation = claim >>> partBits;
      list = Array.from(args.subarray(0, count));
      if (units > 0) list.push(h[head.scratch] + thread * h[head.scratchBytes], 0, 0);
    }
    if (units > 0) {
      list[count + 1] = part * unitsPerPart;
      list[count + 2] = Math.min(units, (part + 1) * unitsPerPart);
    } else {
      const counted = h[head.counted];
      for (let i = 0; i < count; i++) list[i] = args[i] + part * steps[i];
      list[counted] = Math.min(unitsPerPart, args[counted] - part * unitsPerPart);
    }
    try {
      kernels[h[head.kernel]](...list);
    } catch (error) {
      job.fail(error);
    }
    Atomics.add(cells, cell.done, 1);
    finished++;
  }
  return finished;
}
