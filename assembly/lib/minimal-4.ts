// The five transforms of one tile, side by side under their matrices: longer than most.
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
// Tiles are transformed four channels at a time, `vectors` times: columns into temp (576 bytes), then rows. Pixels are
// found by pointers to their rows (six or four, 32-bit, at `rows`), columns before `from` and from `to` on are zeros;
// planes are `plane` bytes apart. One line of either half is a function inlined into both: a call would cost as much.
// Coefficients are loaded, since V8 builds a constant anew at each use in a loop.

const coefficients = memory.data<f32>([
  1.5, 2, -0.5, 0.5, -2, 0.25, 4, 0.125, -8,
  0.3333333333333333, -1.0666666666666667, -0.5333333333333333, -0.26666666666666666,
  0.06666666666666667, -0.13333333333333333, 0.26666666666666666,
]);

/** y + k·step = zeros, k < 6. */
@inline
function zeroLine(y: usize, step: usize): void {
  const zero = f32x4.splat(0);
  for (let k = 0; k < 6; k++, y += step) v128.store(y, zero);
}

/** y + k·step = (Bᵀ d)[k]. */
@inline
function inputLine(
  y: usize,
  step: usize,
  d0: v128,
  d1: v128,
  d2: v128,
  d3: v128,
  d4: v128,
  d5: v128,
  threeHalves: v128,
  two: v128,
  minusHalf: v128,
): void {
  const e = f32x4.sub(d4, d2);
  const f = f32x4.sub(d3, d1);
  v128.store(y, madd(threeHalves, f, f32x4.add(f32x4.sub(d0, d2), e)));
  v128.store((y += step), madd(threeHalves, f32x4.add(d3, d2), f32x4.add(e, f)));
  v128.store((y += step), madd(threeHalves, f32x4.sub(d3, d2), f32x4.sub(e, f)));
  v128.store((y += step), madd(two, f, e));
  v128.store((y += step), madd(minusHalf, f, e));
  v128.store(y + step, madd(threeHalves, e, f32x4.sub(f32x4.sub(d5, d3), f)));
}

/**
 * Planes of 6×6 = Bᵀ d B, of pixels `pixel` bytes apart, `offset` bytes in; the next four channels' are `next` bytes
 * on.
 */
export function input4(
  y: usize,
  plane: usize,
  next: usize,
  rows: usize,
  offset: usize,
  pixel: usize,
  from: i32,
  to: i32,
  vectors: i32,
  temp: usize,
): void {
  const threeHalves = v128.load32_splat(coefficients);
  const two = v128.load32_splat(coefficients, 4);
  const minusHalf = v128.load32_splat(coefficients, 8);
  for (let v = 0; v < vectors; v++, y += next) {
    let x = offset + ((<usize>v) << 4);
    let t = temp;
    for (let i = 0; i < 6; i++, x += pixel, t += 16) {
      if (i < from || i >= to) {
        zeroLine(t, 96);
        continue;
      }
      inputLine(
        t,
        96,
        v128.load(load<usize>(rows) + x),
        v128.load(load<usize>(rows, 4) + x),
        v128.load(load<usize>(rows, 8) + x),
        v128.load(load<usize>(rows, 12) + x),
        v128.load(load<usize>(rows, 16) + x),
        v128.load(load<usize>(rows, 20) + x),
        threeHalves,
        two,
        minusHalf,
      );
    }
    let place = y;
    for (t = temp; t < temp + 576; t += 96, place += 6 * plane) {
      inputLine(
        place,
        plane,
        v128.load(t),
        v128.load(t, 16),
        v128.load(t, 32),
        v128.load(t, 48),
        v128.load(t, 64),
        v128.load(t, 80),
        threeHalves,
        two,
        minusHalf,
      );
    }
  }
}

/** y + k·step = (Aᵀ m)[k]. */
@inline
function outputLine(
  y: usize, step: usize, m0: v128, m1: v128, m2: v128, m3: v128, m4: v128, m5: v128, table: usize,
): void {
  const sum = f32x4.add(m1, m2);
  const difference = f32x4.sub(m1, m2);
  v128.store(y, f32x4.add(f32x4.add(m0, sum), f32x4.add(m3, m4)));
  v128.store(
    (y += step),
    madd(v128.load32_splat(table, 16), m4, madd(v128.load32_splat(table, 12), m3, difference)),
  );
  v128.store((y += step), madd(v128.load32_splat(table, 24), m4, madd(v128.load32_splat(table, 20), m3, sum)));
  v128.store(
    y + step,
    madd(v128.load32_splat(table, 32), m4, madd(v128.load32_splat(table, 28), m3, f32x4.add(difference, m5))),
  );
}

/** 4×4 pixels = Aᵀ x A of planes. */
export function output4(y: usize, row: usize, pixel: usize, x: usize, plane: usize, vectors: i32, temp: usize): void {
  const high = 6 * plane;
  for (let v = 0; v < vectors; v++, y += 16, x += 16) {
    let p = x;
    let t = temp;
    for (; t < temp + 96; t += 16, p += plane) {
      let q = p;
      const m0 = v128.load(q);
      const m1 = v128.load((q += high));
      const m2 = v128.load((q += high));
      const m3 = v128.load((q += high));
      const m4 = v128.load((q += high));
      const m5 = v128.load(q + high);
      outputLine(t, 96, m0, m1, m2, m3, m4, m5, coefficients);
    }
    let place = y;
    for (t = temp; t < temp + 384; t += 96, place += row) {
      outputLine(
        place,
        pixel,
        v128.load(t),
        v128.load(t, 16),
        v128.load(t, 32),
        v128.load(t, 48),
        v128.load(t, 64),
        v128.load(t, 80),
        coefficients,
      );
    }
  }
}

/** y + k·step = (A d)[k]. */
@inline
function outputAdjointLine(
  y: usize, step: usize, y0: v128, y1: v128, y2: v128, y3: v128, half: v128, minusTwo: v128, quarter: v128, four: v128,
): void {
  const even = f32x4.add(y0, y2);
  const odd = f32x4.add(y1, y3);
  v128.store(y, y0);
  v128.store((y += step), f32x4.add(even, odd));
  v128.store((y += step), f32x4.sub(even, odd));
  v128.store((y += step), madd(half, madd(quarter, y3, y1), madd(quarter, y2, y0)));
  v128.store((y += step), madd(minusTwo, madd(four, y3, y1), madd(four, y2, y0)));
  v128.store(y + step, y3);
}

/** Planes of 6×6 = A d Aᵀ, of 4×4 pixels; as input4. */
export function outputAdjoint4(
  y: usize,
  plane: usize,
  next: usize,
  rows: usize,
  offset: usize,
  pixel: usize,
  from: i32,
  to: i32,
  vectors: i32,
  temp: usize,
): void {
  const half = v128.load32_splat(coefficients, 12);
  const minusTwo = v128.load32_splat(coefficients, 16);
  const quarter = v128.load32_splat(coefficients, 20);
  const four = v128.load32_splat(coefficients, 24);
  for (let v = 0; v < vectors; v++, y += next) {
    let x = offset + ((<usize>v) << 4);
    let t = temp;
    for (let i = 0; i < 4; i++, x += pixel, t += 16) {
      if (i < from || i >= to) {
        zeroLine(t, 64);
        continue;
      }
      outputAdjointLine(
        t,
        64,
        v128.load(load<usize>(rows) + x),
        v128.load(load<usize>(rows, 4) + x),
        v128.load(load<usize>(rows, 8) + x),
        v128.load(load<usize>(rows, 12) + x),
        half,
        minusTwo,
        quarter,
        four,
      );
    }
    let place = y;
    for (t = temp; t < temp + 384; t += 64, place += 6 * plane) {
      outputAdjointLine(
        place,
        plane,
        v128.load(t),
        v128.load(t, 16),
        v128.load(t, 32),
        v128.load(t, 48),
        half,
        minusTwo,
        quarter,
        four,
      );
    }
  }
}

/**
 * G: six of three, for `lines` columns of four lanes: line i reads x + i·nextX, + stepX, ... and writes y + i·nextY,
 * + stepY, ...
 */
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

/** y + k·step = (Gᵀ u)[k]. */
@inline
function filterAdjointLine(
  y: usize, step: usize, u0: v128, u1: v128, u2: v128, u3: v128, u4: v128, u5: v128, table: usize,
): void {
  const third = v128.load32_splat(table, 36);
  const difference = f32x4.sub(u1, u2);
  const low = madd(v128.load32_splat(table, 40), u3, madd(third, difference, u0));
  const middle = madd(v128.load32_splat(table, 44), u3, f32x4.mul(third, f32x4.add(u1, u2)));
  const high = madd(v128.load32_splat(table, 48), u3, madd(third, difference, u5));
  v128.store(y, madd(v128.load32_splat(table, 52), u4, low));
  v128.store((y += step), madd(v128.load32_splat(table, 56), u4, middle));
  v128.store(y + step, madd(v128.load32_splat(table, 60), u4, high));
}

/** 3×3 taps, `tap` bytes apart, = Gᵀ x G of planes. */
export function filterAdjoint4(y: usize, tap: usize, x: usize, plane: usize, vectors: i32, temp: usize): void {
  const high = 6 * plane;
  for (let v = 0; v < vectors; v++, y += 16, x += 16) {
    let p = x;
    let t = temp;
    for (; t < temp + 96; t += 16, p += plane) {
      let q = p;
      const u0 = v128.load(q);
      const u1 = v128.load((q += high));
      const u2 = v128.load((q += high));
      const u3 = v128.load((q += high));
      const u4 = v128.load((q += high));
      const u5 = v128.load(q + high);
      filterAdjointLine(t, 96, u0, u1, u2, u3, u4, u5, coefficients);
    }
    let place = y;
    for (t = temp; t < temp + 288; t += 96, place += 3 * tap) {
      filterAdjointLine(
        place,
        tap,
        v128.load(t),
        v128.load(t, 16),
        v128.load(t, 32),
        v128.load(t, 48),
        v128.load(t, 64),
        v128.load(t, 80),
        coefficients,
      );
    }
  }
}
