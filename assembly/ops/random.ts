import { threefry4 } from "../lib/threefry";

// Both kernels write element n of an endless sequence from the counter ⌊n/2⌋ (64 bits, low word first), eight
// elements of four counters at a time. No fused multiply-add anywhere, so that all builds give the same bits.

/** The words of four counters from (low, high) on; see threefry4 for `out`. */
function block(low: i32, high: i32, key0: i32, key1: i32, out: usize): void {
  const first = i32x4.splat(low);
  const counter = i32x4.add(first, i32x4(0, 1, 2, 3));
  // All ones (−1) in the lanes whose low word went past 2³².
  const carry = v128.lt<u32>(counter, first);
  threefry4(counter, i32x4.sub(i32x4.splat(high), carry), key0, key1, out);
}

/** Stores elements [at, at + 8) of y[n], leaving out those outside of it; `spare` holds 32 bytes. */
function storePairs(y: usize, n: i32, at: i32, even: v128, odd: v128, spare: usize): void {
  const inside = at >= 0 && at + 8 <= n;
  const to = inside ? y + (<usize>at << 2) : spare;
  v128.store(to, v128.shuffle<i32>(even, odd, 0, 4, 1, 5));
  v128.store(to, v128.shuffle<i32>(even, odd, 2, 6, 3, 7), 16);
  if (inside) return;
  const from = max(at, 0);
  const end = min(at + 8, n);
  memory.copy(y + (<usize>from << 2), spare + (<usize>(from - at) << 2), <usize>(end - from) << 2);
}

/**
 * y[i] = low + (high − low)·u for n float32, u in [0, 1) from the upper 24 bits of a word: element i is word
 * (i + odd) mod 2 of the counter (counterLow, counterHigh) + ⌊(i + odd)/2⌋. `workspace` holds 64 bytes.
 */
export function randomUniform(
  y: usize,
  n: i32,
  key0: i32,
  key1: i32,
  counterLow: i32,
  counterHigh: i32,
  odd: i32,
  low: f32,
  range: f32,
  workspace: usize,
): void {
  const scale = f32x4.splat(range * <f32>(1.0 / 16777216.0));
  const start = f32x4.splat(low);
  let counter = <u64>(<u32>counterLow) | (<u64>(<u32>counterHigh) << 32);
  for (let at = -odd; at < n; at += 8, counter += 4) {
    block(<i32>counter, <i32>(counter >> 32), key0, key1, workspace);
    const a = f32x4.convert_i32x4_s(i32x4.shr_u(v128.load(workspace), 8));
    const b = f32x4.convert_i32x4_s(i32x4.shr_u(v128.load(workspace, 16), 8));
    storePairs(
      y,
      n,
      at,
      f32x4.add(start, f32x4.mul(scale, a)),
      f32x4.add(start, f32x4.mul(scale, b)),
      workspace + 32,
    );
  }
}

// Minimax polynomials of the Cephes library (Moshier): ln(1 + f) for f in [√½ − 1, √2 − 1], sine and cosine
// on [−π/4, π/4]. Highest power first.
const logCoefficients = memory.data<f32>([
  7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
  2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
]);
const sinCoefficients = memory.data<f32>([-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1]);
const cosCoefficients = memory.data<f32>([2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2]);

/** Σ coefficients[k]·x^(count − 1 − k). */
function polynomial(x: v128, coefficients: usize, count: i32): v128 {
  let sum = v128.load32_splat(coefficients);
  for (let k = 1; k < count; k++) {
    sum = f32x4.add(f32x4.mul(sum, x), v128.load32_splat(coefficients + (<usize>k << 2)));
  }
  return sum;
}

/** ln(x) for normal x > 0; at most 2 units in the last place. Not lib/math's, whose bits the build decides. */
function logarithm(x: v128): v128 {
  // x = m·2^e with m in [√½, √2).
  const bits = i32x4.sub(x, i32x4.splat(0x3f3504f3));
  const e = f32x4.convert_i32x4_s(i32x4.shr_s(bits, 23));
  const mantissa = v128.and(bits, i32x4.splat(0x007fffff));
  const f = f32x4.sub(i32x4.add(mantissa, i32x4.splat(0x3f3504f3)), f32x4.splat(1));
  const z = f32x4.mul(f, f);
  let y = f32x4.mul(f32x4.mul(f, z), polynomial(f, logCoefficients, 9));
  // ln 2 in two parts, the first exact in few bits.
  y = f32x4.add(y, f32x4.mul(e, f32x4.splat(-2.12194440e-4)));
  y = f32x4.sub(y, f32x4.mul(z, f32x4.splat(0.5)));
  return f32x4.add(f32x4.add(f, y), f32x4.mul(e, f32x4.splat(0.693359375)));
}

/**
 * y[i] = mean + std·z for n float32, z standard normal by Box and Muller (1958) from a counter's two words w₀,
 * w₁: √(−2 ln u)·cos(2πv) for an even element, ·sin(2πv) for an odd one, u = (w₀ + ½)/2³² rounded to float32,
 * v = w₁/2³². Counters as in randomUniform. |z| ≤ 6.8; error below 1e-6·(1 + |z|). `workspace` holds 64 bytes.
 */
export function randomNormal(
  y: usize,
  n: i32,
  key0: i32,
  key1: i32,
  counterLow: i32,
  counterHigh: i32,
  odd: i32,
  mean: f32,
  std: f32,
  workspace: usize,
): void {
  const scale = f32x4.splat(std);
  const start = f32x4.splat(mean);
  let counter = <u64>(<u32>counterLow) | (<u64>(<u32>counterHigh) << 32);
  for (let at = -odd; at < n; at += 8, counter += 4) {
    block(<i32>counter, <i32>(counter >> 32), key0, key1, workspace);
    const w = v128.load(workspace, 16);

    const words = f32x4.convert_i32x4_u(v128.load(workspace));
    const u = f32x4.mul(f32x4.add(words, f32x4.splat(0.5)), f32x4.splat(2.3283064365386963e-10));
    const radius = f32x4.sqrt(f32x4.mul(logarithm(u), f32x4.splat(-2)));

    // The angle's nearest quarter turn is found on the integer, exactly; what is left is in [−π/4, π/4].
    const quarter = i32x4.shr_u(i32x4.add(w, i32x4.splat(1 << 29)), 30);
    const rest = i32x4.sub(w, i32x4.shl(quarter, 30));
    const angle = f32x4.mul(f32x4.convert_i32x4_s(rest), f32x4.splat(1.4629180792671596e-9));
    const z = f32x4.mul(angle, angle);
    const sin = f32x4.add(angle, f32x4.mul(f32x4.mul(angle, z), polynomial(z, sinCoefficients, 3)));
    const cos = f32x4.add(
      f32x4.sub(f32x4.splat(1), f32x4.mul(z, f32x4.splat(0.5))),
      f32x4.mul(f32x4.mul(z, z), polynomial(z, cosCoefficients, 3)),
    );
    // A quarter turn swaps the two; the signs are bit 1 of quarter + 1 (cosine) and of quarter (sine).
    const swap = i32x4.ne(v128.and(quarter, i32x4.splat(1)), i32x4.splat(0));
    const one = i32x4.splat(1);
    const cosSign = i32x4.shl(i32x4.shr_u(i32x4.add(quarter, one), 1), 31);
    const sinSign = i32x4.shl(i32x4.shr_u(quarter, 1), 31);
    const even = f32x4.mul(radius, v128.xor(v128.bitselect(sin, cos, swap), cosSign));
    const odd4 = f32x4.mul(radius, v128.xor(v128.bitselect(cos, sin, swap), sinSign));
    storePairs(
      y,
      n,
      at,
      f32x4.add(start, f32x4.mul(scale, even)),
      f32x4.add(start, f32x4.mul(scale, odd4)),
      workspace + 32,
    );
  }
}
