import { field, Program, Stage } from "../lib/conv2d-program";
import { multiplyPanels } from "../lib/gemm-panels";
import { packColumns, packRows, pixelOffsets } from "../lib/pack";
import { padBlock, pictureStep } from "../lib/pad";

/** The sums themselves, of a source that is read at the taps and of pixels that are read once. */
function accumulate(dFilter: usize, x: usize, dy: usize, program: usize, workspace: usize): void {
  const stage = program + (Program.Length << 2);
  const batch = field(program, Program.Batch);
  const groups = field(program, Program.Groups);
  const depth = field(program, Program.Depth);
  const columns = field(program, Program.Columns);
  const channels = columns * groups;
  const block = field(program, Program.Pictures);
  const blockRows = field(program, Program.Rows);
  const height = field(stage, Stage.Height);
  const width = field(stage, Stage.Width);
  const first = field(stage, Stage.Source);
  const rowStep = field(stage, Stage.SourceRowStep);
  const tapRow = field(stage, Stage.TapRowStep);
  const tapColumn = field(stage, Stage.TapColumnStep);
  const joined = tapColumn == depth;
  const high = field(stage, Stage.TapsHigh);
  const wide = joined ? 1 : field(stage, Stage.TapsWide);
  const run = joined ? field(stage, Stage.TapsWide) * depth : depth;
  const picture = pictureStep(program);
  const group = groups > 1 ? picture / groups : 0;
  const source =
    field(program, Program.SourceHeight) *
    field(program, Program.SourceWidth) *
    field(program, Program.SourceChannels);
  const edge = workspace + field(program, Program.Edge);
  const offsets = workspace + field(program, Program.Offsets);
  const left = workspace + field(program, Program.Scratch);
  const right = workspace + field(program, Program.Panels);

  pixelOffsets(offsets, block, blockRows, width, picture, rowStep, field(stage, Stage.SourceColumnStep), 0, 0, 0);
  let add = false;
  for (let n = 0; n < batch; n += block) {
    const pictures = min(block, batch - n);
    const padded = padBlock(program, x + ((<usize>(n * source)) << 2), pictures, workspace);
    for (let row = 0; row < height; row += blockRows) {
      const pixels = pictures * min(blockRows, height - row) * width;
      const dyBlock = dy + ((<usize>((n * height + row) * width * channels)) << 2);
      for (let g = 0; g < groups; g++) {
        packColumns(right, pixels, dyBlock + ((<usize>(g * columns)) << 2), pixels, columns, channels, 1);
        for (let r = 0; r < high; r++) {
          for (let s = 0; s < wide; s++) {
            const from = first + g * group + row * rowStep + r * tapRow + s * tapColumn;
            packRows(left, padded + ((<usize>from) << 2), offsets, pixels, run);
            multiplyPanels(
              dFilter + ((<usize>((r * wide + s) * run * channels + g * columns)) << 2),
              (<usize>channels) << 2,
              left,
              right,
              pixels,
              run,
              columns,
              add,
              edge,
            );
          }
        }
      }
      add = true;
    }
  }
}

/** dFilter[tap][c][o] = turned[last − tap][o][c], by groups: turned is what `accumulate` makes of dy and x. */
function turnTaps(dFilter: usize, turned: usize, program: usize): void {
  const stage = program + (Program.Length << 2);
  const groups = field(program, Program.Groups);
  const outs = field(program, Program.Depth);
  const ins = field(program, Program.Columns);
  const taps = field(stage, Stage.TapsHigh) * field(stage, Stage.TapsWide);
  const size = <usize>(outs * ins * groups);
  for (let tap = 0; tap < taps; tap++, dFilter += size << 2) {
    const from = turned + ((<usize>(taps - 1 - tap) * size) << 2);
    for (let g = 0; g < groups; g++) {
      for (let c = 0; c < ins; c++) {
        for (let o = 0; o < outs; o++) {
          const value = load<f32>(from + ((<usize>(o * ins * groups + g * ins + c)) << 2));
          store<f32>(dFilter + ((<usize>(c * outs * groups + g * outs + o)) << 2), value);
        }
      }
    }
  }
}

/**
 * Filter-gradient of a convolution: dFilter[tap, c, o] = Σ x[pixel at tap, c]·dy[pixel, o] over all pixels of
 * the batch. Pixels are taken a block at a time, dy packed once, x once for each run of taps that touch, so
 * that a block of both stays in the L2 cache; the result gathers in place. At stride 1 x and dy may change
 * places, so that the one with fewer channels is packed for every tap.
 *
 * dFilter HWIO, x [batch, height, width, channels], dy [batch, ...]; program and workspace as planConv2d wrote
 * and counted them. dFilter does not alias.
 */
export function conv2dFilter(dFilter: usize, x: usize, dy: usize, program: usize, workspace: usize): void {
  if (field(program, Program.Exchanged)) {
    const turned = workspace + field(program, Program.Turned);
    accumulate(turned, dy, x, program, workspace);
    turnTaps(dFilter, turned, program);
  } else {
    accumulate(dFilter, x, dy, program, workspace);
  }
}
