import { addRun } from "../lib/copy";
import { field, Program, Stage } from "../lib/conv2d-program";
import { copyFloats } from "../lib/pack";
import { madd } from "../lib/simd";
import { spreadBlock, spreadPicture } from "../lib/spread";

/** Bytes from the first tap to tap number `tap`. */
function tapPlace(stage: usize, tap: i32, wide: i32): usize {
  return (
    (<usize>((tap / wide) * field(stage, Stage.TapRowStep) + (tap % wide) * field(stage, Stage.TapColumnStep))) << 2
  );
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
 * dFilter [high, wide, 1, channels], x and dy [batch, ...]; program, workspace and scratch as planConv2d
 * wrote and counted them. A unit is a sum over a part of the pictures, for conv2dDepthwiseFilterSum.
 */
export function conv2dDepthwiseFilter(
  dFilter: usize,
  x: usize,
  dy: usize,
  program: usize,
  workspace: usize,
  scratch: usize,
  from: i32,
  to: i32,
): void {
  const stage = program + (Program.Length << 2);
  const batch = field(program, Program.Batch);
  const lanes = field(program, Program.Depth);
  const channels = field(program, Program.Columns);
  const parts = field(program, Program.Parts);
  const height = field(stage, Stage.Height);
  const width = field(stage, Stage.Width);
  const wide = field(stage, Stage.TapsWide);
  const taps = field(stage, Stage.TapsHigh) * wide;
  const stepX = (<usize>field(stage, Stage.SourceColumnStep)) << 2;
  const stepDy = (<usize>lanes) << 2;
  const spread = scratch + field(program, Program.Scratch);
  const picture =
    field(program, Program.SourceHeight) *
    field(program, Program.SourceWidth) *
    field(program, Program.SourceChannels);
  const size = <usize>(taps * lanes) << 2;
  for (let unit = from; unit < to; unit++) {
    const sums = workspace + field(program, Program.Panels) + <usize>unit * size;
    memory.fill(sums, 0, size);
    const last = (batch * (unit + 1)) / parts;
    for (let n = (batch * unit) / parts; n < last; n++) {
      const source = spreadBlock(
        program,
        x + ((<usize>(n * picture)) << 2),
        1,
        scratch,
        field(program, Program.Multiplier),
      );
    for (let row = 0; row < height; row++) {
        let dyRow = dy + ((<usize>((n * height + row) * width * channels)) << 2);
        if (channels != lanes) {
          spreadPicture(spread, dyRow, 1, width, channels, 1, 0, 0, 1, width, lanes);
          dyRow = spread;
        }
        const xRow = source + ((<usize>(row * field(stage, Stage.SourceRowStep))) << 2);
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
  }
}

/** Adds up the sums of conv2dDepthwiseFilter; one unit, no scratch. */
export function conv2dDepthwiseFilterSum(
  dFilter: usize,
  x: usize,
  dy: usize,
  program: usize,
  workspace: usize,
  scratch: usize,
  from: i32,
  to: i32,
): void {
  const stage = program + (Program.Length << 2);
  const lanes = field(program, Program.Depth);
  const channels = field(program, Program.Columns);
  const taps = field(stage, Stage.TapsHigh) * field(stage, Stage.TapsWide);
  const sums = workspace + field(program, Program.Panels);
  const size = taps * lanes;
  for (let part = 1; part < field(program, Program.Parts); part++) {
    addRun(sums, sums + ((<usize>(part * size)) << 2), size);
  }
  for (let tap = 0; tap < taps; tap++) {
    copyFloats(dFilter + ((<usize>(tap * channels)) << 2), sums + ((<usize>(tap * lanes)) << 2), channels);
  }
}
