// Reductions of x [outer, n, inner] over its middle axis to y [outer, inner], contiguous; n > 0. Fixed order,
// so the same bits every time. A class states how two values combine, see `map` for the pattern.
import { loadUpTo4, storeUpTo4 } from "../lib/simd";

/** Rows of a block that float32 adds up before float64 takes over: error grows with this, not with n. */
const BLOCK = 32;

// The builtin min() is hidden here by the export of that name.
function lesser(a: i32, b: i32): i32 {
  return a < b ? a : b;
}

/** Adds float32 lanes 0, 1 to the float64 pair at `total` and lanes 2, 3 to the next, for n lanes. */
function carry(total: usize, v: v128, n: i32): void {
  if (n == 1) {
    store<f64>(total, load<f64>(total) + <f64>f32x4.extract_lane(v, 0));
    return;
  }
  v128.store(total, f64x2.add(v128.load(total), f64x2.promote_low_f32x4(v)));
  if (n == 2) return;
  const high = i32x4.shuffle(v, v, 2, 3, 2, 3);
  if (n == 3) store<f64>(total, load<f64>(total, 16) + <f64>f32x4.extract_lane(v, 2), 16);
  else v128.store(total, f64x2.add(v128.load(total, 16), f64x2.promote_low_f32x4(high)), 16);
}

/** Sum of n float32: 16 lanes × BLOCK at a time in float32, blocks in float64. */
function sumRun(x: usize, n: i32): f64 {
  let total = f64x2.splat(0);
  while (n >= 16) {
    const turns = lesser(n >> 4, BLOCK);
    let a = v128.load(x);
    let b = v128.load(x, 16);
    let c = v128.load(x, 32);
    let d = v128.load(x, 48);
    x += 64;
    for (let turn = 1; turn < turns; turn++) {
      a = f32x4.add(a, v128.load(x));
      b = f32x4.add(b, v128.load(x, 16));
      c = f32x4.add(c, v128.load(x, 32));
      d = f32x4.add(d, v128.load(x, 48));
      x += 64;
    }
    const v = f32x4.add(f32x4.add(a, b), f32x4.add(c, d));
    total = f64x2.add(total, f64x2.promote_low_f32x4(v));
    total = f64x2.add(total, f64x2.promote_low_f32x4(i32x4.shuffle(v, v, 2, 3, 2, 3)));
    n -= turns << 4;
  }
  let sum = f64x2.extract_lane(total, 0) + f64x2.extract_lane(total, 1);
  for (; n > 0; n--) {
    sum += <f64>load<f32>(x);
    x += 4;
  }
  return sum;
}

/** totals += the column sums of n ≤ BLOCK rows of `inner` float32. */
function sumRows(x: usize, totals: usize, n: i32, inner: i32): void {
  const stride = inner << 2;
  let left = inner;
  for (; left >= 16; left -= 16) {
    let p = x;
    let a = v128.load(p);
    let b = v128.load(p, 16);
    let c = v128.load(p, 32);
    let d = v128.load(p, 48);
    for (let row = 1; row < n; row++) {
      p += stride;
      a = f32x4.add(a, v128.load(p));
      b = f32x4.add(b, v128.load(p, 16));
      c = f32x4.add(c, v128.load(p, 32));
      d = f32x4.add(d, v128.load(p, 48));
    }
    carry(totals, a, 4);
    carry(totals + 32, b, 4);
    carry(totals + 64, c, 4);
    carry(totals + 96, d, 4);
    x += 64;
    totals += 128;
  }
  for (; left > 0; left -= 4) {
    let p = x;
    let a = loadUpTo4<f32>(p, left);
    for (let row = 1; row < n; row++) {
      p += stride;
      a = f32x4.add(a, loadUpTo4<f32>(p, left));
    }
    carry(totals, a, lesser(left, 4));
    x += 16;
    totals += 32;
  }
}

/**
 * y = scale·Σ x over the middle axis, float32. `totals`: workspace of 8·inner bytes (none for inner = 1). The
 * error stays below about BLOCK/2 ulp of Σ|x| and is typically 2 ulp, for any n.
 */
export function sum(x: usize, y: usize, outer: i32, n: i32, inner: i32, scale: f64, totals: usize): void {
  for (; outer > 0; outer--) {
    if (inner == 1) {
      store<f32>(y, <f32>(sumRun(x, n) * scale));
      x += n << 2;
      y += 4;
      continue;
    }
    sumPartial(x, totals, n, inner);
    sumTotals(totals, y, 1, inner, scale);
    x += (n * inner) << 2;
    y += inner << 2;
  }
}

/** totals = Σ x over n rows of `inner` float32, in float64. */
export function sumPartial(x: usize, totals: usize, n: i32, inner: i32): void {
  if (inner == 1) {
    store<f64>(totals, sumRun(x, n));
    return;
  }
  memory.fill(totals, 0, inner << 3);
  for (let left = n; left > 0; left -= BLOCK) {
    const rows = lesser(left, BLOCK);
    sumRows(x, totals, rows, inner);
    x += (rows * inner) << 2;
  }
}

/** y = scale·Σ totals over `rows` rows of `inner` float64, in their order; y is float32. */
export function sumTotals(totals: usize, y: usize, rows: i32, inner: i32, scale: f64): void {
  const stride = <usize>inner << 3;
  for (let i = 0; i < inner; i++, totals += 8, y += 4) {
    let sum = load<f64>(totals);
    for (let row = 1, p = totals + stride; row < rows; row++, p += stride) sum += load<f64>(p);
    store<f32>(y, <f32>(sum * scale));
  }
}

/** y = Row.of over the middle axis, one row after the other; T of 4 bytes. */
function fold<Row, T>(x: usize, y: usize, outer: i32, n: i32, inner: i32): void {
  const row = changetype<Row>(0);
  const bytes = inner << 2;
  for (; outer > 0; outer--) {
    if (inner == 1) {
      store<T>(y, foldRun<Row, T>(x, n));
      x += n << 2;
    } else {
      memory.copy(y, x, bytes);
      x += bytes;
      for (let i = 1; i < n; i++) {
        for (let left = inner, p = y; left > 0; left -= 4) {
          storeUpTo4<T>(p, row.of(loadUpTo4<T>(p, left), loadUpTo4<T>(x, left)), left);
          x += lesser(left, 4) << 2;
          p += 16;
        }
      }
    }
    y += bytes;
  }
}

function foldRun<Row, T>(x: usize, n: i32): T {
  const row = changetype<Row>(0);
  let v = v128.load_splat<u32>(x);
  let i = 1;
  if (n >= 8) {
    v = v128.load(x);
    let w = v128.load(x, 16);
    for (i = 8; i + 8 <= n; i += 8) {
      v = row.of(v, v128.load(x + (i << 2)));
      w = row.of(w, v128.load(x + (i << 2), 16));
    }
    v = row.of(v, w);
    v = row.of(v, i32x4.shuffle(v, v, 2, 3, 2, 3));
    v = row.of(v, i32x4.shuffle(v, v, 1, 1, 1, 1));
  }
  for (; i < n; i++) v = row.of(v, v128.load_splat<u32>(x + (i << 2)));
  return v128.extract_lane<T>(v, 0);
}

class Add<T> { of(a: v128, b: v128): v128 { return v128.add<T>(a, b); } }
class Mul<T> { of(a: v128, b: v128): v128 { return v128.mul<T>(a, b); } }
class Max<T> { of(a: v128, b: v128): v128 { return v128.max<T>(a, b); } }
class Min<T> { of(a: v128, b: v128): v128 { return v128.min<T>(a, b); } }

/** y = Σ x over the middle axis, int32, wrapping. */
export function sumI32(x: usize, y: usize, outer: i32, n: i32, inner: i32): void {
  fold<Add<i32>, i32>(x, y, outer, n, inner);
}

/** y = Π x over the middle axis, float32. */
export function prod(x: usize, y: usize, outer: i32, n: i32, inner: i32): void {
  fold<Mul<f32>, f32>(x, y, outer, n, inner);
}

/** y = Π x over the middle axis, int32, wrapping. */
export function prodI32(x: usize, y: usize, outer: i32, n: i32, inner: i32): void {
  fold<Mul<i32>, i32>(x, y, outer, n, inner);
}

/** y = max x over the middle axis, float32; NaN if any is. */
export function max(x: usize, y: usize, outer: i32, n: i32, inner: i32): void {
  fold<Max<f32>, f32>(x, y, outer, n, inner);
}

/** y = max x over the middle axis, int32. */
export function maxI32(x: usize, y: usize, outer: i32, n: i32, inner: i32): void {
  fold<Max<i32>, i32>(x, y, outer, n, inner);
}

/** y = min x over the middle axis, float32; NaN if any is. */
export function min(x: usize, y: usize, outer: i32, n: i32, inner: i32): void {
  fold<Min<f32>, f32>(x, y, outer, n, inner);
}

/** y = min x over the middle axis, int32. */
export function minI32(x: usize, y: usize, outer: i32, n: i32, inner: i32): void {
  fold<Min<i32>, i32>(x, y, outer, n, inner);
}

/** y = 1 where all bytes along the middle axis are 1, else 0. */
export function all(x: usize, y: usize, outer: i32, n: i32, inner: i32): void {
  for (; outer > 0; outer--) {
    memory.copy(y, x, inner);
    for (let row = 1; row < n; row++) {
      for (let i = 0; i < inner; i++) store<u8>(y + i, load<u8>(y + i) & load<u8>(x + row * inner + i));
    }
    x += n * inner;
    y += inner;
  }
}

/** y = 1 where any byte along the middle axis is 1, else 0. */
export function any(x: usize, y: usize, outer: i32, n: i32, inner: i32): void {
  for (; outer > 0; outer--) {
    memory.copy(y, x, inner);
    for (let row = 1; row < n; row++) {
      for (let i = 0; i < inner; i++) store<u8>(y + i, load<u8>(y + i) | load<u8>(x + row * inner + i));
    }
    x += n * inner;
    y += inner;
  }
}

/** y = position of the first greatest (sign = 1) or least (sign = -1) along the middle axis, NaN passed over. */
function argExtreme<T>(x: usize, y: usize, outer: i32, n: i32, inner: i32, sign: T): void {
  for (; outer > 0; outer--) {
    for (let i = 0; i < inner; i++) {
      let p = x + (i << 2);
      let best = <T>(load<T>(p) * sign);
      let at = 0;
      for (let row = 1; row < n; row++) {
        p += inner << 2;
        const value = <T>(load<T>(p) * sign);
        if (value > best) {
          best = value;
          at = row;
        }
      }
      store<i32>(y, at);
      y += 4;
    }
    x += (n * inner) << 2;
  }
}

/** y = position (int32) of the first greatest float32 along the middle axis. */
export function argMax(x: usize, y: usize, outer: i32, n: i32, inner: i32): void {
  argExtreme<f32>(x, y, outer, n, inner, 1);
}

/** y = position (int32) of the first least float32 along the middle axis. */
export function argMin(x: usize, y: usize, outer: i32, n: i32, inner: i32): void {
  argExtreme<f32>(x, y, outer, n, inner, -1);
}

/** y = position (int32) of the first greatest int32 along the middle axis. */
export function argMaxI32(x: usize, y: usize, outer: i32, n: i32, inner: i32): void {
  argExtreme<i32>(x, y, outer, n, inner, 1);
}

/** y = position (int32) of the first least int32 along the middle axis. */
export function argMinI32(x: usize, y: usize, outer: i32, n: i32, inner: i32): void {
  argExtreme<i32>(x, y, outer, n, inner, -1);
}
