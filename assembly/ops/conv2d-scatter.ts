import { field, Program, Scatter } from "../lib/conv2d-program";
import { multiplyRuns } from "../lib/gemm-runs";
import { addFloats, packColumns, pixelOffsets } from "../lib/pack";

/** panels[n/8][k][n%8] for n = (tap, column), one group's filter; columns up to the next 8 are zero. */
function packAllTaps(panels: usize, filter: usize, program: usize, taps: i32, reversed: i32): void {
  const depth = field(program, Program.Depth);
  const columns = field(program, Program.Columns);
  const padded = (taps * columns + 7) & ~7;
  const depthStep = field(program, Program.DepthStep);
  const columnStep = field(program, Program.ColumnStep);
  const tapStep = field(program, Program.TapStep);
  if (!reversed && tapStep == columns * columnStep) {
    packColumns(panels, depth, filter, depth, taps * columns, depthStep, columnStep);
    return;
  }
  for (let n = 0; n < padded; n++) {
    const tap = n / columns;
    const from =
      filter +
      ((<usize>(
        (reversed ? taps - 1 - tap : tap) * tapStep +
        (n % columns) * columnStep
      )) <<
        2);
    const step = (<usize>depthStep) << 2;
    const to = panels + ((<usize>((n >> 3) * depth * 8 + (n & 7))) << 2);
    for (let k: usize = 0; k < <usize>depth; k++) {
      store<f32>(to + (k << 5), tap < taps ? load<f32>(from + k * step) : 0);
    }
  }
}

/** Adds rows of products [rows·width][padded] to the destination picture; `top` is the first row's place. */
function scatterRows(
  y: usize,
  products: usize,
  program: usize,
  scatter: usize,
  rows: i32,
  top: i32,
  padded: i32,
): void {
  const columns = field(program, Program.Columns);
  const channels = columns * field(program, Program.Groups);
  const height = field(scatter, Scatter.Height);
  const width = field(scatter, Scatter.Width);
  const high = field(scatter, Scatter.TapsHigh);
  const wide = field(scatter, Scatter.TapsWide);
  const tapColumns = field(scatter, Scatter.TapColumns);
  const joined = tapColumns == 1 && columns == channels;
  for (let i = 0; i < rows; i++, top += field(scatter, Scatter.RowStride)) {
    let left = field(scatter, Scatter.Left);
    for (let j = 0; j < field(program, Program.SourceWidth); j++) {
      for (let r = 0; r < high; r++) {
        const h = top + r * field(scatter, Scatter.TapRows);
        if (h < 0 || h >= height) continue;
        const from = products + ((<usize>(r * wide * columns)) << 2);
        const to = y + ((<usize>((h * width + left) * channels)) << 2);
        if (joined) {
          const first = max(0, -left);
          const count = min(wide, width - left) - first;
          const skip = (<usize>(first * columns)) << 2;
          if (count > 0) addFloats(to + skip, from + skip, count * columns);
          continue;
        }
        for (let s = 0; s < wide; s++) {
          const w = left + s * tapColumns;
          if (w < 0 || w >= width) continue;
          addFloats(to + ((<usize>(s * tapColumns * channels)) << 2), from + ((<usize>(s * columns)) << 2), columns);
        }
      }
      left += field(scatter, Scatter.ColumnStride);
      products += (<usize>padded) << 2;
    }
  }
}

/** What conv2dScatter reads beside x: a group's panels, a unit each, and the pixels' places. */
export function conv2dPackScatter(
  y: usize,
  x: usize,
  filter: usize,
  program: usize,
  workspace: usize,
  scratch: usize,
  from: i32,
  to: i32,
): void {
  const scatter = program + (Program.Length << 2);
  const depth = field(program, Program.Depth);
  const taps = field(scatter, Scatter.TapsHigh) * field(scatter, Scatter.TapsWide);
  const padded = (taps * field(program, Program.Columns) + 7) & ~7;
  if (from == 0) {
    const pixels = field(program, Program.Pictures) * field(program, Program.Rows) * field(program, Program.SourceWidth);
    const channels = field(program, Program.SourceChannels);
    pixelOffsets(workspace + field(program, Program.Offsets), 1, 1, pixels, 0, 0, channels, 0, 0, padded);
  }
  for (let g = from; g < to; g++) {
    packAllTaps(
      workspace + field(program, Program.Panels) + ((<usize>(g * depth * padded)) << 2),
      filter + ((<usize>(g * field(program, Program.GroupStep))) << 2),
      program,
      taps,
      field(scatter, Scatter.Reversed),
    );
  }
}

/**
 * Input-gradient of a convolution with few input channels, or a stride 1 convolution to few channels: each
 * source pixel times all taps at once, a product with taps·channels columns, then added where the taps lie.
 *
 * y [batch, height, width, channels], x [batch, ...] read in place, filter HWIO; program, workspace and
 * scratch as planConv2d wrote and counted them. A unit is a block of pictures, after conv2dPackScatter. y does not alias.
 */
export function conv2dScatter(
  y: usize,
  x: usize,
  filter: usize,
  program: usize,
  workspace: usize,
  scratch: usize,
  from: i32,
  to: i32,
): void {
  const scatter = program + (Program.Length << 2);
  const groups = field(program, Program.Groups);
  const height = field(program, Program.SourceHeight);
  const width = field(program, Program.SourceWidth);
  const channels = field(program, Program.SourceChannels);
  const depth = field(program, Program.Depth);
  const columns = field(program, Program.Columns);
  const destination = field(program, Program.DestinationSize);
  const block = field(program, Program.Pictures);
  const batch = min(field(program, Program.Batch), to * block);
  const blockRows = field(program, Program.Rows);
  const taps = field(scatter, Scatter.TapsHigh) * field(scatter, Scatter.TapsWide);
  const padded = (taps * columns + 7) & ~7;
  const panels = workspace + field(program, Program.Panels);
  const offsets = workspace + field(program, Program.Offsets);
  const products = scratch + field(program, Program.Scratch);
  const run = (<usize>depth) << 2;

  for (let n = from * block; n < batch; n += block) {
    const pictures = min(block, batch - n);
    memory.fill(y + ((<usize>(n * destination)) << 2), 0, (<usize>(pictures * destination)) << 2);
    for (let row = 0; row < height; row += blockRows) {
      const rows = min(blockRows, height - row);
      for (let g = 0; g < groups; g++) {
        multiplyRuns(
          products,
          x + ((<usize>((n * height + row) * width * channels + g * depth)) << 2),
          offsets,
          pictures * rows * width,
          panels + ((<usize>(g * depth * padded)) << 2),
          padded,
          1,
          run,
          1,
          run,
          run,
          scratch,
        );
        for (let i = 0; i < pictures; i++) {
          scatterRows(
            y + ((<usize>((n + i) * destination + g * columns)) << 2),
            products + ((<usize>(i * rows * width * padded)) << 2),
            program,
            scatter,
            rows,
            row * field(scatter, Scatter.RowStride) + field(scatter, Scatter.Top),
            padded,
          );
        }
      }
    }
  }
}
