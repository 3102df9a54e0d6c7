import { type Features, pick } from "./features.ts";
import { dealt } from "./measure.ts";

/**
 * What a metric comes to between two random halves of the real pictures: what no generator can be told to be better than.
 * The halves have half as many pictures, which matters to metrics that depend on their number, such as
 * `frechetDistance`: compare with as many samples.
 * @param metric `kernelDistance`, `(samples, real) => precisionRecall(samples, real, { k: 5 })`, ...
 */
export async function floor<T>(
  real: Features,
  metric: (samples: Features, real: Features) => T | Promise<T>,
): Promise<T> {
  const order = dealt(real.count, "floor");
  const half = Math.floor(real.count / 2);
  return metric(pick(real, order.subarray(0, half)), pick(real, order.subarray(half, 2 * half)));
}
