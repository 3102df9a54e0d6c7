/** (2x − 255)/255 for four int32: exactly −1 for 0 and 1 for 255. */
function unit(x: v128): v128 {
  const centred = i32x4.sub(i32x4.shl(x, 1), i32x4.splat(255));
  return f32x4.div(f32x4.convert_i32x4_s(centred), f32x4.splat(255));
}

function unitRow(x: usize, y: usize, n: i32): void {
  const end = x + n;
  for (; x + 8 <= end; x += 8, y += 32) {
    const wide = v128.load_ext<u8>(x);
    v128.store(y, unit(i32x4.extend_low_i16x8_u(wide)));
    v128.store(y, unit(i32x4.extend_high_i16x8_u(wide)), 16);
  }
  for (; x < end; x++, y += 4) store<f32>(y, <f32>((<i32>load<u8>(x) << 1) - 255) / 255);
}

/**
 * y = x/127.5 − 1 for x uint8 [n, h, w, c], y float32 of that shape, with picture i flipped left to right
 * where the byte mirror[i] is not 0; mirror may be 0 (none is).
 */
export function imageBatch(x: usize, mirror: usize, y: usize, n: i32, h: i32, w: i32, c: i32): void {
  const row = w * c;
  for (let i = 0; i < n; i++) {
    if (!mirror || !load<u8>(mirror + i)) {
      unitRow(x, y, h * row);
      x += h * row;
      y += <usize>(h * row) << 2;
      continue;
    }
    for (let j = 0; j < h; j++, x += row) {
      for (let k = w - 1; k >= 0; k--) {
        for (let channel = 0; channel < c; channel++, y += 4) {
          store<f32>(y, <f32>((<i32>load<u8>(x + k * c + channel) << 1) - 255) / 255);
        }
      }
    }
  }
}

/** (x + 1)·127.5 + ½ towards zero, as four int32 still to be clamped. */
function level(x: v128): v128 {
  const scaled = f32x4.mul(f32x4.add(x, f32x4.splat(1)), f32x4.splat(127.5));
  return i32x4.trunc_sat_f32x4_s(f32x4.add(scaled, f32x4.splat(0.5)));
}

/** y = (x + 1)·127.5 for n float32, rounded half up and clamped to 0-255; NaN gives 0. */
export function imageBytes(x: usize, y: usize, n: i32): void {
  const end = y + n;
  for (; y + 16 <= end; x += 64, y += 16) {
    const low = i16x8.narrow_i32x4_s(level(v128.load(x)), level(v128.load(x, 16)));
    const high = i16x8.narrow_i32x4_s(level(v128.load(x, 32)), level(v128.load(x, 48)));
    v128.store(y, i8x16.narrow_i16x8_u(low, high));
  }
  for (; y < end; x += 4, y++) {
    const scaled = i32x4.extract_lane(level(f32x4.splat(load<f32>(x))), 0);
    store<u8>(y, min(max(scaled, 0), 255));
  }
}

/**
 * y[i, j, k] = x[i, j − s·shift[i, 0], k − s·shift[i, 1]] for x, y float32 [n, h, w, c], shift int32 [n, 2] and
 * s = direction (1 or −1); zero where that is outside of x. y aliases nothing.
 */
export function translate(
  x: usize,
  shift: usize,
  y: usize,
  n: i32,
  h: i32,
  w: i32,
  c: i32,
  direction: i32,
): void {
  const pixel = <usize>c << 2;
  const row = <usize>w * pixel;
  memory.fill(y, 0, <usize>(n * h) * row);
  for (let i = 0; i < n; i++, x += <usize>h * row, y += <usize>h * row) {
    // Clamped, so that no shift overflows; past the edge nothing is left anyway.
    const dy = direction * min(max(load<i32>(shift + (<usize>i << 3)), -h), h);
    const dx = direction * min(max(load<i32>(shift + (<usize>i << 3), 4), -w), w);
    const width = <usize>(w - abs(dx)) * pixel;
    const from = x + <usize>max(-dx, 0) * pixel;
    const to = y + <usize>max(dx, 0) * pixel;
    for (let j = max(dy, 0); j < h + min(dy, 0); j++) {
      memory.copy(to + <usize>j * row, from + <usize>(j - dy) * row, width);
    }
  }
}
