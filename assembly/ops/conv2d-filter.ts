import { addRun } from "../lib/copy";
import { field, Program, Stage } from "../lib/conv2d-program";
import { multiplyPanels } from "../lib/gemm-panels";
import { packColumns, packRows, pixelOffsets } from "../lib/pack";
import { padBlock, pictureStep } from "../lib/pad";

/**
 * Sums over the blocks of pixels from `firstBlock` to before `lastBlock`, in the parts of the filter from `from` to
 * before `to`: part c·high + r is the row r of taps for the block c of columns, of each group. x is read at the taps, dy
 * once. Blocks are the outer loop, so that parts share what is padded and packed.
 */
function accumulate(
  dFilter: usize,
  x: usize,
  dy: usize,
  program: usize,
  scratch: usize,
  firstBlock: i32,
  lastBlock: i32,
  from: i32,
  to: i32,
): void {
  const stage = program + (Program.Length << 2);
  const batch = field(program, Program.Batch);
  const groups = field(program, Program.Groups);
  const depth = field(program, Program.Depth);
  const groupColumns = field(program, Program.Columns);
  const columnsEach = field(program, Program.ColumnsEach);
  const channels = groupColumns * groups;
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
  const edge = scratch + field(program, Program.Edge);
  const offsets = scratch + field(program, Program.Offsets);
  const left = scratch + field(program, Program.Scratch);
  const right = scratch + field(program, Program.Panels);

  pixelOffsets(offsets, block, blockRows, width, picture, rowStep, field(stage, Stage.SourceColumnStep), 0, 0, 0);
  const down = (height + blockRows - 1) / blockRows;
  let ready = -1;
  let padded = x;
  for (let i = firstBlock; i < lastBlock; i++) {
    const n = (i / down) * block;
    const row = (i % down) * blockRows;
    const pictures = min(block, batch - n);
    if (n != ready) padded = padBlock(program, x + ((<usize>(n * source)) << 2), pictures, scratch);
    ready = n;
    const pixels = pictures * min(blockRows, height - row) * width;
    const dyBlock = dy + ((<usize>((n * height + row) * width * channels)) << 2);
    for (let g = 0; g < groups; g++) {
      let packed = -1;
      for (let part = from; part < to; part++) {
        const r = part % high;
        const column = (part / high) * columnsEach;
        const columns = min(columnsEach, groupColumns - column);
        const place = (<usize>(g * groupColumns + column)) << 2;
        if (column != packed) packColumns(right, pixels, dyBlock + place, pixels, columns, channels, 1);
        packed = column;
        for (let s = 0; s < wide; s++) {
          const at = first + g * group + row * rowStep + r * tapRow + s * tapColumn;
          packRows(left, padded + ((<usize>at) << 2), offsets, pixels, run);
          multiplyPanels(
            dFilter + ((<usize>((r * wide + s) * run * channels)) << 2) + place,
            (<usize>channels) << 2,
            left,
            right,
            pixels,
            run,
            columns,
            i > firstBlock,
            edge,
          );
        }
      }
    }
  }
}

/** Elements of the filter. */
function filterSize(program: usize): usize {
  const stage = program + (Program.Length << 2);
  const taps = field(stage, Stage.TapsHigh) * field(stage, Stage.TapsWide);
  return <usize>(taps * field(program, Program.Depth) * field(program, Program.Columns) * field(program, Program.Groups));
}

/**
 * Filter-gradient of a convolution: dFilter[tap, c, o] = Σ x[pixel at tap, c]·dy[pixel, o] over all pixels of
 * the batch. Pixels are taken a block at a time, dy packed once, x once for each run of taps that touch, so
 * that a block of both stays in the L2 cache. At stride 1 x and dy may change places, so that the one with fewer
 * channels is packed for every tap.
 *
 * dFilter HWIO, x [batch, height, width, channels], dy [batch, ...]; program, workspace and scratch as planConv2d wrote
 * and counted them. A unit is a sum of a part of the blocks, for conv2dFilterSum, or all of the sum for one row of
 * taps and some columns. dFilter does not alias.
 */
export function conv2dFilter(
  dFilter: usize,
  x: usize,
  dy: usize,
  program: usize,
  workspace: usize,
  scratch: usize,
  from: i32,
  to: i32,
): void {
  const exchanged = field(program, Program.Exchanged) != 0;
  const parts = field(program, Program.Parts);
  const block = field(program, Program.Pictures);
  const rows = field(program, Program.Rows);
  const stage = program + (Program.Length << 2);
  const high = field(stage, Stage.TapsHigh);
  const blocks =
    ((field(program, Program.Batch) + block - 1) / block) * ((field(stage, Stage.Height) + rows - 1) / rows);
  const left = exchanged ? dy : x;
  const right = exchanged ? x : dy;
  const sums = workspace + field(program, Program.Turned);
  if (parts == 1) {
    accumulate(exchanged ? sums : dFilter, left, right, program, scratch, 0, blocks, from, to);
    return;
  }
  for (let unit = from; unit < to; unit++) {
    const first = <i32>((<i64>blocks * unit) / parts);
    const last = <i32>((<i64>blocks * (unit + 1)) / parts);
    const part = sums + <usize>unit * (filterSize(program) << 2);
    accumulate(part, left, right, program, scratch, first, last, 0, high);
  }
}

/**
 * Adds up the sums of conv2dFilter, a tap a unit; what was exchanged it turns:
 * dFilter[tap][c][o] = Σ sums[last − tap][o][c], by groups.
 */
export function conv2dFilterSum(
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
  const groups = field(program, Program.Groups);
  const outs = field(program, Program.Depth);
  const ins = field(program, Program.Columns);
  const taps = field(stage, Stage.TapsHigh) * field(stage, Stage.TapsWide);
  const parts = field(program, Program.Parts);
  const exchanged = field(program, Program.Exchanged) != 0;
  const sums = workspace + field(program, Program.Turned);
  const size = outs * ins * groups;
  const step = (<usize>size) << 2;
  for (let tap = from; tap < to; tap++) {
    const first = sums + <usize>(exchanged ? taps - 1 - tap : tap) * step;
    const y = dFilter + <usize>tap * step;
    const sum = exchanged ? first : y;
    if (!exchanged) memory.copy(y, first, step);
    for (let part = 1; part < parts; part++) addRun(sum, first + <usize>part * (filterSize(program) << 2), size);
    if (exchanged) turn(y, first, groups, ins, outs);
  }
}

/** y[c][g][o] = x[o][g][c]. */
function turn(y: usize, x: usize, groups: i32, ins: i32, outs: i32): void {
  for (let g = 0; g < groups; g++) {
    for (let c = 0; c < ins; c++) {
      for (let o = 0; o < outs; o++) {
        const value = load<f32>(x + ((<usize>(o * ins * groups + g * ins + c)) << 2));
        store<f32>(y + ((<usize>(c * outs * groups + g * outs + o)) << 2), value);
      }
    }
  }
}
