import { addRun } from "../lib/copy";
import { field, Thin } from "../lib/conv2d-program";
import { madd } from "../lib/simd";

// A pointwise convolution with one to three channels on one side: too few to fill a tile's columns or to pay
// for packing, so the other side's channels are the lanes. Names: `wide` [pixels, length] has the many channels,
// `thin` [pixels, count] the few, planes [count][length] the weights between them; length is a multiple of 8.

/** One sum a vector: [Σa, Σb, Σc, Σd]. */
function sums4(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 4, 1, 5), v128.shuffle<f32>(a, b, 2, 6, 3, 7));
  const cd = f32x4.add(v128.shuffle<f32>(c, d, 0, 4, 1, 5), v128.shuffle<f32>(c, d, 2, 6, 3, 7));
  return f32x4.add(v128.shuffle<f32>(ab, cd, 0, 1, 4, 5), v128.shuffle<f32>(ab, cd, 2, 3, 6, 7));
}

/** Σ x_i[k]·w[k] over `bytes` of k, for four pixels. */
function dots4(x0: usize, x1: usize, x2: usize, x3: usize, w: usize, bytes: usize): v128 {
  let a0 = f32x4.splat(0);
  let b0 = a0;
  let a1 = a0;
  let b1 = a0;
  let a2 = a0;
  let b2 = a0;
  let a3 = a0;
  let b3 = a0;
  // Pointers that move: x_i + k at each use is slower (23 instead of 27 GFLOP/s).
  for (const end = w + bytes; w < end; w += 32) {
    const v = v128.load(w);
    const u = v128.load(w, 16);
    a0 = madd(v128.load(x0), v, a0);
    b0 = madd(v128.load(x0, 16), u, b0);
    a1 = madd(v128.load(x1), v, a1);
    b1 = madd(v128.load(x1, 16), u, b1);
    a2 = madd(v128.load(x2), v, a2);
    b2 = madd(v128.load(x2, 16), u, b2);
    a3 = madd(v128.load(x3), v, a3);
    b3 = madd(v128.load(x3, 16), u, b3);
    x0 += 32;
    x1 += 32;
    x2 += 32;
    x3 += 32;
  }
  return sums4(f32x4.add(a0, b0), f32x4.add(a1, b1), f32x4.add(a2, b2), f32x4.add(a3, b3));
}

/** y_i[k] = Σ d_i[n]·w[n][k] over n < count, for two pixels and `bytes` of k; planes are `plane` bytes apart. */
function spread2(y0: usize, y1: usize, d0: usize, d1: usize, w: usize, plane: usize, bytes: usize, count: i32): void {
  const second = (<usize>min(1, count - 1)) << 2;
  const third = (<usize>min(2, count - 1)) << 2;
  const d00 = v128.load32_splat(d0);
  const d01 = v128.load32_splat(d0 + second);
  const d02 = v128.load32_splat(d0 + third);
  const d10 = v128.load32_splat(d1);
  const d11 = v128.load32_splat(d1 + second);
  const d12 = v128.load32_splat(d1 + third);
  for (const end = w + bytes; w < end; w += 32, y0 += 32, y1 += 32) {
    let v = v128.load(w);
    let u = v128.load(w, 16);
    let a0 = f32x4.mul(d00, v);
    let b0 = f32x4.mul(d00, u);
    let a1 = f32x4.mul(d10, v);
    let b1 = f32x4.mul(d10, u);
    if (count > 1) {
      v = v128.load(w + plane);
      u = v128.load(w + plane, 16);
      a0 = madd(d01, v, a0);
      b0 = madd(d01, u, b0);
      a1 = madd(d11, v, a1);
      b1 = madd(d11, u, b1);
    }
    if (count > 2) {
      v = v128.load(w + 2 * plane);
      u = v128.load(w + 2 * plane, 16);
      a0 = madd(d02, v, a0);
      b0 = madd(d02, u, b0);
      a1 = madd(d12, v, a1);
      b1 = madd(d12, u, b1);
    }
    v128.store(y0, a0);
    v128.store(y0, b0, 16);
    v128.store(y1, a1);
    v128.store(y1, b1, 16);
  }
}

/** sums[k] += Σ x_i[k]·d_i over four pixels, for `bytes` of k. */
function collect4(
  sums: usize,
  x0: usize,
  x1: usize,
  x2: usize,
  x3: usize,
  d0: v128,
  d1: v128,
  d2: v128,
  d3: v128,
  bytes: usize,
): void {
  for (const end = sums + bytes; sums < end; sums += 32) {
    let a = madd(v128.load(x0), d0, v128.load(sums));
    let b = madd(v128.load(x0, 16), d0, v128.load(sums, 16));
    a = madd(v128.load(x1), d1, a);
    b = madd(v128.load(x1, 16), d1, b);
    a = madd(v128.load(x2), d2, a);
    b = madd(v128.load(x2, 16), d2, b);
    a = madd(v128.load(x3), d3, a);
    b = madd(v128.load(x3, 16), d3, b);
    v128.store(sums, a);
    v128.store(sums, b, 16);
    x0 += 32;
    x1 += 32;
    x2 += 32;
    x3 += 32;
  }
}

/** Bytes from one plane of weights to the next; they are read in place where channels of `wide` touch. */
function planeBytes(program: usize): usize {
  const step = field(program, field(program, Thin.LengthStep) == 1 ? Thin.CountStep : Thin.Length);
  return (<usize>step) << 2;
}

/** Copies the weights to planes in the workspace, where they do not lie so; one unit, no scratch. */
export function conv2dPackThin(
  y: usize,
  x: usize,
  filter: usize,
  program: usize,
  workspace: usize,
  scratch: usize,
  from: i32,
  to: i32,
): void {
  const lengthStep = (<usize>field(program, Thin.LengthStep)) << 2;
  const countStep = (<usize>field(program, Thin.CountStep)) << 2;
  let place = workspace;
  for (let n: usize = 0; n < <usize>field(program, Thin.Count); n++) {
    let weight = filter + n * countStep;
    for (const end = place + planeBytes(program); place < end; place += 4, weight += lengthStep) {
      store<f32>(place, load<f32>(weight));
    }
  }
}

/** The weights as planes. */
function planesOf(filter: usize, program: usize, workspace: usize): usize {
  return field(program, Thin.LengthStep) == 1 ? filter : workspace;
}

/**
 * Pointwise convolution to few channels, or input-gradient of one from few: y[p, n] = Σ x[p, k]·w[k, n].
 * y [pixels, count], x [pixels, length], filter, program and workspace as planConv2d says, after
 * conv2dPackThin where it says so. A unit is a block of pixels. y does not alias.
 */
export function conv2dThinDots(
  y: usize,
  x: usize,
  filter: usize,
  program: usize,
  workspace: usize,
  scratch: usize,
  from: i32,
  to: i32,
): void {
  const pixels = min(field(program, Thin.Pixels), to * field(program, Thin.Each));
  const count = field(program, Thin.Count);
  const bytes = (<usize>field(program, Thin.Length)) << 2;
  const thin = (<usize>count) << 2;
  const planes = planesOf(filter, program, workspace);
  const plane = planeBytes(program);
  for (let p = from * field(program, Thin.Each); p < pixels; p += 4) {
    const p1 = <usize>min(p + 1, pixels - 1);
    const p2 = <usize>min(p + 2, pixels - 1);
    const p3 = <usize>min(p + 3, pixels - 1);
    const x0 = x + <usize>p * bytes;
    const x1 = x + p1 * bytes;
    const x2 = x + p2 * bytes;
    const x3 = x + p3 * bytes;
    for (let n: usize = 0; n < <usize>count; n++) {
      const sums = dots4(x0, x1, x2, x3, planes + n * plane, bytes);
      const to = y + (n << 2);
      v128.store_lane<u32>(to + <usize>p * thin, sums, 0);
      v128.store_lane<u32>(to + p1 * thin, sums, 1);
      v128.store_lane<u32>(to + p2 * thin, sums, 2);
      v128.store_lane<u32>(to + p3 * thin, sums, 3);
    }
  }
}

/**
 * Pointwise convolution of few channels, or input-gradient of one to few: y[p, k] = Σ x[p, n]·w[n, k].
 * y [pixels, length], x [pixels, count], filter, program and workspace as planConv2d says, after
 * conv2dPackThin where it says so. A unit is a block of pixels. y does not alias.
 */
export function conv2dThinSpread(
  y: usize,
  x: usize,
  filter: usize,
  program: usize,
  workspace: usize,
  scratch: usize,
  from: i32,
  to: i32,
): void {
  const pixels = min(field(program, Thin.Pixels), to * field(program, Thin.Each));
  const count = field(program, Thin.Count);
  const bytes = (<usize>field(program, Thin.Length)) << 2;
  const thin = (<usize>count) << 2;
  const planes = planesOf(filter, program, workspace);
  const plane = planeBytes(program);
  for (let p = from * field(program, Thin.Each); p < pixels; p += 2) {
    const p0 = <usize>p;
    const p1 = <usize>min(p + 1, pixels - 1);
    spread2(y + p0 * bytes, y + p1 * bytes, x + p0 * thin, x + p1 * thin, planes, plane, bytes, count);
  }
}

/**
 * Filter-gradient of a pointwise convolution with few channels on one side: dFilter[k, n] = Σ x[p, k]·dy[p, n].
 * x and dy [pixels, ...], of which the program says which is wide; workspace as it says. A unit
 * is the sum over a block of pixels, for conv2dThinFilterSum.
 */
export function conv2dThinFilter(
  dFilter: usize,
  x: usize,
  dy: usize,
  program: usize,
  workspace: usize,
  scratch: usize,
  from: i32,
  to: i32,
): void {
  const count = field(program, Thin.Count);
  const bytes = (<usize>field(program, Thin.Length)) << 2;
  const thin = (<usize>count) << 2;
  const wide = field(program, Thin.InputIsThin) ? dy : x;
  const few = field(program, Thin.InputIsThin) ? x : dy;
  const each = field(program, Thin.Each);
  for (let unit = from; unit < to; unit++) {
    const pixels = min(field(program, Thin.Pixels), (unit + 1) * each);
    const sums = workspace + <usize>(unit * count) * bytes;
    memory.fill(sums, 0, <usize>count * bytes);
    for (let p = unit * each; p < pixels; p += 4) {
      const p1 = <usize>min(p + 1, pixels - 1);
      const p2 = <usize>min(p + 2, pixels - 1);
      const p3 = <usize>min(p + 3, pixels - 1);
      const x0 = wide + <usize>p * bytes;
      const x1 = wide + p1 * bytes;
      const x2 = wide + p2 * bytes;
      const x3 = wide + p3 * bytes;
      const whole = p + 4 <= pixels;
      for (let n: usize = 0; n < <usize>count; n++) {
        const d = few + (n << 2);
        const d0 = v128.load32_splat(d + <usize>p * thin);
        let d1 = v128.load32_splat(d + p1 * thin);
        let d2 = v128.load32_splat(d + p2 * thin);
        let d3 = v128.load32_splat(d + p3 * thin);
        if (!whole) {
          // What is past the end counts nothing.
          if (p + 1 == pixels) d1 = f32x4.splat(0);
          if (p + 2 >= pixels) d2 = f32x4.splat(0);
          d3 = f32x4.splat(0);
        }
        collect4(sums + n * bytes, x0, x1, x2, x3, d0, d1, d2, d3, bytes);
      }
    }
  }
}

/** Adds up the sums of conv2dThinFilter; one unit, no scratch. */
export function conv2dThinFilterSum(
  dFilter: usize,
  x: usize,
  dy: usize,
  program: usize,
  workspace: usize,
  scratch: usize,
  from: i32,
  to: i32,
): void {
  const count = field(program, Thin.Count);
  const length = field(program, Thin.Length);
  const each = field(program, Thin.Each);
  const bytes = (<usize>length) << 2;
  const lengthStep = (<usize>field(program, Thin.LengthStep)) << 2;
  const countStep = (<usize>field(program, Thin.CountStep)) << 2;
  const parts = (field(program, Thin.Pixels) + each - 1) / each;
  for (let part = 1; part < parts; part++) addRun(workspace, workspace + <usize>(part * count) * bytes, count * length);
  let sum = workspace;
  for (let n: usize = 0; n < <usize>count; n++) {
    let place = dFilter + n * countStep;
    for (const end = sum + bytes; sum < end; sum += 4, place += lengthStep) store<f32>(place, load<f32>(sum));
  }
}
