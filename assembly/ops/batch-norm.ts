import { madd } from "../lib/simd";

/**
 * y = (x − mean)·scale/√(variance + epsilon) + offset for x [rows, c] and the others [c]. scale and offset may
 * be 0 (none). y may be x. `workspace` holds c float32.
 */
export function batchNorm(
  x: usize,
  mean: usize,
  variance: usize,
  offset: usize,
  scale: usize,
  y: usize,
  rows: i32,
  c: i32,
  epsilon: f32,
  workspace: usize,
): void {
  const bytes = <usize>c << 2;
  for (let at: usize = 0; at < bytes; at += 4) {
    const gain = <f32>1 / sqrt(load<f32>(variance + at) + epsilon);
    store<f32>(workspace + at, scale ? gain * load<f32>(scale + at) : gain);
  }
  const zero = f32x4.splat(0);
  for (let row = 0; row < rows; row++, x += bytes, y += bytes) {
    let at: usize = 0;
    for (; at + 16 <= bytes; at += 16) {
      const centred = f32x4.sub(v128.load(x + at), v128.load(mean + at));
      v128.store(y + at, madd(centred, v128.load(workspace + at), offset ? v128.load(offset + at) : zero));
    }
    for (; at < bytes; at += 4) {
      const centred = load<f32>(x + at) - load<f32>(mean + at);
      store<f32>(y + at, centred * load<f32>(workspace + at) + (offset ? load<f32>(offset + at) : 0));
    }
  }
}
