// F(2, 2): two outputs of a filter of two taps by three products (Winograd 1980; Lavin & Gray 2015, arXiv
// 1509.09308), at the points 0, 1, ∞:
//
//        [1  −1   0]        [1  0]         [1  1  0]
//   Bᵀ = [0   1   0]    G = [1  1]    Aᵀ = [0  1  1]
//        [0  −1   1]        [0  1]
//
// Used and transposed as in filtering-4x2.ts, one axis of four channels a function.

/** Bᵀ d, from three pixels. */
export function input2(y: usize, step: usize, x0: usize, x1: usize, x2: usize): void {
  const d1 = v128.load(x1);
  v128.store(y, f32x4.sub(v128.load(x0), d1));
  v128.store(y + step, d1);
  v128.store(y + 2 * step, f32x4.sub(v128.load(x2), d1));
}

/** B v, from three products: each pixel's sum. */
export function inputAdjoint2(y: usize, step: usize, x0: usize, x1: usize, x2: usize): void {
  const v0 = v128.load(x0);
  const v2 = v128.load(x2);
  v128.store(y, v0);
  v128.store(y + step, f32x4.sub(v128.load(x1), f32x4.add(v0, v2)));
  v128.store(y + 2 * step, v2);
}

/** G g, from two taps. */
export function filter2(y: usize, step: usize, g0: v128, g1: v128): void {
  v128.store(y, g0);
  v128.store(y + step, f32x4.add(g0, g1));
  v128.store(y + 2 * step, g1);
}

/** Aᵀ m or Gᵀ u, from three products: two sums. */
export function output2(y: usize, step: usize, x0: usize, x1: usize, x2: usize): void {
  const m1 = v128.load(x1);
  v128.store(y, f32x4.add(v128.load(x0), m1));
  v128.store(y + step, f32x4.add(m1, v128.load(x2)));
}

/** A y, from two outputs' gradients. */
export function outputAdjoint2(y: usize, step: usize, x0: usize, x1: usize): void {
  const y0 = v128.load(x0);
  const y1 = v128.load(x1);
  v128.store(y, y0);
  v128.store(y + step, f32x4.add(y0, y1));
  v128.store(y + 2 * step, y1);
}
