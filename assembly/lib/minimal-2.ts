import { madd } from "./simd";

// F(2, 3): two outputs of a filter of three taps from four products, by the points 0, 1, −1, ∞.
// y = Aᵀ((G g) ⊙ (Bᵀ d)):
//
//        ⎡1  0 −1  0⎤        ⎡ 1    0   0 ⎤
//   Bᵀ = ⎢0  1  1  0⎥    G = ⎢1/2  1/2 1/2⎥    Aᵀ = ⎡1 1  1 0⎤
//        ⎢0 −1  1  0⎥        ⎢1/2 −1/2 1/2⎥         ⎣0 1 −1 1⎦
//        ⎣0 −1  0  1⎦        ⎣ 0    0   1 ⎦
//
// Each function multiplies `lines` columns of four lanes by one of these: line i reads x + i·nextX, + stepX, ... and
// writes y + i·nextY, + stepY, ... What reads pictures takes pointers to their rows in place of x and stepX, and
// writes zeros for lines before `from` and from `to` on, which are outside.

const halfPlace = memory.data<f32>([0.5]);

/** Four zeros. */
function zero4(y: usize, step: usize): void {
  const zero = f32x4.splat(0);
  v128.store(y, zero);
  v128.store((y += step), zero);
  v128.store((y += step), zero);
  v128.store(y + step, zero);
}

/** Bᵀ: four of four. */
export function input2(
  y: usize, stepY: usize, nextY: usize, rows: usize, offset: usize, nextX: usize, lines: i32, from: i32, to: i32,
): void {
  let x0 = load<usize>(rows) + offset;
  let x1 = load<usize>(rows, 4) + offset;
  let x2 = load<usize>(rows, 8) + offset;
  let x3 = load<usize>(rows, 12) + offset;
  for (let i = 0; i < lines; i++, y += nextY) {
    let p = y;
    if (i < from || i >= to) {
      zero4(y, stepY);
    } else {
    const d0 = v128.load(x0);
    const d1 = v128.load(x1);
    const d2 = v128.load(x2);
    const d3 = v128.load(x3);
    v128.store(p, f32x4.sub(d0, d2));
    v128.store((p += stepY), f32x4.add(d1, d2));
    v128.store((p += stepY), f32x4.sub(d2, d1));
    v128.store((p += stepY), f32x4.sub(d3, d1));
    }
    x0 += nextX;
    x1 += nextX;
    x2 += nextX;
    x3 += nextX;
  }
}

/** Aᵀ: two of four. */
export function output2(
  y: usize, stepY: usize, nextY: usize, x: usize, stepX: usize, nextX: usize, lines: i32,
): void {
  for (let i = 0; i < lines; i++, x += nextX, y += nextY) {
    let p = x;
    const m0 = v128.load(p);
    const m1 = v128.load((p += stepX));
    const m2 = v128.load((p += stepX));
    const m3 = v128.load((p += stepX));
    v128.store(y, f32x4.add(m0, f32x4.add(m1, m2)));
    v128.store(y + stepY, f32x4.add(f32x4.sub(m1, m2), m3));
  }
}

/** A: four of two. */
export function outputAdjoint2(
  y: usize, stepY: usize, nextY: usize, rows: usize, offset: usize, nextX: usize, lines: i32, from: i32, to: i32,
): void {
  let x0 = load<usize>(rows) + offset;
  let x1 = load<usize>(rows, 4) + offset;
  for (let i = 0; i < lines; i++, y += nextY) {
    let p = y;
    if (i < from || i >= to) {
      zero4(y, stepY);
    } else {
    const y0 = v128.load(x0);
    const y1 = v128.load(x1);
    v128.store(p, y0);
    v128.store((p += stepY), f32x4.add(y0, y1));
    v128.store((p += stepY), f32x4.sub(y0, y1));
    v128.store((p += stepY), y1);
    }
    x0 += nextX;
    x1 += nextX;
  }
}

/** G: four of three. */
export function filter2(
  y: usize, stepY: usize, nextY: usize, x: usize, stepX: usize, nextX: usize, lines: i32,
): void {
  const half = v128.load32_splat(halfPlace);
  for (let i = 0; i < lines; i++, x += nextX, y += nextY) {
    const g0 = v128.load(x);
    const g1 = f32x4.mul(half, v128.load(x + stepX));
    const g2 = v128.load(x + 2 * stepX);
    const even = f32x4.mul(half, f32x4.add(g0, g2));
    let p = y;
    v128.store(p, g0);
    v128.store((p += stepY), f32x4.add(even, g1));
    v128.store((p += stepY), f32x4.sub(even, g1));
    v128.store((p += stepY), g2);
  }
}

/** Gᵀ: three of four. */
export function filterAdjoint2(
  y: usize, stepY: usize, nextY: usize, x: usize, stepX: usize, nextX: usize, lines: i32,
): void {
  const half = v128.load32_splat(halfPlace);
  for (let i = 0; i < lines; i++, x += nextX, y += nextY) {
    let p = x;
    const u0 = v128.load(p);
    const u1 = v128.load((p += stepX));
    const u2 = v128.load((p += stepX));
    const u3 = v128.load((p += stepX));
    const sum = f32x4.add(u1, u2);
    p = y;
    v128.store(p, madd(half, sum, u0));
    v128.store((p += stepY), f32x4.mul(half, f32x4.sub(u1, u2)));
    v128.store((p += stepY), madd(half, sum, u3));
  }
}
