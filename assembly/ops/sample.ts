// Bilinear sampling of pictures x [batch, height, width, channels] at positions at [1 or batch, pixels, 2], each a
// column and a row in pixels, to y [batch, pixels, channels]; zeros beyond the picture, and for positions that are
// no numbers. The two neighbours along an axis weigh 1 - f and f, f the position's fraction, or -1 and 1 where
// `slopes` has the axis' bit (1: columns, 2: rows): the derivative by that coordinate, from the right at a kink.
// `geometry` points to six int32: batch, height, width, channels, pixels, pictures in at.
import { addScaled } from "../lib/copy";

/** y from x and at. */
export function sample(y: usize, x: usize, at: usize, geometry: usize, slopes: i32): void {
  memory.fill(y, 0, (<usize>load<i32>(geometry) * load<i32>(geometry, 16) * load<i32>(geometry, 12)) << 2);
  eachCorner(y, x, at, geometry, slopes, 0);
}

/** The adjoint of `sample` in x: dx from dy and at. */
export function sampleAdjoint(dx: usize, dy: usize, at: usize, geometry: usize, slopes: i32): void {
  const area = load<i32>(geometry, 4) * load<i32>(geometry, 8);
  memory.fill(dx, 0, (<usize>load<i32>(geometry) * area * load<i32>(geometry, 12)) << 2);
  eachCorner(dy, dx, at, geometry, slopes, 1);
}

function eachCorner(y: usize, x: usize, at: usize, geometry: usize, slopes: i32, adjoint: i32): void {
  const batch = load<i32>(geometry), height = load<i32>(geometry, 4), width = load<i32>(geometry, 8);
  const channels = load<i32>(geometry, 12), pixels = load<i32>(geometry, 16);
  const shared = load<i32>(geometry, 20) == 1;
  const pixel = <usize>channels << 2;
  for (let b = 0; b < batch; b++, x += <usize>height * width * pixel) {
    let position = shared ? at : at + (<usize>b * pixels << 3);
    for (let i = 0; i < pixels; i++, y += pixel, position += 8) {
      const col = load<f32>(position), row = load<f32>(position, 4);
      if (!(col > -1 && col < <f32>width && row > -1 && row < <f32>height)) continue;
      const left = <i32>Mathf.floor(col), top = <i32>Mathf.floor(row);
      const right: f32 = slopes & 1 ? 1 : col - <f32>left;
      const bottom: f32 = slopes & 2 ? 1 : row - <f32>top;
      if (channels == 3 && left >= 0 && top >= 0 && left + 1 < width && top + 1 < height) {
        const before: f32 = slopes & 1 ? -1 : 1 - right, above: f32 = slopes & 2 ? -1 : 1 - bottom;
        const upper = x + <usize>(top * width + left) * 12, lower = upper + <usize>width * 12;
        if (adjoint) {
          const dy = load3(y);
          add3(upper, dy, before * above);
          add3(upper + 12, dy, right * above);
          add3(lower, dy, before * bottom);
          add3(lower + 12, dy, right * bottom);
        } else {
          let sum = f32x4.mul(f32x4.splat(before * above), load3(upper));
          sum = f32x4.add(sum, f32x4.mul(f32x4.splat(right * above), load3(upper + 12)));
          sum = f32x4.add(sum, f32x4.mul(f32x4.splat(before * bottom), load3(lower)));
          store3(y, f32x4.add(sum, f32x4.mul(f32x4.splat(right * bottom), load3(lower + 12))));
        }
        continue;
      }
      for (let corner = 0; corner < 4; corner++) {
        const c = left + (corner & 1), r = top + (corner >> 1);
        if (c < 0 || c >= width || r < 0 || r >= height) continue;
        const horizontal = corner & 1 ? right : slopes & 1 ? -1 : 1 - right;
        const vertical = corner >> 1 ? bottom : slopes & 2 ? -1 : 1 - bottom;
        const weight = horizontal * vertical;
        if (weight == 0) continue;
        const to = x + <usize>(r * width + c) * pixel;
        if (adjoint) addScaled(to, y, channels, weight);
        else addScaled(y, to, channels, weight);
      }
    }
  }
}

// Three channels at a time, the usual number of a picture.

function load3(from: usize): v128 {
  return v128.load32_lane(from, v128.load64_zero(from), 2, 8);
}

function store3(to: usize, value: v128): void {
  v128.store64_lane(to, value, 0);
  v128.store32_lane(to, value, 2, 8);
}

function add3(to: usize, value: v128, weight: f32): void {
  store3(to, f32x4.add(load3(to), f32x4.mul(f32x4.splat(weight), value)));
}
