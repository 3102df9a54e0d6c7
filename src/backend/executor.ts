import type { Kernels } from "../wasm/generated/kernels.ts";
import type { Recorder } from "./recorder.ts";

/** A kernel by its numbers. A split one's last three are `scratch, from, to`. */
type Kernel = (...args: number[]) => unknown;

/** Runs kernels: every call of one passes here. */
export class Executor {
  readonly #exports: Kernels;
  /** The kernels, to be run whole. */
  kernels: Kernels;
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
   * @param workspace gives memory that lasts until the op's call ends
   */
  split(
    kernel: keyof Kernels,
    units: number,
    scratchBytes: number,
    args: readonly number[],
    workspace: (bytes: number) => number,
  ): void {
    const scratch = scratchBytes > 0 ? workspace(scratchBytes) : 0;
    const run = () => {
      (this.#exports[kernel] as Kernel)(...args, scratch, 0, units);
    };
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
