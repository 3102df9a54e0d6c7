import type { Features } from "./features.ts";
import { checkEnough, checkSame, groups, jackknifeInterval, type Measure } from "./measure.ts";
import { type Gaussian, Moments } from "./moments.ts";
import { traceOfRoot } from "./symmetric.ts";

export interface FrechetDistanceOptions {
  /** Compute the interval, which takes ten times as long as the value: minutes for 1,024 features. Default true. */
  readonly interval?: boolean;
}

/**
 * Squared Fréchet distance of the Gaussians with the sets' means and covariances (Heusel et al. 2017, arXiv
 * 1706.08500): |m − n|² + tr(S + T − 2(ST)^½), in float64. Greater for fewer samples of the very same distribution, so
 * compare figures of one number of samples only, and with their `floor`.
 * @param samples, real features, or `Moments` of more than fit into memory
 * @returns `FD-NAME`
 * @throws RangeError for no more samples than features, or features by different functions
 */
export function frechetDistance(
  samples: Features | Moments,
  real: Features | Moments,
  { interval = true }: FrechetDistanceOptions = {},
): Measure {
  const metric = `FD-${samples.name}`;
  checkSame(metric, samples, real);
  const needed = Math.max(samples.size + 1, 2 * groups);
  const why = `A covariance of ${samples.size} features needs as many. kernelDistance is unbiased for fewer.`;
  checkEnough(metric, "samples", samples, needed, why);
  checkEnough(metric, "real pictures", real, needed, why);
  const [a, b] = [samples, real].map((set) => (set instanceof Moments ? set : Moments.of(set)));
  const value = distance(a.gaussian(), b.gaussian());
  const without = interval
    ? Array.from({ length: groups }, (_, group) => distance(a.gaussian(group), b.gaussian(group)))
    : [];
  return {
    ...{ metric, value, samples: a.count, real: b.count },
    ...(interval && { interval: jackknifeInterval(value, [without], { least: 0 }) }),
  };
}

/** Squared Fréchet distance of two Gaussians. */
export function distance(a: Gaussian, b: Gaussian): number {
  const size = a.mean.length;
  let sum = -2 * traceOfRoot(a.covariance, b.covariance, size);
  for (let i = 0; i < size; i++) {
    sum += (a.mean[i] - b.mean[i]) ** 2 + a.covariance[i * size + i] + b.covariance[i * size + i];
  }
  return Math.max(0, sum);
}
