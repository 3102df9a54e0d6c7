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
