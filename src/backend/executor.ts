import type { Kernels } from "../wasm/generated/kernels.ts";
import { type Kernel, maximumParts } from "../wasm/job.ts";
import type { Pool } from "../wasm/pool.ts";
import type { Recorder } from "./recorder.ts";

/** Elements of a piece: tens of microseconds of simple work. */
const pieceElements = 32768;

/** Most pieces of one call. */
const maximumPieces = 256;

/**
 * How many of `items`, each of so many elements, make a piece. It depends on nothing else, so that results do not
 * depend on the number of threads.
 */
export function itemsPerPiece(items: number, elements: number): number {
  const least = Math.max(pieceElements / elements, items / maximumPieces);
  // Whole cache lines where an item is small.
  return elements < 16 ? Math.ceil(least / 64) * 64 : Math.ceil(least);
}

/** Runs kernels: every call of one passes here. */
export class Executor {
  readonly #exports: Kernels;
  /** The kernels, to be run whole. */
  kernels: Kernels;
  /** The threads that share a call's work; undefined: the calling one does all of it. */
  pool: Pool | undefined;
  #recorder: Recorder | undefined;

  constructor(kernels: Kernels) {
    this.#exports = kernels;
    this.kernels = kernels;
  }

  /** Who follows the calls now. */
  get recorder(): Recorder | undefined {
    return this.#recorder;
  }

  /** Runs `f` with its calls followed by a recorder, or by none. */
  followed<T>(recorder: Recorder | undefined, f: () => T): T {
    const outer = this.#recorder;
    this.#follow(recorder);
    try {
      return f();
    } finally {
      this.#follow(outer);
    }
  }

  /**
   * Runs the units [0, units) of a kernel whose last three parameters are `scratch, from, to`: it computes the
   * units from `from` to before `to`, which depend on no other unit, with scratch memory of its own.
   * @param withScratch hands out memory for so long as its function runs
   */
  split(
    kernel: keyof Kernels,
    units: number,
    scratchBytes: number,
    args: readonly number[],
    withScratch: (bytes: number, use: (scratch: number) => void) => void,
  ): void {
    const pool = units > 1 ? this.pool : undefined;
    // Whole cache lines, so that no two threads write to one.
    const bytes = Math.ceil(scratchBytes / 64) * 64;
    withScratch(bytes * (pool?.threads ?? 1), (scratch) => {
      if (pool === undefined) {
        const all = [...args, scratch, 0, units];
        this.#run(kernel, () => this.#call(kernel, all));
      } else {
        const parts = Math.ceil(units / Math.ceil(units / maximumParts));
        const job = { parts, args, split: { units, scratch, scratchBytes: bytes } };
        this.#run(kernel, () => pool.run(kernel, job));
      }
    });
  }

  /**
   * Runs a kernel over its items piece by piece, as if each piece were all there is: for a kernel whose items
   * depend on no other. `args[counted]` is the number of items, of which a piece has at most `unit`.
   * @param steps what each argument grows by from piece to piece, bytes where it is an address; default 0
   */
  sweep(
    kernel: keyof Kernels,
    args: readonly number[],
    counted: number,
    unit: number,
    steps: readonly number[],
  ): void {
    const { pool } = this;
    const items = args[counted];
    const parts = Math.ceil(items / unit);
    if (parts < 2) {
      this.#run(kernel, () => this.#call(kernel, args));
    } else if (pool !== undefined) {
      const job = { parts, args, sweep: { steps, counted, unit } };
      this.#run(kernel, () => pool.run(kernel, job));
    } else {
      this.#run(kernel, () => {
        const piece = [...args];
        for (let part = 0; part < parts; part++) {
          for (let i = 0; i < steps.length; i++) piece[i] = args[i] + part * steps[i];
          piece[counted] = Math.min(unit, items - part * unit);
          this.#call(kernel, piece);
        }
      });
    }
  }

  #call(kernel: keyof Kernels, args: readonly number[]): void {
    (this.#exports[kernel] as Kernel)(...args);
  }

  #run(kernel: keyof Kernels, run: () => void): void {
    if (this.#recorder === undefined) run();
    else this.#recorder.act(kernel, run);
  }

  #follow(recorder: Recorder | undefined): void {
    this.#recorder = recorder;
    this.kernels = recorder === undefined ? this.#exports : recorded(this.#exports, recorder);
  }
}

/** The kernels, each call of one written down. */
function recorded(kernels: Kernels, recorder: Recorder): Kernels {
  const entries = Object.entries(kernels as unknown as Record<string, Kernel>).map(([name, kernel]) => [
    name,
    (...args: number[]) => recorder.act(name, () => kernel(...args)),
  ]);
  return Object.fromEntries(entries);
}
