/** Eigenvalues, largest first, and their unit eigenvectors. */
export interface Eigen {
  readonly values: readonly number[];
  readonly vectors: readonly Float64Array[];
}

/** Off-diagonal elements below this part of the matrix's norm are zero to float64. */
const negligible = 1e-15;

const mostSweeps = 50;

/**
 * Eigenvectors of a symmetric matrix by cyclic Jacobi rotations (Jacobi 1846; Golub & Van Loan, section 8.5), in float64:
 * accurate also where eigenvalues are close. O(n³) a sweep, of which it takes about eight; seconds for n = 512.
 * @param matrix float64 n×n in rows; overwritten
 */
export function symmetricEigen(matrix: Float64Array, n: number): Eigen {
  // Eigenvectors in rows: a rotation then runs along memory.
  const vectors = new Float64Array(n * n);
  for (let i = 0; i < n; i++) vectors[i * n + i] = 1;
  const total = Math.hypot(...norms(matrix, n));
  for (let sweep = 0; sweep < mostSweeps; sweep++) {
    let turned = false;
    for (let p = 0; p < n - 1; p++) {
      for (let q = p + 1; q < n; q++) {
        if (Math.abs(matrix[p * n + q]) <= negligible * total) continue;
        rotate(matrix, vectors, n, p, q);
        turned = true;
      }
    }
    if (!turned) break;
  }
  const order = Array.from({ length: n }, (_, i) => i).sort((a, b) => matrix[b * n + b] - matrix[a * n + a]);
  return {
    values: order.map((i) => matrix[i * n + i]),
    vectors: order.map((i) => vectors.slice(i * n, (i + 1) * n)),
  };
}

const norms = (matrix: Float64Array, n: number): number[] =>
  Array.from({ length: n }, (_, i) => Math.hypot(...matrix.subarray(i * n, (i + 1) * n)));

/** Makes element p, q zero by a rotation of both. */
function rotate(matrix: Float64Array, vectors: Float64Array, n: number, p: number, q: number): void {
  const [app, aqq, apq] = [matrix[p * n + p], matrix[q * n + q], matrix[p * n + q]];
  const theta = (aqq - app) / (2 * apq);
  const tangent = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const cosine = 1 / Math.sqrt(tangent * tangent + 1);
  const sine = tangent * cosine;
  for (const rows of [matrix, vectors]) {
    for (let k = 0; k < n; k++) {
      const [a, b] = [rows[p * n + k], rows[q * n + k]];
      rows[p * n + k] = cosine * a - sine * b;
      rows[q * n + k] = sine * a + cosine * b;
    }
  }
  for (let k = 0; k < n; k++) {
    const [a, b] = [matrix[k * n + p], matrix[k * n + q]];
    matrix[k * n + p] = cosine * a - sine * b;
    matrix[k * n + q] = sine * a + cosine * b;
  }
  matrix[p * n + q] = 0;
  matrix[q * n + p] = 0;
}
