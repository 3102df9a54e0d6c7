// The three directions of a depthwise convolution stand together: they share nothing with the GEMM path, and
// each is a loop of its own over quartets of channels.
import { Program, Stage } from "../lib/conv2d-program";
import { copyFloats, pixelOffsets } from "../lib/pack";
import { field, pictureStep } from "../lib/pad";
import { madd } from "../lib/simd";

// Depthwise convolutions have no sum over channels, so channels are the vector lanes: every pixel is read as
// output channels padded to a multiple of 8 ("lanes"), each input channel repeated `multiplier` times.

/**
 * Copies one picture [height, width, channels] to [paddedHeight, paddedWidth, lanes]: shifted by `top` and
 * `left` (negative: cropped), each channel `repeat` times, zeros elsewhere.
 */
function spreadPicture(
  y: usize,
  x: usize,
  height: i32,
  width: i32,
  channels: i32,
  repeat: i32,
  top: i32,
  left: i32,
  paddedHeight: i32,
  paddedWidth: i32,
  lanes: i32,
): void {
  const pixel = (<usize>lanes) << 2;
  const whole = channels == lanes;
  const first = max(0, -left);
  const count = min(paddedWidth, left + width) - max(0, left);
  for (let row = 0; row < paddedHeight; row++, y += <usize>paddedWidth * pixel) {
    const inside = row >= top && row < top + height && count > 0;
    if (!inside || !whole || count < paddedWidth) memory.fill(y, 0, <usize>paddedWidth * pixel);
    if (!inside) continue;
    let from = x + ((<usize>(((row - top) * width + first) * channels)) << 2);
    let to = y + <usize>max(0, left) * pixel;
    if (whole) {
      memory.copy(to, from, <usize>count * pixel);
      continue;
    }
    for (let j = 0; j < count; j++, to += pixel) {
      if (repeat == 1) {
        copyFloats(to, from, channels);
        from += (<usize>channels) << 2;
        continue;
      }
      let lane = to;
      for (let c = 0; c < channels; c++, from += 4) {
        const value = load<f32>(from);
        for (let i = 0; i < repeat; i++, lane += 4) store<f32>(lane, value);
      }
    }
  }
}

/** The next block's pictures as the kernels below read them. */
function spreadBlock(program: usize, x: usize, pictures: i32, workspace: usize, repeat: i32): usize {
  if (field(program, Program.InPlace)) return x;
  const height = field(program, Program.SourceHeight);
  const width = field(program, Program.SourceWidth);
  const channels = field(program, Program.SourceChannels);
  const padded = workspace + field(program, Program.Padded);
  const step = (<usize>pictureStep(program)) << 2;
  for (let b = 0; b < pictures; b++) {
    spreadPicture(
      padded + <usize>b * step,
      x + ((<usize>(b * height * width * channels)) << 2),
      height,
      width,
      channels,
      repeat,
      field(program, Program.PadTop),
      field(program, Program.PadLeft),
      field(program, Program.PaddedHeight),
      field(program, Program.PaddedWidth),
      field(program, Program.Depth),
    );
  }
  return padded;
}

/** y_i[c] = Σ x_i[tap][c]·w[tap][c] for four pixels and 8 lanes; steps in bytes. */
function depthwiseTile(
  x0: usize,
  x1: usize,
  x2: usize,
  x3: usize,
  high: i32,
  stepHigh: usize,
  wide: i32,
  stepWide: usize,
  w: usize,
  stepW: usize,
  y0: usize,
  y1: usize,
  y2: usize,
  y3: usize,
): void {
  let c00 = f32x4.splat(0);
  let c01 = c00;
  let c10 = c00;
  let c11 = c00;
  let c20 = c00;
  let c21 = c00;
  let c30 = c00;
  let c31 = c00;
  const next = stepHigh - <usize>wide * stepWide;
  for (let r = 0; r < high; r++) {
    for (let s = 0; s < wide; s++) {
      const w0 = v128.load(w);
      const w1 = v128.load(w, 16);
      c00 = madd(v128.load(x0), w0, c00);
      c01 = madd(v128.load(x0, 16), w1, c01);
      c10 = madd(v128.load(x1), w0, c10);
      c11 = madd(v128.load(x1, 16), w1, c11);
      c20 = madd(v128.load(x2), w0, c20);
      c21 = madd(v128.load(x2, 16), w1, c21);
      c30 = madd(v128.load(x3), w0, c30);
      c31 = madd(v128.load(x3, 16), w1, c31);
      x0 += stepWide;
      x1 += stepWide;
      x2 += stepWide;
      x3 += stepWide;
      w += stepW;
    }
    x0 += next;
    x1 += next;
    x2 += next;
    x3 += next;
  }
  v128.store(y0, c00);
  v128.store(y0, c01, 16);
  v128.store(y1, c10);
  v128.store(y1, c11, 16);
  v128.store(y2, c20);
  v128.store(y2, c21, 16);
  v128.store(y3, c30);
  v128.store(y3, c31, 16);
}

/** One stage over a block of pictures. */
function depthwiseStage(
  y: usize,
  x: usize,
  offsets: usize,
  pixels: i32,
  stage: usize,
  weights: usize,
  written: i32,
  lanes: i32,
  edge: usize,
): void {
  const last = offsets + ((<usize>(pixels - 1)) << 3);
  const high = field(stage, Stage.TapsHigh);
  const wide = field(stage, Stage.TapsWide);
  const stepHigh = (<usize>field(stage, Stage.TapRowStep)) << 2;
  const stepWide = (<usize>field(stage, Stage.TapColumnStep)) << 2;
  const stepW = (<usize>lanes) << 2;
  for (let o = offsets; o <= last; o += 32) {
    const o1 = min(o + 8, last);
    const o2 = min(o + 16, last);
    const o3 = min(o + 24, last);
    let x0 = x + load<u32>(o);
    let x1 = x + load<u32>(o1);
    let x2 = x + load<u32>(o2);
    let x3 = x + load<u32>(o3);
    let y0 = y + load<u32>(o, 4);
    let y1 = y + load<u32>(o1, 4);
    let y2 = y + load<u32>(o2, 4);
    let y3 = y + load<u32>(o3, 4);
    let w = weights;
    for (let c = 0; c < written; c += 8) {
      const width = min(8, written - c);
      if (width == 8) {
        depthwiseTile(x0, x1, x2, x3, high, stepHigh, wide, stepWide, w, stepW, y0, y1, y2, y3);
      } else {
        const e1 = edge + 32;
        const e2 = edge + 64;
        const e3 = edge + 96;
        depthwiseTile(x0, x1, x2, x3, high, stepHigh, wide, stepWide, w, stepW, edge, e1, e2, e3);
        copyFloats(y0, edge, width);
        copyFloats(y1, e1, width);
        copyFloats(y2, e2, width);
        copyFloats(y3, e3, width);
      }
      x0 += 32;
      x1 += 32;
      x2 += 32;
      x3 += 32;
      y0 += 32;
      y1 += 32;
      y2 += 32;
      y3 += 32;
      w += 32;
    }
  }
}

/** Copies a stage's taps, in its order, to weights [tap][lanes]. */
function spreadTaps(weights: usize, filter: usize, program: usize, stage: usize, channels: i32, lanes: i32): void {
  for (let r = 0; r < field(stage, Stage.TapsHigh); r++) {
    const row = (field(stage, Stage.TapTop) + r * field(stage, Stage.TapTopStep)) * field(program, Program.FilterWidth);
    for (let s = 0; s < field(stage, Stage.TapsWide); s++, weights += (<usize>lanes) << 2) {
      const tap = row + field(stage, Stage.TapLeft) + s * field(stage, Stage.TapLeftStep);
      copyFloats(weights, filter + ((<usize>(tap * channels)) << 2), channels);
      memory.fill(weights + ((<usize>channels) << 2), 0, (<usize>(lanes - channels)) << 2);
    }
  }
}

/** y[c] = Σ x[c·fold + i], i < fold, for each of n pixels of `lanes` float32. */
function foldLanes(y: usize, x: usize, n: i32, channels: i32, fold: i32, lanes: i32): void {
  for (; n > 0; n--, x += (<usize>lanes) << 2) {
    let from = x;
    for (let c = 0; c < channels; c++, y += 4) {
      let sum: f32 = 0;
      for (let i = 0; i < fold; i++, from += 4) sum += load<f32>(from);
      store<f32>(y, sum);
    }
  }
}

/**
 * Depthwise convolution (groups = input channels, any multiplier), or its input-gradient by stages as in
 * conv2dRuns. y, x [batch, height, width, channels], filter [high, wide, 1, output channels]; program and
 * workspace as planConv2d wrote and counted them. y does not alias.
 */
export function conv2dDepthwise(y: usize, x: usize, filter: usize, program: usize, workspace: usize): void {
  const batch = field(program, Program.Batch);
  const stages = field(program, Program.Stages);
  const lanes = field(program, Program.Depth);
  const written = field(program, Program.Columns);
  const channels = field(program, Program.SourceChannels);
  const multiplier = field(program, Program.Multiplier);
  const block = field(program, Program.Pictures);
  const filterChannels = max(written, channels);
  // The gradient of a multiplied channel is the sum over its copies.
  const folds = written < channels;
  const picture = pictureStep(program);
  const destination = field(program, Program.DestinationSize);
  const source = field(program, Program.SourceHeight) * field(program, Program.SourceWidth) * channels;
  const first = program + (Program.Length << 2);
  const weights = workspace + field(program, Program.Panels);
  const scratch = workspace + field(program, Program.Scratch);
  let offsets = workspace + field(program, Program.Offsets);
  for (let i = 0; i < stages; i++) {
    const stage = first + ((<usize>(i * Stage.Length)) << 2);
    const height = field(stage, Stage.Height);
    const width = field(stage, Stage.Width);
    pixelOffsets(
      offsets,
      block,
      height,
      width,
      picture,
      field(stage, Stage.SourceRowStep),
      field(stage, Stage.SourceColumnStep),
      destination,
      field(stage, Stage.DestinationRowStep),
      field(stage, Stage.DestinationColumnStep),
    );
    offsets += (<usize>(block * height * width)) << 3;
    spreadTaps(weights + ((<usize>field(stage, Stage.Panels)) << 2), filter, program, stage, filterChannels, lanes);
  }
  for (let n = 0; n < batch; n += block) {
    const pictures = min(block, batch - n);
    const repeat = folds ? 1 : multiplier;
    const from = spreadBlock(program, x + ((<usize>(n * source)) << 2), pictures, workspace, repeat);
    const to = folds ? scratch : y + ((<usize>(n * destination)) << 2);
    offsets = workspace + field(program, Program.Offsets);
    for (let i = 0; i < stages; i++) {
      const stage = first + ((<usize>(i * Stage.Length)) << 2);
      const pixels = field(stage, Stage.Height) * field(stage, Stage.Width);
      depthwiseStage(
        to + ((<usize>field(stage, Stage.Destination)) << 2),
        from + ((<usize>field(stage, Stage.Source)) << 2),
        offsets,
        pictures * pixels,
        stage,
        weights + ((<usize>field(stage, Stage.Panels)) << 2),
        folds ? lanes : written,
        lanes,
        workspace,
      );
      offsets += (<usize>(block * pixels)) << 3;
    }
    if (!folds) continue;
    const pixels = destination / lanes;
    const size = pixels * written;
    foldLanes(y + ((<usize>(n * size)) << 2), scratch, pictures * pixels, written, multiplier, lanes);
  }
}

/** sums_t[c] += Σ x_t[pixel][c]·dy[pixel][c] for three taps and 8 lanes; equal taps are computed alike. */
function depthwiseFilterRow(
  x0: usize,
  x1: usize,
  x2: usize,
  stepX: usize,
  dy: usize,
  stepDy: usize,
  end: usize,
  s0: usize,
  s1: usize,
  s2: usize,
): void {
  let c00 = v128.load(s0);
  let c01 = v128.load(s0, 16);
  let c10 = v128.load(s1);
  let c11 = v128.load(s1, 16);
  let c20 = v128.load(s2);
  let c21 = v128.load(s2, 16);
  while (dy < end) {
    const d0 = v128.load(dy);
    const d1 = v128.load(dy, 16);
    c00 = madd(v128.load(x0), d0, c00);
    c01 = madd(v128.load(x0, 16), d1, c01);
    c10 = madd(v128.load(x1), d0, c10);
    c11 = madd(v128.load(x1, 16), d1, c11);
    c20 = madd(v128.load(x2), d0, c20);
    c21 = madd(v128.load(x2, 16), d1, c21);
    x0 += stepX;
    x1 += stepX;
    x2 += stepX;
    dy += stepDy;
  }
  v128.store(s0, c00);
  v128.store(s0, c01, 16);
  v128.store(s1, c10);
  v128.store(s1, c11, 16);
  v128.store(s2, c20);
  v128.store(s2, c21, 16);
}

/**
 * Filter-gradient of a depthwise convolution: dFilter[tap, c] = Σ x[pixel at tap, c / multiplier]·dy[pixel, c].
 * dFilter [high, wide, 1, channels], x and dy [batch, ...]; program and workspace as planConv2d wrote and
 * counted them. dFilter does not alias.
 */
export function conv2dDepthwiseFilter(dFilter: usize, x: usize, dy: usize, program: usize, workspace: usize): void {
  const stage = program + (Program.Length << 2);
  const batch = field(program, Program.Batch);
  const lanes = field(program, Program.Depth);
  const channels = field(program, Program.Columns);
  const height = field(stage, Stage.Height);
  const width = field(stage, Stage.Width);
  const wide = field(stage, Stage.TapsWide);
  const taps = field(stage, Stage.TapsHigh) * wide;
  const stepX = (<usize>field(stage, Stage.SourceColumnStep)) << 2;
  const stepDy = (<usize>lanes) << 2;
  const sums = workspace + field(program, Program.Panels);
  const scratch = workspace + field(program, Program.Scratch);
  const source =
    field(program, Program.SourceHeight) *
    field(program, Program.SourceWidth) *
    field(program, Program.SourceChannels);
  memory.fill(sums, 0, (<usize>(taps * lanes)) << 2);
  for (let n = 0; n < batch; n++) {
    const from = spreadBlock(
      program,
      x + ((<usize>(n * source)) << 2),
      1,
      workspace,
      field(program, Program.Multiplier),
    );
    for (let row = 0; row < height; row++) {
      let dyRow = dy + ((<usize>((n * height + row) * width * channels)) << 2);
      if (channels != lanes) {
        spreadPicture(scratch, dyRow, 1, width, channels, 1, 0, 0, 1, width, lanes);
        dyRow = scratch;
      }
      const xRow = from + ((<usize>(row * field(stage, Stage.SourceRowStep))) << 2);
      const end = dyRow + <usize>width * stepDy;
      for (let tap = 0; tap < taps; tap += 3) {
        const t1 = min(tap + 1, taps - 1);
        const t2 = min(tap + 2, taps - 1);
        const x0 = xRow + tapPlace(stage, tap, wide);
        const x1 = xRow + tapPlace(stage, t1, wide);
        const x2 = xRow + tapPlace(stage, t2, wide);
        const s0 = sums + <usize>tap * stepDy;
        const s1 = sums + <usize>t1 * stepDy;
        const s2 = sums + <usize>t2 * stepDy;
        for (let c: usize = 0; c < stepDy; c += 32) {
          depthwiseFilterRow(x0 + c, x1 + c, x2 + c, stepX, dyRow + c, stepDy, end, s0 + c, s1 + c, s2 + c);
        }
      }
    }
  }
  for (let tap = 0; tap < taps; tap++) {
    copyFloats(dFilter + ((<usize>(tap * channels)) << 2), sums + <usize>tap * stepDy, channels);
  }
}

/** Bytes from the first tap to tap number `tap`. */
function tapPlace(stage: usize, tap: i32, wide: i32): usize {
  return (
    (<usize>((tap / wide) * field(stage, Stage.TapRowStep) + (tap % wide) * field(stage, Stage.TapColumnStep))) << 2
  );
}
