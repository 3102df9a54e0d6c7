import { describe, expect, it } from "vitest";
import { eigenvalues, traceOfRoot } from "../../src/metrics/symmetric.ts";
import { random } from "../ops/check.ts";

/** A·Aᵀ of a random A [size, rank]. */
function semidefinite(seed: string, size: number, rank = size): Float64Array {
  const next = random(seed);
  const a = Float64Array.from({ length: size * rank }, () => next() - 0.5);
  return Float64Array.from({ length: size * size }, (_, at) => {
    const [i, j] = [Math.floor(at / size), at % size];
    let sum = 0;
    for (let k = 0; k < rank; k++) sum += a[i * rank + k] * a[j * rank + k];
    return sum;
  });
}

const trace = (a: Float64Array, size: number): number => {
  let sum = 0;
  for (let i = 0; i < size; i++) sum += a[i * size + i];
  return sum;
};

describe("eigenvalues", () => {
  it("of the second difference are 2 − 2cos(πk/(n + 1))", () => {
    for (const size of [1, 2, 3, 10, 33]) {
      const a = new Float64Array(size * size);
      for (let i = 0; i < size; i++) {
        a[i * size + i] = 2;
        if (i > 0) a[i * size + i - 1] = a[(i - 1) * size + i] = -1;
      }
      const found = eigenvalues(a, size).toSorted();
      for (let k = 0; k < size; k++) {
        expect(found[k]).toBeCloseTo(2 - 2 * Math.cos((Math.PI * (k + 1)) / (size + 1)), 12);
      }
    }
  });

  it("of full matrices have their trace and their squares' trace", () => {
    for (const size of [2, 5, 17, 40]) {
      const a = semidefinite(`full ${size}`, size);
      const found = [...eigenvalues(a.slice(), size)];
      expect(found.reduce((sum, value) => sum + value)).toBeCloseTo(trace(a, size), 10);
      const squares = a.reduce((sum, value) => sum + value ** 2, 0);
      expect(found.reduce((sum, value) => sum + value ** 2, 0)).toBeCloseTo(squares, 9);
    }
  });

  it("of what is not finite are NaN", () => {
    expect(eigenvalues(Float64Array.of(1, Number.NaN, Number.NaN, 1), 2)).toEqual(
      Float64Array.of(Number.NaN, Number.NaN),
    );
  });
});

describe("traceOfRoot", () => {
  it("of a matrix with itself is its trace, whatever its rank", () => {
    for (const rank of [1, 5, 30]) {
      const a = semidefinite(`rank ${rank}`, 30, rank);
      expect(traceOfRoot(a, a, 30)).toBeCloseTo(trace(a, 30), 6);
    }
    expect(traceOfRoot(new Float64Array(9), new Float64Array(9), 3)).toBe(0);
  });

  it("of diagonal matrices is Σ √(aᵢbᵢ)", () => {
    const [a, b] = [new Float64Array(25), new Float64Array(25)];
    for (let i = 0; i < 5; i++) [a[6 * i], b[6 * i]] = [i, (i + 2) ** 2];
    const expected = [0, 1, 2, 3, 4].reduce((sum, i) => sum + Math.sqrt(i) * (i + 2), 0);
    expect(traceOfRoot(a, b, 5)).toBeCloseTo(expected, 12);
  });

  it("is the same in either order", () => {
    const [a, b] = [semidefinite("a", 21, 12), semidefinite("b", 21)];
    expect(traceOfRoot(a, b, 21)).toBeCloseTo(traceOfRoot(b, a, 21), 6);
  });
});
