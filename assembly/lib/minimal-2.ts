import { madd } from "./simd";

// F(2, 3): two outputs of a filter of three taps from four products, by the points 0, 1, −1, ∞.
// y = Aᵀ((G g) ⊙ (Bᵀ d)):
//
//        ⎡1  0 −1  0⎤        ⎡ 1    0   0 ⎤
//   Bᵀ = ⎢0  1  1  0⎥    G = ⎢1/2  1/2 1/2⎥    Aᵀ = ⎡1 1  1 0⎤
//        ⎢0 −1  1  0⎥        ⎢1/2 −1/2 1/2⎥         ⎣0 1 −1 1⎦
//        ⎣0 −1  0  1⎦        ⎣ 0    0   1 ⎦
//
// As in minimal-4.ts; temp is 256 bytes.

const halfPlace = memory.data<f32>([0.5]);

/** y + k·step = zeros, k < 4. */
@inline
function zeroLine(y: usize, step: usize): void {
  const zero = f32x4.splat(0);
  for (let k = 0; k < 4; k++, y += step) v128.store(y, zero);
}

/** y + k·step = (Bᵀ d)[k]. */
@inline
function inputLine(y: usize, step: usize, d0: v128, d1: v128, d2: v128, d3: v128): void {
  v128.store(y, f32x4.sub(d0, d2));
  v128.store((y += step), f32x4.add(d1, d2));
  v128.store((y += step), f32x4.sub(d2, d1));
  v128.store(y + step, f32x4.sub(d3, d1));
}

/**
 * Planes of 4×4 = Bᵀ d B, of pixels `pixel` bytes apart, `offset` bytes in; the next four channels' are `next` bytes
 * on.
 */
export function input2(
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
  for (let v = 0; v < vectors; v++, y += next) {
    let x = offset + ((<usize>v) << 4);
    let t = temp;
    for (let i = 0; i < 4; i++, x += pixel, t += 16) {
      if (i < from || i >= to) {
        zeroLine(t, 64);
        continue;
      }
      inputLine(
        t,
        64,
        v128.load(load<usize>(rows) + x),
        v128.load(load<usize>(rows, 4) + x),
        v128.load(load<usize>(rows, 8) + x),
        v128.load(load<usize>(rows, 12) + x),
      );
    }
    let place = y;
    for (t = temp; t < temp + 256; t += 64, place += 4 * plane) {
      inputLine(place, plane, v128.load(t), v128.load(t, 16), v128.load(t, 32), v128.load(t, 48));
    }
  }
}

/** y, y + step = Aᵀ m. */
@inline
function outputLine(y: usize, step: usize, m0: v128, m1: v128, m2: v128, m3: v128): void {
  v128.store(y, f32x4.add(m0, f32x4.add(m1, m2)));
  v128.store(y + step, f32x4.add(f32x4.sub(m1, m2), m3));
}

/** 2×2 pixels = Aᵀ x A of planes. */
export function output2(y: usize, row: usize, pixel: usize, x: usize, plane: usize, vectors: i32, temp: usize): void {
  const high = 4 * plane;
  for (let v = 0; v < vectors; v++, y += 16, x += 16) {
    let p = x;
    let t = temp;
    for (; t < temp + 64; t += 16, p += plane) {
      outputLine(t, 64, v128.load(p), v128.load(p + high), v128.load(p + 2 * high), v128.load(p + 3 * high));
    }
    outputLine(y, pixel, v128.load(temp), v128.load(temp, 16), v128.load(temp, 32), v128.load(temp, 48));
    outputLine(y + row, pixel, v128.load(temp, 64), v128.load(temp, 80), v128.load(temp, 96), v128.load(temp, 112));
  }
}

/** y + k·step = (A d)[k]. */
@inline
function outputAdjointLine(y: usize, step: usize, y0: v128, y1: v128): void {
  v128.store(y, y0);
  v128.store((y += step), f32x4.add(y0, y1));
  v128.store((y += step), f32x4.sub(y0, y1));
  v128.store(y + step, y1);
}

/** Planes of 4×4 = A d Aᵀ, of 2×2 pixels; as input2. */
export function outputAdjoint2(
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
  for (let v = 0; v < vectors; v++, y += next) {
    let x = offset + ((<usize>v) << 4);
    let t = temp;
    for (let i = 0; i < 2; i++, x += pixel, t += 16) {
      if (i < from || i >= to) zeroLine(t, 32);
      else outputAdjointLine(t, 32, v128.load(load<usize>(rows) + x), v128.load(load<usize>(rows, 4) + x));
    }
    let place = y;
    for (t = temp; t < temp + 128; t += 32, place += 4 * plane) {
      outputAdjointLine(place, plane, v128.load(t), v128.load(t, 16));
    }
  }
}

/** G: four of three, for `lines` columns; as filter4. */
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

/** y + k·step = (Gᵀ u)[k]. */
@inline
function filterAdjointLine(y: usize, step: usize, u0: v128, u1: v128, u2: v128, u3: v128, half: v128): void {
  const sum = f32x4.add(u1, u2);
  v128.store(y, madd(half, sum, u0));
  v128.store((y += step), f32x4.mul(half, f32x4.sub(u1, u2)));
  v128.store(y + step, madd(half, sum, u3));
}

/** 3×3 taps, `tap` bytes apart, = Gᵀ x G of planes. */
export function filterAdjoint2(y: usize, tap: usize, x: usize, plane: usize, vectors: i32, temp: usize): void {
  const half = v128.load32_splat(halfPlace);
  const high = 4 * plane;
  for (let v = 0; v < vectors; v++, y += 16, x += 16) {
    let p = x;
    let t = temp;
    for (; t < temp + 64; t += 16, p += plane) {
      const u0 = v128.load(p);
      const u1 = v128.load(p + high);
      filterAdjointLine(t, 64, u0, u1, v128.load(p + 2 * high), v128.load(p + 3 * high), half);
    }
    let place = y;
    for (t = temp; t < temp + 192; t += 64, place += 3 * tap) {
      filterAdjointLine(place, tap, v128.load(t), v128.load(t, 16), v128.load(t, 32), v128.load(t, 48), half);
    }
  }
}
