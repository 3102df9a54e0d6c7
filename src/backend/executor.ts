import type { Kernels } from "../wasm/generated/kernels.ts";

/** A kernel whose last three parameters are `scratch, from, to`. */
type SplitKernel = (...args: number[]) => unknown;

/** Runs kernels: every call of one passes here. */
export class Executor {
  /** The kernels that run whole. */
  readonly kernels: Kernels;

  constructor(kernels: Kernels) {
    this.kernels = kernels;
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
    (this.kernels[kernel] as SplitKernel)(...args, scratch, 0, units);
  }
}
