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

/** Samples of a GPU's work, at least. */
const gpuSamples = 4;

/**
 * Times work that a GPU is asked for: many calls, then the wait until all of them are done, so many that the wait
 * hardly counts. Nothing is read back.
 * @returns seconds a call, one figure a sample.
 */
export async function timeEnqueued(
  call: () => unknown,
  finish: () => Promise<void>,
  seconds: number,
): Promise<number[]> {
  const elapsed = async (calls: number): Promise<number> => {
    const start = performance.now();
    for (let i = 0; i < calls; i++) {
      const pending = call();
      if (pending) await pending;
    }
    await finish();
    return (performance.now() - start) / 1000;
  };
  const enough = seconds / gpuSamples;
  let calls = 1;
  let time = await elapsed(calls);
  let left = seconds - time;
  while (time < enough) {
    calls = Math.ceil(calls * Math.min(8, (1.2 * enough) / time));
    time = await elapsed(calls);
  }
  const samples = [time / calls];
  for (left -= time; left > 0; left -= time) {
    time = await elapsed(calls);
    samples.push(time / calls);
  }
  return samples;
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
