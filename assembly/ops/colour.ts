/**
 * Per picture, y = k·s·x + k·(1-s)·m + (1-k)·M + b: m the pixel's mean over channels, M the picture's mean.
 *
 * x, y: float32 [n, pixels, channels], y may be x. factors: float32 [n, 3], rows (b, s, k), b counted
 * `brightness` times (1, or 0 for the linear part alone).
 */
export function colour(
  x: usize,
  factors: usize,
  y: usize,
  n: i32,
  pixels: i32,
  channels: i32,
  brightness: f32,
): void {
  const pixelBytes = (<usize>channels) << 2;
  const pictureBytes = (<usize>pixels) * pixelBytes;
  const perChannel: f32 = <f32>1 / <f32>channels;
  for (let i = 0; i < n; i++) {
    const b = load<f32>(factors) * brightness;
    const s = load<f32>(factors, 4);
    const k = load<f32>(factors, 8);
    const end = x + pictureBytes;
    let total: f64 = 0;
    for (let p = x; p < end; p += 4) total += <f64>load<f32>(p);
    const shift = ((<f32>1) - k) * <f32>(total / <f64>(pixels * channels)) + b;
    const own = k * s;
    const grey = k * ((<f32>1) - s) * perChannel;
    while (x < end) {
      const next = x + pixelBytes;
      let sum: f32 = 0;
      for (let p = x; p < next; p += 4) sum += load<f32>(p);
      const level = grey * sum + shift;
      for (; x < next; x += 4, y += 4) store<f32>(y, own * load<f32>(x) + level);
    }
    factors += 12;
  }
}
