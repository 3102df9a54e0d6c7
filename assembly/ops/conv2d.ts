import { field, packedColumns, Program, Stage } from "../lib/conv2d-program";
import { multiplyRuns } from "../lib/gemm-runs";
import { packColumns, pixelOffsets } from "../lib/pack";
import { padBlock, pictureStep } from "../lib/pad";

/** Packs `columns` columns of a stage's taps of one group into panels [column/8][tap][depth][8]. */
function packTaps(panels: usize, filter: usize, program: usize, stage: usize, columns: i32): void {
  const high = field(stage, Stage.TapsHigh);
  const wide = field(stage, Stage.TapsWide);
  const depth = field(program, Program.Depth);
  for (let r = 0; r < high; r++) {
    const row = (field(stage, Stage.TapTop) + r * field(stage, Stage.TapTopStep)) * field(program, Program.FilterWidth);
    for (let s = 0; s < wide; s++) {
      const tap = row + field(stage, Stage.TapLeft) + s * field(stage, Stage.TapLeftStep);
      packColumns(
        panels + ((<usize>((r * wide + s) * depth)) << 5),
        high * wide * depth,
        filter + ((<usize>(tap * field(program, Program.TapStep))) << 2),
        depth,
        columns,
        field(program, Program.DepthStep),
        field(program, Program.ColumnStep),
      );
    }
  }
}

/** Where a block's pixels are read and written in one stage. */
function stageOffsets(offsets: usize, program: usize, stage: usize): void {
  pixelOffsets(
    offsets,
    field(program, Program.Pictures),
    field(stage, Stage.Height),
    field(stage, Stage.Width),
    pictureStep(program),
    field(stage, Stage.SourceRowStep),
    field(stage, Stage.SourceColumnStep),
    field(program, Program.DestinationSize),
    field(stage, Stage.DestinationRowStep),
    field(stage, Stage.DestinationColumnStep),
  );
}

/**
 * What conv2dRuns reads beside x: the filter's panels and the pixels' places. A unit is `packedColumns` columns of one
 * group in one stage.
 */
export function conv2dPackRuns(
  y: usize,
  x: usize,
  filter: usize,
  program: usize,
  workspace: usize,
  scratch: usize,
  from: i32,
  to: i32,
): void {
  const groups = field(program, Program.Groups);
  const block = field(program, Program.Pictures);
  const columns = field(program, Program.Columns);
  const strips = (columns + packedColumns - 1) / packedColumns;
  let offsets = workspace + field(program, Program.Offsets);
  let stage = program + (Program.Length << 2);
  let unit = 0;
  for (let i = 0; i < field(program, Program.Stages); i++, stage += Stage.Length << 2) {
    const taps = field(stage, Stage.TapsHigh) * field(stage, Stage.TapsWide) * field(program, Program.Depth);
    if (unit >= from && unit < to) stageOffsets(offsets, program, stage);
    offsets += (<usize>(block * field(stage, Stage.Height) * field(stage, Stage.Width))) << 3;
    for (let g = 0; g < groups; g++) {
      const place = field(stage, Stage.Panels) + g * taps * ((columns + 7) & ~7);
      for (let first = 0; first < columns; first += packedColumns, unit++) {
        if (unit < from || unit >= to) continue;
        packTaps(
          workspace + field(program, Program.Panels) + ((<usize>(place + first * taps)) << 2),
          filter +
            ((<usize>(g * field(program, Program.GroupStep) + first * field(program, Program.ColumnStep))) << 2),
          program,
          stage,
          min(packedColumns, columns - first),
        );
      }
    }
  }
}

/**
 * Convolution, or its input-gradient, as a matrix product that never copies patches: in a padded picture each
 * output pixel is a few contiguous runs of float32. A gradient of stride s is s·s such stages, one for each
 * residue of the output's place, so that nothing multiplies inserted zeros.
 *
 * y [batch, ...], x [batch, height, width, channels], filter HWIO; what is what and how far apart stands in the
 * program that planConv2d wrote, workspace and scratch are as large as it said. A unit is a block of pictures, after
 * conv2dPackRuns. y does not alias.
 */
export function conv2dRuns(
  y: usize,
  x: usize,
  filter: usize,
  program: usize,
  workspace: usize,
  scratch: usize,
  from: i32,
  to: i32,
): void {
  const groups = field(program, Program.Groups);
  const stages = field(program, Program.Stages);
  const depth = field(program, Program.Depth);
  const columns = field(program, Program.Columns);
  const block = field(program, Program.Pictures);
  const batch = min(field(program, Program.Batch), to * block);
  const destination = field(program, Program.DestinationSize);
  const picture = pictureStep(program);
  const group = groups > 1 ? picture / groups : 0;
  const edge = scratch + field(program, Program.Edge);
  const panels = workspace + field(program, Program.Panels);
  const first = program + (Program.Length << 2);
  for (let n = from * block; n < batch; n += block) {
    const pictures = min(block, batch - n);
    const source = padBlock(
      program,
      x +
        ((<usize>(
          n *
          field(program, Program.SourceHeight) *
          field(program, Program.SourceWidth) *
          field(program, Program.SourceChannels)
        )) <<
          2),
      pictures,
      scratch,
    );
    let offsets = workspace + field(program, Program.Offsets);
    for (let i = 0; i < stages; i++) {
      const stage = first + ((<usize>(i * Stage.Length)) << 2);
      const pixels = field(stage, Stage.Height) * field(stage, Stage.Width);
      const high = field(stage, Stage.TapsHigh);
      const wide = field(stage, Stage.TapsWide);
      const tapColumn = field(stage, Stage.TapColumnStep);
      // Taps that touch are one run.
      const joined = tapColumn == depth;
      const size = high * wide * depth * ((columns + 7) & ~7);
      for (let g = 0; g < groups; g++) {
        multiplyRuns(
          y + ((<usize>(n * destination + field(stage, Stage.Destination) + g * columns)) << 2),
          source + ((<usize>(field(stage, Stage.Source) + g * group)) << 2),
          offsets,
          pictures * pixels,
          panels + ((<usize>(field(stage, Stage.Panels) + g * size)) << 2),
          columns,
          high,
          (<usize>field(stage, Stage.TapRowStep)) << 2,
          joined ? 1 : wide,
          (<usize>(joined ? wide * depth : tapColumn)) << 2,
          (<usize>(joined ? wide * depth : depth)) << 2,
          edge,
        );
      }
      offsets += (<usize>(block * pixels)) << 3;
    }
  }
}
