import { madd } from "./simd";

// F(4, 2): four outputs of a filter of two taps by five products (Winograd 1980; Lavin & Gray 2015, arXiv
// 1509.09308), at the points 0, 1, −1, 2, ∞:
//
//        [1  −½  −1   ½   0]        [1  0]         [1  1   1  1  0]
//        [0   1   ½  −½   0]        [1  1]         [0  1  −1  2  0]
//   Bᵀ = [0  −⅓   ½  −⅙   0]    G = [1 −1]    Aᵀ = [0  1   1  4  0]
//        [0  −⅙   0   ⅙   0]        [1  2]         [0  1  −1  8  1]
//        [0   2  −1  −2   1]        [0  1]
//
// y = Aᵀ[(G g) ∘ (Bᵀ d)]. The filter's side has no factors but 2, since it is transformed most often. The
// gradients are the same algorithm transposed: d̄ = B[(G g) ∘ (A ȳ)], ḡ = Gᵀ[(A ȳ) ∘ (Bᵀ d)].
//
// Each function transforms vectors of four channels along one axis; results are `step` bytes apart. The three that
// the compiler would otherwise call, ten times a tile, are inlined: calling made tiles take 1.2 to 1.9 times as long.

/** Coefficients, loaded where used: V8 rebuilds a constant at each use. */
const two = memory.data<f32>([2, 2, 2, 2]);
const four = memory.data<f32>([4, 4, 4, 4]);
const eight = memory.data<f32>([8, 8, 8, 8]);
const half = memory.data<f32>([0.5, 0.5, 0.5, 0.5]);
const minusTwo = memory.data<f32>([-2, -2, -2, -2]);
const sixth = memory.data<f32>([1 / 6, 1 / 6, 1 / 6, 1 / 6]);
const minusSixth = memory.data<f32>([-1 / 6, -1 / 6, -1 / 6, -1 / 6]);
const minusThird = memory.data<f32>([-1 / 3, -1 / 3, -1 / 3, -1 / 3]);

// Inlined where they are called: asc leaves three of these as calls otherwise, and tiles take 1.2 to 1.9 times as long.

/** Bᵀ d, from five pixels. */
@inline
export function input4(y: usize, step: usize, x0: usize, x1: usize, x2: usize, x3: usize, x4: usize): void {
  const d1 = v128.load(x1);
  const d2 = v128.load(x2);
  const d3 = v128.load(x3);
  const t = f32x4.sub(d3, d1);
  const h = v128.load(half);
  v128.store(y, madd(t, h, f32x4.sub(v128.load(x0), d2)));
  v128.store(y + step, f32x4.mul(h, f32x4.sub(f32x4.add(d1, d2), t)));
  const q = f32x4.mul(t, v128.load(sixth));
  v128.store(y + 2 * step, f32x4.sub(f32x4.mul(h, f32x4.sub(d2, d1)), q));
  v128.store(y + 3 * step, q);
  v128.store(y + 4 * step, madd(t, v128.load(minusTwo), f32x4.sub(v128.load(x4), d2)));
}

/** B v, from five products: each pixel's sum. */
@inline
export function inputAdjoint4(
  y: usize,
  step: usize,
  x0: usize,
  x1: usize,
  x2: usize,
  x3: usize,
  x4: usize,
): void {
  const v0 = v128.load(x0);
  const v1 = v128.load(x1);
  const v2 = v128.load(x2);
  const v4 = v128.load(x4);
  const h = v128.load(half);
  const e = madd(v4, v128.load(minusTwo), madd(v128.load(x3), v128.load(sixth), f32x4.mul(h, v0)));
  v128.store(y, v0);
  v128.store(y + step, f32x4.sub(madd(v2, v128.load(minusThird), v1), e));
  v128.store(y + 2 * step, f32x4.sub(f32x4.mul(h, f32x4.add(v1, v2)), f32x4.add(v0, v4)));
  v128.store(y + 3 * step, f32x4.sub(madd(v2, v128.load(minusSixth), e), f32x4.mul(h, v1)));
  v128.store(y + 4 * step, v4);
}

/** a + 2b. */
export function plusTwice(a: v128, b: v128): v128 {
  return madd(b, v128.load(two), a);
}

/** G g, from two taps. */
export function filter4(y: usize, step: usize, g0: v128, g1: v128): void {
  v128.store(y, g0);
  y += step;
  v128.store(y, f32x4.add(g0, g1));
  y += step;
  v128.store(y, f32x4.sub(g0, g1));
  y += step;
  v128.store(y, plusTwice(g0, g1));
  v128.store(y + step, g1);
}

/** First row of Gᵀ u. */
export function firstTap4(u0: v128, u1: v128, u2: v128, u3: v128): v128 {
  return f32x4.add(f32x4.add(u0, u3), f32x4.add(u1, u2));
}

/** Second row of Gᵀ u. */
export function secondTap4(u1: v128, u2: v128, u3: v128, u4: v128): v128 {
  return f32x4.add(plusTwice(f32x4.sub(u1, u2), u3), u4);
}

/** Aᵀ m, from five products: four outputs. */
@inline
export function output4(y: usize, step: usize, x0: usize, x1: usize, x2: usize, x3: usize, x4: usize): void {
  const m1 = v128.load(x1);
  const m2 = v128.load(x2);
  const m3 = v128.load(x3);
  const s = f32x4.add(m1, m2);
  const d = f32x4.sub(m1, m2);
  v128.store(y, f32x4.add(f32x4.add(v128.load(x0), m3), s));
  v128.store(y + step, madd(m3, v128.load(two), d));
  v128.store(y + 2 * step, madd(m3, v128.load(four), s));
  v128.store(y + 3 * step, f32x4.add(madd(m3, v128.load(eight), d), v128.load(x4)));
}

/** A y, from four outputs' gradients. */
export function outputAdjoint4(y: usize, step: usize, x0: usize, x1: usize, x2: usize, x3: usize): void {
  const y0 = v128.load(x0);
  const y1 = v128.load(x1);
  const y2 = v128.load(x2);
  const y3 = v128.load(x3);
  const e = f32x4.add(y0, y2);
  const o = f32x4.add(y1, y3);
  const t = v128.load(two);
  v128.store(y, y0);
  v128.store(y + step, f32x4.add(e, o));
  v128.store(y + 2 * step, f32x4.sub(e, o));
  v128.store(y + 3 * step, madd(madd(madd(y3, t, y2), t, y1), t, y0));
  v128.store(y + 4 * step, y3);
}
