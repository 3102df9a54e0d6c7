import { madd } from "./simd";

// F(4, 3): four outputs of a filter of three taps from six products, by the points 0, 1, −1, ½, −2, ∞, whose error
// is less than half that of the usual 0, ±1, ±2, ∞. y = Aᵀ((G g) ⊙ (Bᵀ d)):
//
//        ⎡1 −3/2  −2  3/2  1  0⎤        ⎡   1      0      0  ⎤
//        ⎢0  −1   1/2 5/2  1  0⎥        ⎢  1/3    1/3    1/3 ⎥         ⎡1 1  1  1   1  0⎤
//   Bᵀ = ⎢0   1  −5/2 1/2  1  0⎥    G = ⎢ −1/3    1/3   −1/3 ⎥    Aᵀ = ⎢0 1 −1 1/2 −2  0⎥
//        ⎢0  −2   −1   2   1  0⎥        ⎢−16/15  −8/15  −4/15⎥         ⎢0 1  1 1/4  4  0⎥
//        ⎢0  1/2  −1 −1/2  1  0⎥        ⎢  1/15  −2/15   4/15⎥         ⎣0 1 −1 1/8 −8  1⎦
//        ⎣0   1  −3/2 −2  3/2 1⎦        ⎣   0      0      1  ⎦
//
// Each function multiplies `lines` columns of four lanes by one of these: line i reads x + i·nextX, + stepX, ... and
// writes y + i·nextY, + stepY, ... What reads pictures takes pointers to their rows in place of x and stepX, and
// writes zeros for lines before `from` and from `to` on, which are outside. Coefficients are loaded, since V8 builds a
// constant anew at each use in a loop.

const coefficients = memory.data<f32>([
  1.5, 2, -0.5, 0.5, -2, 0.25, 4, 0.125, -8,
  0.3333333333333333, -1.0666666666666667, -0.5333333333333333, -0.26666666666666666,
  0.06666666666666667, -0.13333333333333333, 0.26666666666666666,
]);

/** Six zeros. */
function zero6(y: usize, step: usize): void {
  const zero = f32x4.splat(0);
  v128.store(y, zero);
  v128.store((y += step), zero);
  v128.store((y += step), zero);
  v128.store((y += step), zero);
  v128.store((y += step), zero);
  v128.store(y + step, zero);
}

/** Bᵀ: six of six. */
export function input4(
  y: usize, stepY: usize, nextY: usize, rows: usize, offset: usize, nextX: usize, lines: i32, from: i32, to: i32,
): void {
  const threeHalves = v128.load32_splat(coefficients);
  const two = v128.load32_splat(coefficients, 4);
  const minusHalf = v128.load32_splat(coefficients, 8);
  let x0 = load<usize>(rows) + offset;
  let x1 = load<usize>(rows, 4) + offset;
  let x2 = load<usize>(rows, 8) + offset;
  let x3 = load<usize>(rows, 12) + offset;
  let x4 = load<usize>(rows, 16) + offset;
  let x5 = load<usize>(rows, 20) + offset;
  for (let i = 0; i < lines; i++, y += nextY) {
    let p = y;
    if (i < from || i >= to) {
      zero6(y, stepY);
    } else {
    const d0 = v128.load(x0);
    const d1 = v128.load(x1);
    const d2 = v128.load(x2);
    const d3 = v128.load(x3);
    const d4 = v128.load(x4);
    const d5 = v128.load(x5);
    const e = f32x4.sub(d4, d2);
    const f = f32x4.sub(d3, d1);
    v128.store(p, madd(threeHalves, f, f32x4.add(f32x4.sub(d0, d2), e)));
    v128.store((p += stepY), madd(threeHalves, f32x4.add(d3, d2), f32x4.add(e, f)));
    v128.store((p += stepY), madd(threeHalves, f32x4.sub(d3, d2), f32x4.sub(e, f)));
    v128.store((p += stepY), madd(two, f, e));
    v128.store((p += stepY), madd(minusHalf, f, e));
    v128.store((p += stepY), madd(threeHalves, e, f32x4.sub(f32x4.sub(d5, d3), f)));
    }
    x0 += nextX;
    x1 += nextX;
    x2 += nextX;
    x3 += nextX;
    x4 += nextX;
    x5 += nextX;
  }
}

/** Aᵀ: four of six. */
export function output4(
  y: usize, stepY: usize, nextY: usize, x: usize, stepX: usize, nextX: usize, lines: i32,
): void {
  const half = v128.load32_splat(coefficients, 12);
  const minusTwo = v128.load32_splat(coefficients, 16);
  const quarter = v128.load32_splat(coefficients, 20);
  const four = v128.load32_splat(coefficients, 24);
  const eighth = v128.load32_splat(coefficients, 28);
  const minusEight = v128.load32_splat(coefficients, 32);
  for (let i = 0; i < lines; i++, x += nextX, y += nextY) {
    let p = x;
    const m0 = v128.load(p);
    const m1 = v128.load((p += stepX));
    const m2 = v128.load((p += stepX));
    const m3 = v128.load((p += stepX));
    const m4 = v128.load((p += stepX));
    const m5 = v128.load((p += stepX));
    const sum = f32x4.add(m1, m2);
    const difference = f32x4.sub(m1, m2);
    p = y;
    v128.store(p, f32x4.add(f32x4.add(m0, sum), f32x4.add(m3, m4)));
    v128.store((p += stepY), madd(minusTwo, m4, madd(half, m3, difference)));
    v128.store((p += stepY), madd(four, m4, madd(quarter, m3, sum)));
    v128.store((p += stepY), madd(minusEight, m4, madd(eighth, m3, f32x4.add(difference, m5))));
  }
}

/** A: six of four. */
export function outputAdjoint4(
  y: usize, stepY: usize, nextY: usize, rows: usize, offset: usize, nextX: usize, lines: i32, from: i32, to: i32,
): void {
  const half = v128.load32_splat(coefficients, 12);
  const minusTwo = v128.load32_splat(coefficients, 16);
  const quarter = v128.load32_splat(coefficients, 20);
  const four = v128.load32_splat(coefficients, 24);
  let x0 = load<usize>(rows) + offset;
  let x1 = load<usize>(rows, 4) + offset;
  let x2 = load<usize>(rows, 8) + offset;
  let x3 = load<usize>(rows, 12) + offset;
  for (let i = 0; i < lines; i++, y += nextY) {
    let p = y;
    if (i < from || i >= to) {
      zero6(y, stepY);
    } else {
    const y0 = v128.load(x0);
    const y1 = v128.load(x1);
    const y2 = v128.load(x2);
    const y3 = v128.load(x3);
    const even = f32x4.add(y0, y2);
    const odd = f32x4.add(y1, y3);
    v128.store(p, y0);
    v128.store((p += stepY), f32x4.add(even, odd));
    v128.store((p += stepY), f32x4.sub(even, odd));
    v128.store((p += stepY), madd(half, madd(quarter, y3, y1), madd(quarter, y2, y0)));
    v128.store((p += stepY), madd(minusTwo, madd(four, y3, y1), madd(four, y2, y0)));
    v128.store((p += stepY), y3);
    }
    x0 += nextX;
    x1 += nextX;
    x2 += nextX;
    x3 += nextX;
  }
}

/** G: six of three. */
export function filter4(
  y: usize, stepY: usize, nextY: usize, x: usize, stepX: usize, nextX: usize, lines: i32,
): void {
  const third = v128.load32_splat(coefficients, 36);
  const a0 = v128.load32_splat(coefficients, 40);
  const a1 = v128.load32_splat(coefficients, 44);
  const a2 = v128.load32_splat(coefficients, 48);
  const b0 = v128.load32_splat(coefficients, 52);
  const b1 = v128.load32_splat(coefficients, 56);
  const b2 = v128.load32_splat(coefficients, 60);
  for (let i = 0; i < lines; i++, x += nextX, y += nextY) {
    let p = x;
    const g0 = v128.load(p);
    const g1 = v128.load((p += stepX));
    const g2 = v128.load((p += stepX));
    const even = f32x4.add(g0, g2);
    p = y;
    v128.store(p, g0);
    v128.store((p += stepY), f32x4.mul(third, f32x4.add(g1, even)));
    v128.store((p += stepY), f32x4.mul(third, f32x4.sub(g1, even)));
    v128.store((p += stepY), madd(a2, g2, madd(a1, g1, f32x4.mul(a0, g0))));
    v128.store((p += stepY), madd(b2, g2, madd(b1, g1, f32x4.mul(b0, g0))));
    v128.store((p += stepY), g2);
  }
}

/** Gᵀ: three of six. */
export function filterAdjoint4(
  y: usize, stepY: usize, nextY: usize, x: usize, stepX: usize, nextX: usize, lines: i32,
): void {
  const third = v128.load32_splat(coefficients, 36);
  const a0 = v128.load32_splat(coefficients, 40);
  const a1 = v128.load32_splat(coefficients, 44);
  const a2 = v128.load32_splat(coefficients, 48);
  const b0 = v128.load32_splat(coefficients, 52);
  const b1 = v128.load32_splat(coefficients, 56);
  const b2 = v128.load32_splat(coefficients, 60);
  for (let i = 0; i < lines; i++, x += nextX, y += nextY) {
    let p = x;
    const u0 = v128.load(p);
    const u1 = v128.load((p += stepX));
    const u2 = v128.load((p += stepX));
    const u3 = v128.load((p += stepX));
    const u4 = v128.load((p += stepX));
    const u5 = v128.load((p += stepX));
    const difference = f32x4.sub(u1, u2);
    p = y;
    v128.store(p, madd(b0, u4, madd(a0, u3, madd(third, difference, u0))));
    v128.store((p += stepY), madd(b1, u4, madd(a1, u3, f32x4.mul(third, f32x4.add(u1, u2)))));
    v128.store((p += stepY), madd(b2, u4, madd(a2, u3, madd(third, difference, u5))));
  }
}
