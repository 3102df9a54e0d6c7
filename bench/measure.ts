import Benchmark from "benchmark";

/**
 * Times a synchronous function with the benchmark library.
 * @param seconds to spend, about; at least one sample is taken.
 * @returns seconds a call, one figure a sample.
 */
export function timeCalls(call: () => void, seconds: number): number[] {
  const benchmark = new Benchmark({ fn: call, ...budget(seconds) });
  benchmark.run();
  // The library keeps an error to itself.
  if ((benchmark as { error?: Error }).error) throw (benchmark as { error?: Error }).error;
  return benchmark.stats.sample;
}

/** The same for an asynchronous function. */
export function timeSteps(step: () => Promise<unknown>, seconds: number): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const benchmark = new Benchmark({
      defer: true,
      fn: (deferred: { resolve(): void }) => {
        step().then(() => deferred.resolve(), reject);
      },
      onComplete: () => resolve(benchmark.stats.sample),
      ...budget(seconds),
    });
    benchmark.run({ async: true });
  });
}

/** Samples of a tenth of the time each, so that a slow moment spoils one sample only. */
const budget = (seconds: number) => ({ maxTime: seconds, minTime: seconds / 10, minSamples: 1 });

/** The middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Half the distance between the quartiles, relative to the median: one disturbed round does not count. */
export function spread(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const quartile = (part: number) => sorted[Math.round(part * (sorted.length - 1))];
  return (quartile(0.75) - quartile(0.25)) / 2 / median(values);
}
