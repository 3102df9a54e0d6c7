/**
 * Squared kernel distance (Bińkowski et al. 2018, arXiv 1801.01401) of two sets of features: the unbiased MMD² with
 * k(x, y) = (x·y/d + 1)³. Zero in the mean for sets of one distribution.
 * @param a, b float32 [n, d] and [m, d], row by row
 */
export function kernelDistance(a: Float32Array, b: Float32Array, d: number): number {
  return meanKernel(a, a, d) + meanKernel(b, b, d) - 2 * meanKernel(a, b, d);
}

/** Mean of k over all pairs, of one set with itself without the pairs of a row with itself. */
function meanKernel(a: Float32Array, b: Float32Array, d: number): number {
  const [n, m] = [a.length / d, b.length / d];
  let sum = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < m; j++) {
      if (a === b && i === j) continue;
      let dot = 0;
      for (let k = 0; k < d; k++) dot += a[i * d + k] * b[j * d + k];
      sum += (dot / d + 1) ** 3;
    }
  }
  return sum / (a === b ? n * (n - 1) : n * m);
}
