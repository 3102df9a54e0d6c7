// The tile that takes any shape and the faster row of stride 1 stand together, since each is tested against the
// other: longer than most.
import { field, Program, Stage } from "../lib/conv2d-program";
import { copyFloats, pixelOffsets } from "../lib/pack";
import { pictureStep } from "../lib/pad";
import { madd } from "../lib/simd";
import { spreadBlock } from "../lib/spread";

/** y_i[c] = Σ x_i[tap][c]·w[tap][c] for four pixels and `blocks` times 8 lanes; steps in bytes. */
function depthwiseTiles(
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
  blocks: i32,
): void {
  const next = stepHigh - <usize>wide * stepWide;
  const nextX = 32 - <usize>high * stepHigh;
  const nextW = 32 - <usize>(high * wide) * stepW;
  for (; blocks > 0; blocks--) {
    let c00 = f32x4.splat(0);
    let c01 = c00;
    let c10 = c00;
    let c11 = c00;
    let c20 = c00;
    let c21 = c00;
    let c30 = c00;
    let c31 = c00;
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
    x0 += nextX;
    x1 += nextX;
    x2 += nextX;
    x3 += nextX;
    w += nextW;
    y0 += 32;
    y1 += 32;
    y2 += 32;
    y3 += 32;
  }
}

/**
 * y_i[c] = Σ x[r][i + s][c]·w[r][s][c], s < 3, for four pixels side by side: each value of x that is loaded
 * serves up to three of them. `bytes` of channels, whole vectors; steps in bytes.
 */
function depthwiseFour(
  x: usize,
  high: i32,
  stepHigh: usize,
  pixel: usize,
  w: usize,
  y: usize,
  stepY: usize,
  bytes: usize,
): void {
  for (const end = x + bytes; x < end; x += 16, w += 16, y += 16) {
    let c0 = f32x4.splat(0);
    let c1 = c0;
    let c2 = c0;
    let c3 = c0;
    let tap = w;
    let row = x;
    for (let r = 0; r < high; r++, row += stepHigh) {
      const w0 = v128.load(tap);
      tap += pixel;
      const w1 = v128.load(tap);
      tap += pixel;
      const w2 = v128.load(tap);
      tap += pixel;
      let at = row;
      let v = v128.load(at);
      c0 = madd(v, w0, c0);
      at += pixel;
      v = v128.load(at);
      c0 = madd(v, w1, c0);
      c1 = madd(v, w0, c1);
      at += pixel;
      v = v128.load(at);
      c0 = madd(v, w2, c0);
      c1 = madd(v, w1, c1);
      c2 = madd(v, w0, c2);
      at += pixel;
      v = v128.load(at);
      c1 = madd(v, w2, c1);
      c2 = madd(v, w1, c2);
      c3 = madd(v, w0, c3);
      at += pixel;
      v = v128.load(at);
      c2 = madd(v, w2, c2);
      c3 = madd(v, w1, c3);
      at += pixel;
      c3 = madd(v128.load(at), w2, c3);
    }
    let to = y;
    v128.store(to, c0);
    to += stepY;
    v128.store(to, c1);
    to += stepY;
    v128.store(to, c2);
    v128.store(to + stepY, c3);
  }
}

/** True where `depthwiseFour` can compute a stage: three taps of stride 1, rows of four and more, whole vectors. */
function inFours(stage: usize, written: i32, lanes: i32): bool {
  return (
    field(stage, Stage.TapsWide) == 3 &&
    field(stage, Stage.SourceColumnStep) == lanes &&
    field(stage, Stage.TapColumnStep) == lanes &&
    field(stage, Stage.Width) >= 4 &&
    written % 4 == 0
  );
}

/** One such stage: the last four pixels of a row may compute some again. */
function depthwiseRows(
  y: usize,
  x: usize,
  offsets: usize,
  rows: i32,
  stage: usize,
  weights: usize,
  written: i32,
  lanes: i32,
): void {
  const width = field(stage, Stage.Width);
  const high = field(stage, Stage.TapsHigh);
  const stepHigh = (<usize>field(stage, Stage.TapRowStep)) << 2;
  const stepY = (<usize>field(stage, Stage.DestinationColumnStep)) << 2;
  const pixel = (<usize>lanes) << 2;
  const bytes = (<usize>written) << 2;
  for (let r = 0; r < rows; r++, offsets += (<usize>width) << 3) {
    for (let j = 0; j < width; j += 4) {
      const o = offsets + ((<usize>min(j, width - 4)) << 3);
      depthwiseFour(x + load<u32>(o), high, stepHigh, pixel, weights, y + load<u32>(o, 4), stepY, bytes);
    }
  }
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
  const blocks = written >> 3;
  const rest = written & 7;
  if (inFours(stage, written, lanes)) {
    depthwiseRows(y, x, offsets, pixels / field(stage, Stage.Width), stage, weights, written, lanes);
    return;
  }
  for (let o = offsets; o <= last; o += 32) {
    const o1 = min(o + 8, last);
    const o2 = min(o + 16, last);
    const o3 = min(o + 24, last);
    const x0 = x + load<u32>(o);
    const x1 = x + load<u32>(o1);
    const x2 = x + load<u32>(o2);
    const x3 = x + load<u32>(o3);
    const y0 = y + load<u32>(o, 4);
    const y1 = y + load<u32>(o1, 4);
    const y2 = y + load<u32>(o2, 4);
    const y3 = y + load<u32>(o3, 4);
    depthwiseTiles(x0, x1, x2, x3, high, stepHigh, wide, stepWide, weights, stepW, y0, y1, y2, y3, blocks);
    if (rest == 0) continue;
    const e1 = edge + 32;
    const e2 = edge + 64;
    const e3 = edge + 96;
    const skip = (<usize>blocks) << 5;
    depthwiseTiles(
      x0 + skip,
      x1 + skip,
      x2 + skip,
      x3 + skip,
      high,
      stepHigh,
      wide,
      stepWide,
      weights + skip,
      stepW,
      edge,
      e1,
      e2,
      e3,
      1,
    );
    copyFloats(y0 + skip, edge, rest);
    copyFloats(y1 + skip, e1, rest);
    copyFloats(y2 + skip, e2, rest);
    copyFloats(y3 + skip, e3, rest);
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

/** What conv2dDepthwise reads beside x: the weights and the pixels' places, a stage a unit. */
export function conv2dPackDepthwise(
  y: usize,
  x: usize,
  filter: usize,
  program: usize,
  workspace: usize,
  scratch: usize,
  from: i32,
  to: i32,
): void {
  const lanes = field(program, Program.Depth);
  const block = field(program, Program.Pictures);
  const filterChannels = max(field(program, Program.Columns), field(program, Program.SourceChannels));
  const weights = workspace + field(program, Program.Panels);
  let offsets = workspace + field(program, Program.Offsets);
  let stage = program + (Program.Length << 2);
  for (let i = 0; i < to; i++, stage += Stage.Length << 2) {
    const height = field(stage, Stage.Height);
    const width = field(stage, Stage.Width);
    if (i >= from) {
      pixelOffsets(
        offsets,
        block,
        height,
        width,
        pictureStep(program),
        field(stage, Stage.SourceRowStep),
        field(stage, Stage.SourceColumnStep),
        field(program, Program.DestinationSize),
        field(stage, Stage.DestinationRowStep),
        field(stage, Stage.DestinationColumnStep),
      );
      const place = weights + ((<usize>field(stage, Stage.Panels)) << 2);
      spreadTaps(place, filter, program, stage, filterChannels, lanes);
    }
    offsets += (<usize>(block * height * width)) << 3;
  }
}

/**
 * Depthwise convolution (groups = input channels, any multiplier), or its input-gradient by stages as in
 * conv2dRuns. y, x [batch, height, width, channels], filter [high, wide, 1, output channels]; program,
 * workspace and scratch as planConv2d wrote and counted them. A unit is a block of pictures, after
 * conv2dPackDepthwise. y does not alias.
 */
export function conv2dDepthwise(
  y: usize,
  x: usize,
  filter: usize,
  program: usize,
  workspace: usize,
  scratch: usize,
  from: i32,
  to: i32,
): void {
  const stages = field(program, Program.Stages);
  const lanes = field(program, Program.Depth);
  const written = field(program, Program.Columns);
  const channels = field(program, Program.SourceChannels);
  const multiplier = field(program, Program.Multiplier);
  const block = field(program, Program.Pictures);
  const batch = min(field(program, Program.Batch), to * block);
  // The gradient of a multiplied channel is the sum over its copies.
  const folds = written < channels;
  const destination = field(program, Program.DestinationSize);
  const picture = field(program, Program.SourceHeight) * field(program, Program.SourceWidth) * channels;
  const first = program + (Program.Length << 2);
  const weights = workspace + field(program, Program.Panels);
  const products = scratch + field(program, Program.Scratch);
  for (let n = from * block; n < batch; n += block) {
    const pictures = min(block, batch - n);
    const repeat = folds ? 1 : multiplier;
    const source = spreadBlock(program, x + ((<usize>(n * picture)) << 2), pictures, scratch, repeat);
    const place = folds ? products : y + ((<usize>(n * destination)) << 2);
    let offsets = workspace + field(program, Program.Offsets);
    for (let i = 0; i < stages; i++) {
      const stage = first + ((<usize>(i * Stage.Length)) << 2);
      const pixels = field(stage, Stage.Height) * field(stage, Stage.Width);
      depthwiseStage(
        place + ((<usize>field(stage, Stage.Destination)) << 2),
        source + ((<usize>field(stage, Stage.Source)) << 2),
        offsets,
        pictures * pixels,
        stage,
        weights + ((<usize>field(stage, Stage.Panels)) << 2),
        folds ? lanes : written,
        lanes,
        scratch,
      );
      offsets += (<usize>(block * pixels)) << 3;
    }
    if (!folds) continue;
    const pixels = destination / lanes;
    const size = pixels * written;
    foldLanes(y + ((<usize>(n * size)) << 2), products, pictures * pixels, written, multiplier, lanes);
  }
}
