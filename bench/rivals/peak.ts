/** FLOPs of one round of the kernel `peak`: 12 vectors of 4 lanes, a product and a sum each. */
const flopsPerRound = 96;

/**
 * What one thread's 128-bit units can do at most, in FLOP/s: the best of many short runs of the kernel that
 * multiplies and adds in registers only; undefined where the build has no such kernel.
 */
export function measuredPeak(kernels: object): number | undefined {
  const { peak } = kernels as { peak?: (rounds: number) => number };
  if (peak === undefined) return undefined;
  const rounds = 1_000_000;
  let best = Number.POSITIVE_INFINITY;
  // Long enough for the engine to compile it at its best, in the background.
  for (const end = performance.now() + 300; performance.now() < end; ) {
    const start = performance.now();
    peak(rounds);
    best = Math.min(best, performance.now() - start);
  }
  return (rounds * flopsPerRound * 1000) / best;
}
