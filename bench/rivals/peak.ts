import type { Kernels } from "../../src/wasm/generated/kernels.ts";

/** FLOPs of one round of the kernel `peak`: 14 vectors of 4 lanes, a product and a sum each. */
const flopsPerRound = 112;

/** What the kernel multiplies by: far from denormal numbers, which are slow. */
const factor = 0.5;

/**
 * What one thread's 128-bit units can do at most, in FLOP/s: the best of many short runs of the kernel that
 * multiplies and adds in registers only.
 */
export function measuredPeak(kernels: Kernels): number {
  const { peak } = kernels;
  const rounds = 1_000_000;
  let best = Number.POSITIVE_INFINITY;
  // Long enough for the engine to compile it at its best, in the background.
  for (const end = performance.now() + 300; performance.now() < end; ) {
    const start = performance.now();
    peak(rounds, factor);
    best = Math.min(best, performance.now() - start);
  }
  return (rounds * flopsPerRound * 1000) / best;
}
