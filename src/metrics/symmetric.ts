// Linear algebra in float64: a covariance's small eigenvalues are below the rounding of float32, and their roots are not.

/**
 * Σ of the roots of the eigenvalues of a·b, which is the trace of (a^½ b a^½)^½: with a = L·Lᵀ those of Lᵀ·b·L.
 * @param a, b symmetric positive semidefinite, [size, size] row by row
 */
export function traceOfRoot(a: Float64Array, b: Float64Array, size: number): number {
  const { rows, rank } = cholesky(a, size);
  const half = products(rows, rank, b, size, size);
  const inner = products(half, rank, rows, rank, size, true);
  for (let i = 0; i < rank; i++) {
    for (let j = 0; j < i; j++) inner[j * rank + i] = inner[i * rank + j];
  }
  let trace = 0;
  for (const value of eigenvalues(inner, rank)) trace += Math.sqrt(Math.max(0, value));
  return trace;
}

/**
 * Rows l with a = Σ l·lᵀ, by Cholesky's method with the largest pivot first (Higham 1990): as many as a's rank, so that
 * a covariance of fewer samples than numbers is no special case.
 */
function cholesky(a: Float64Array, size: number): { readonly rows: Float64Array; readonly rank: number } {
  const rows = new Float64Array(size * size);
  const rest = Float64Array.from({ length: size }, (_, i) => a[i * size + i]);
  const least = Math.max(0, ...rest) * size * Number.EPSILON;
  for (let rank = 0; rank < size; rank++) {
    let pivot = 0;
    for (let i = 1; i < size; i++) if (rest[i] > rest[pivot]) pivot = i;
    if (!(rest[pivot] > least)) return { rows, rank };
    const row = rows.subarray(rank * size, (rank + 1) * size);
    row.set(a.subarray(pivot * size, (pivot + 1) * size));
    for (let k = 0; k < rank; k++) {
      const factor = rows[k * size + pivot];
      if (factor === 0) continue;
      const above = rows.subarray(k * size, (k + 1) * size);
      for (let i = 0; i < size; i++) row[i] -= factor * above[i];
    }
    const root = Math.sqrt(rest[pivot]);
    for (let i = 0; i < size; i++) {
      row[i] = rest[i] === 0 ? 0 : row[i] / root;
      rest[i] -= row[i] * row[i];
    }
    // Done with: whatever rounding leaves of it is no pivot.
    rest[pivot] = 0;
    row[pivot] = root;
  }
  return { rows, rank: size };
}

/**
 * x·yᵀ: [m, size] and [n, size] → [m, n], in blocks of 2×2 that stay in registers.
 * @param lower only up to the diagonal
 */
function products(
  x: Float64Array,
  m: number,
  y: Float64Array,
  n: number,
  size: number,
  lower = false,
): Float64Array {
  const result = new Float64Array(m * n);
  for (let i = 0; i < m; i += 2) {
    const [x0, x1] = [i * size, Math.min(i + 1, m - 1) * size];
    for (let j = 0; j < (lower ? i + 1 : n); j += 2) {
      const [y0, y1] = [j * size, Math.min(j + 1, n - 1) * size];
      let [s00, s01, s10, s11] = [0, 0, 0, 0];
      for (let k = 0; k < size; k++) {
        const [p, q, u, v] = [x[x0 + k], x[x1 + k], y[y0 + k], y[y1 + k]];
        s00 += p * u;
        s01 += p * v;
        s10 += q * u;
        s11 += q * v;
      }
      result[i * n + j] = s00;
      if (j + 1 < n) result[i * n + j + 1] = s01;
      if (i + 1 < m) result[(i + 1) * n + j] = s10;
      if (i + 1 < m && j + 1 < n) result[(i + 1) * n + j + 1] = s11;
    }
  }
  return result;
}

/**
 * Eigenvalues of a symmetric matrix, in no order: Householder's reduction to a tridiagonal one, then QL steps with
 * implicit shifts (Martin, Reinsch & Wilkinson 1968; Dubrulle 1970).
 * @param a [size, size] row by row; overwritten
 */
export function eigenvalues(a: Float64Array, size: number): Float64Array {
  const { diagonal, beside } = tridiagonal(a, size);
  for (let low = 0; low < size; low++) {
    for (let turn = 0; ; turn++) {
      let high = low;
      for (; high < size - 1; high++) {
        const near = Math.abs(diagonal[high]) + Math.abs(diagonal[high + 1]);
        if (Math.abs(beside[high]) <= Number.EPSILON * near) break;
      }
      if (high === low) break;
      // By experience two turns are enough; infinities and NaN never come to an end.
      if (turn === 60) return diagonal.fill(Number.NaN);
      step(diagonal, beside, low, high);
    }
  }
  return diagonal;
}

/** One QL step on rows `low` to `high` of a tridiagonal matrix. */
function step(diagonal: Float64Array, beside: Float64Array, low: number, high: number): void {
  const slope = (diagonal[low + 1] - diagonal[low]) / (2 * beside[low]);
  const root = Math.hypot(slope, 1) * (slope < 0 ? -1 : 1);
  let g = diagonal[high] - diagonal[low] + beside[low] / (slope + root);
  let [s, c, shift] = [1, 1, 0];
  for (let i = high - 1; i >= low; i--) {
    const [f, b] = [s * beside[i], c * beside[i]];
    const r = Math.hypot(f, g);
    beside[i + 1] = r;
    if (r === 0) {
      diagonal[i + 1] -= shift;
      beside[high] = 0;
      return;
    }
    s = f / r;
    c = g / r;
    g = diagonal[i + 1] - shift;
    const t = (diagonal[i] - g) * s + 2 * c * b;
    shift = s * t;
    diagonal[i + 1] = g + shift;
    g = c * t - b;
  }
  diagonal[low] -= shift;
  beside[low] = g;
  beside[high] = 0;
}

/** The diagonal and what is beside it of a tridiagonal matrix with a's eigenvalues. Reads and overwrites a's rows. */
function tridiagonal(a: Float64Array, size: number) {
  const diagonal = new Float64Array(size);
  const beside = new Float64Array(size);
  const v = new Float64Array(size);
  const w = new Float64Array(size);
  for (let at = 0; at < size; at++) {
    diagonal[at] = a[at * size + at];
    const first = at + 1;
    if (first === size) break;
    let norm = 0;
    for (let i = first; i < size; i++) {
      v[i] = a[at * size + i];
      norm = Math.hypot(norm, v[i]);
    }
    beside[at] = v[first] > 0 ? -norm : norm;
    if (norm === 0) continue;
    // v reflects the row onto its first element: a ← a − v·wᵀ − w·vᵀ of what is below.
    v[first] -= beside[at];
    const scale = 1 / (norm * (norm + Math.abs(a[at * size + first])));
    let along = 0;
    for (let i = first; i < size; i++) {
      const row = i * size;
      let sum = 0;
      for (let j = first; j < size; j++) sum += a[row + j] * v[j];
      w[i] = sum * scale;
      along += w[i] * v[i];
    }
    for (let i = first; i < size; i++) w[i] -= (along * scale * v[i]) / 2;
    for (let i = first; i < size; i++) {
      const [row, vi, wi] = [i * size, v[i], w[i]];
      for (let j = first; j < size; j++) a[row + j] -= vi * w[j] + wi * v[j];
    }
  }
  return { diagonal, beside };
}
