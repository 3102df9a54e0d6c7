import { madd } from "../lib/simd";

/**
 * One Adam step (Kingma & Ba 2014, arXiv 1412.6980) in place over n float32:
 * m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g², p ← p − rate·m/(√v·correction + epsilon), where
 * rate = learning rate/(1 − β₁ᵗ) and correction = 1/√(1 − β₂ᵗ). p, m, v, g alias nothing.
 */
export function adam(
  p: usize,
  m: usize,
  v: usize,
  g: usize,
  n: i32,
  rate: f32,
  correction: f32,
  beta1: f32,
  beta2: f32,
  rest1: f32,
  rest2: f32,
  epsilon: f32,
): void {
  const b1 = f32x4.splat(beta1);
  const b2 = f32x4.splat(beta2);
  const r1 = f32x4.splat(rest1);
  const r2 = f32x4.splat(rest2);
  const e = f32x4.splat(epsilon);
  const c = f32x4.splat(correction);
  const step = f32x4.splat(rate);
  const end = p + (<usize>n << 2);
  for (; p + 16 <= end; p += 16, m += 16, v += 16, g += 16) {
    const slope = v128.load(g);
    const first = madd(b1, v128.load(m), f32x4.mul(r1, slope));
    const second = madd(b2, v128.load(v), f32x4.mul(r2, f32x4.mul(slope, slope)));
    v128.store(m, first);
    v128.store(v, second);
    const size = madd(f32x4.sqrt(second), c, e);
    v128.store(p, f32x4.sub(v128.load(p), f32x4.div(f32x4.mul(step, first), size)));
  }
  for (; p < end; p += 4, m += 4, v += 4, g += 4) {
    const slope = load<f32>(g);
    const first = beta1 * load<f32>(m) + rest1 * slope;
    const second = beta2 * load<f32>(v) + rest2 * (slope * slope);
    store<f32>(m, first);
    store<f32>(v, second);
    store<f32>(p, load<f32>(p) - (rate * first) / (sqrt(second) * correction + epsilon));
  }
}

/** average ← decay·average + rest·value in place over n float32; rest = 1 − decay. */
export function ema(average: usize, value: usize, n: i32, decay: f32, rest: f32): void {
  const d = f32x4.splat(decay);
  const r = f32x4.splat(rest);
  const end = average + (<usize>n << 2);
  for (; average + 16 <= end; average += 16, value += 16) {
    v128.store(average, madd(d, v128.load(average), f32x4.mul(r, v128.load(value))));
  }
  for (; average < end; average += 4, value += 4) {
    store<f32>(average, decay * load<f32>(average) + rest * load<f32>(value));
  }
}

/**
 * average ← decay·average + rest·mean of `values` [groups, n] over the groups, in place over n float32;
 * rest = 1 − decay.
 */
export function emaOfMeans(average: usize, values: usize, groups: i32, n: i32, decay: f32, rest: f32): void {
  const stride = <usize>n << 2;
  for (let i = 0; i < n; i++, average += 4, values += 4) {
    let total: f64 = 0;
    let p = values;
    for (let group = 0; group < groups; group++, p += stride) total += <f64>load<f32>(p);
    store<f32>(average, decay * load<f32>(average) + rest * <f32>(total / <f64>groups));
  }
}

/** Elements that a unit of a table works on at a time: weights, moments and average stay in the L1 cache. */
const stripElements: i32 = 1024;

/**
 * Adam steps and averages over the rows of a table; a unit is one row. It holds int32: addresses of p, m, v, g,
 * average, undo, the number of elements, and one that is unused. Without m a row is only averaged, without
 * average only stepped. Where there is an undo, p, m and v as they were are written there, end to end. For the
 * formulas and the scalars see `adam` and `ema`, whose bits this gives.
 */
export function adamSteps(
  table: usize, rate: f32, correction: f32, beta1: f32, beta2: f32, rest1: f32, rest2: f32, epsilon: f32,
  decay: f32, rest: f32, _scratch: usize, from: i32, to: i32,
): void {
  for (let unit = from; unit < to; unit++) {
    const row = table + (<usize>unit << 5);
    const p = <usize>load<u32>(row);
    const m = <usize>load<u32>(row, 4);
    const v = <usize>load<u32>(row, 8);
    const g = <usize>load<u32>(row, 12);
    const average = <usize>load<u32>(row, 16);
    const undo = <usize>load<u32>(row, 20);
    const n = load<i32>(row, 24);
    const plane = <usize>n << 2;
    for (let i = 0; i < n; i += stripElements) {
      const at = <usize>i << 2;
      const count = min(stripElements, n - i);
      if (undo) {
        const bytes = <usize>count << 2;
        memory.copy(undo + at, p + at, bytes);
        memory.copy(undo + plane + at, m + at, bytes);
        memory.copy(undo + (plane << 1) + at, v + at, bytes);
      }
      if (m) {
        adam(p + at, m + at, v + at, g + at, count, rate, correction, beta1, beta2, rest1, rest2, epsilon);
      }
      if (average) ema(average + at, p + at, count, decay, rest);
    }
  }
}

/** Puts back what `adamSteps` wrote to the undo of the same table. */
export function adamRestore(table: usize, _scratch: usize, from: i32, to: i32): void {
  for (let unit = from; unit < to; unit++) {
    const row = table + (<usize>unit << 5);
    const undo = <usize>load<u32>(row, 20);
    const plane = <usize>load<i32>(row, 24) << 2;
    if (undo == 0) continue;
    memory.copy(<usize>load<u32>(row), undo, plane);
    memory.copy(<usize>load<u32>(row, 4), undo + plane, plane);
    memory.copy(<usize>load<u32>(row, 8), undo + (plane << 1), plane);
  }
}
