import { tileOfRuns } from "../lib/gemm-runs";
import { copyFloats } from "../lib/pack";
import { filterPanels } from "../lib/phases-filter";
import { blockLength, blockStart, Phases, phases, planeStep, wholeVectors } from "../lib/phases-program";
import {
  inputPatch,
  outputPatch,
  prepareTiles,
  readInputTile,
  readOutputTile,
  transformTile,
} from "../lib/phases-tiles";

// A 4×4 convolution of stride 2 is the sum over four phases, the parities of the padded input's rows and columns,
// of 2×2 convolutions of stride 1, which minimal filtering computes in (tile + 1)² products of matrices for
// tile² outputs. A smaller filter counts as one of 4×4 with zeros.

/** Tiles whose products lie in the L1 cache until they are transformed back. */
const groupTiles: i32 = 16;
/** Bytes between two planes of a group's products. */
const productPlane: usize = 576;

/** Starts with the first block of tiles. */
export function conv2dPhasesFirst(
  y: usize,
  x: usize,
  filter: usize,
  program: usize,
  workspace: usize,
  scratch: usize,
  from: i32,
  to: i32,
): void {
  if (from < to) store<i32>(workspace + phases(program, Phases.Block), 0);
}

/** Goes on to the next block of tiles. */
export function conv2dPhasesNext(
  y: usize,
  x: usize,
  filter: usize,
  program: usize,
  workspace: usize,
  scratch: usize,
  from: i32,
  to: i32,
): void {
  const block = workspace + phases(program, Phases.Block);
  if (from < to) store<i32>(block, load<i32>(block) + 1);
}

/** Transforms a block's tiles of the input to rows [plane][tile][phase, channel]; a unit is some of the tiles. */
export function conv2dPhasesInput(
  y: usize,
  x: usize,
  filter: usize,
  program: usize,
  workspace: usize,
  scratch: usize,
  from: i32,
  to: i32,
): void {
  const channels = phases(program, Phases.InChannels);
  const tile = phases(program, Phases.Tile);
  const unit = phases(program, Phases.UnitTiles);
  const depth = wholeVectors(channels);
  const row = (<usize>depth) << 4;
  const plane = <usize>planeStep(phases(program, Phases.BlockTiles) * <i32>row);
  const start = blockStart(program, workspace);
  const end = min(to * unit, blockLength(program, start));
  prepareTiles(scratch, channels);
  for (let t = from * unit; t < end; t++) {
    let at = workspace + phases(program, Phases.Rows) + <usize>t * row;
    for (let phase = 0; phase < 4; phase++, at += (<usize>depth) << 2) {
      readInputTile(program, x, start + t, phase, scratch);
      transformTile(at, plane, 16, scratch, channels, 0, 1, tile, false);
    }
  }
}

/** Transforms a block's tiles of dy to rows [plane][tile][channel]; a unit is some of the tiles. */
export function conv2dPhasesOutput(
  dx: usize,
  dy: usize,
  filter: usize,
  program: usize,
  workspace: usize,
  scratch: usize,
  from: i32,
  to: i32,
): void {
  const channels = phases(program, Phases.OutChannels);
  const unit = phases(program, Phases.UnitTiles);
  const row = (<usize>wholeVectors(channels)) << 2;
  const plane = <usize>planeStep(phases(program, Phases.BlockTiles) * <i32>row);
  const start = blockStart(program, workspace);
  const end = min(to * unit, blockLength(program, start));
  prepareTiles(scratch, channels);
  for (let t = from * unit; t < end; t++) {
    readOutputTile(program, dy, start + t, scratch);
    const at = workspace + phases(program, Phases.Rows) + <usize>t * row;
    transformTile(at, plane, 16, scratch, channels, 0, 1, phases(program, Phases.Tile), true);
  }
}

/** Every plane's product of `count` rows, `row` bytes each, with one panel of 8 columns. */
function multiplyPlanes(
  products: usize,
  rows: usize,
  rowPlane: usize,
  row: usize,
  count: i32,
  panels: usize,
  panelPlane: usize,
  planes: i32,
): void {
  const last = rows + <usize>(count - 1) * row;
  for (let p = 0; p < planes; p++, panels += panelPlane) {
    const shift = <usize>p * rowPlane;
    const end = last + shift;
    let y = products + <usize>p * productPlane;
    for (let a = rows + shift; a <= end; a += row << 2, y += 128) {
      // Rows past the last repeat it.
      const a1 = min(a + row, end);
      const a2 = min(a1 + row, end);
      const a3 = min(a2 + row, end);
      tileOfRuns(a, a1, a2, a3, 1, 0, 1, 0, row, panels, y, y + 32, y + 64, y + 96);
    }
  }
}

/**
 * y from the transformed input: a unit transforms the filter of 8 output channels, multiplies all planes of the
 * block's tiles, some at a time, and transforms each tile's products to its outputs.
 *
 * y [batch, outHeight, outWidth, outChannels], filter HWIO; program, workspace and scratch as planPhases wrote
 * and counted them. Within 1e-5 of the largest |y| at tile 4, within 1e-6 at tile 2. y does not alias.
 */
export function conv2dPhasesForward(
  y: usize,
  x: usize,
  filter: usize,
  program: usize,
  workspace: usize,
  scratch: usize,
  from: i32,
  to: i32,
): void {
  const ins = phases(program, Phases.InChannels);
  const outs = phases(program, Phases.OutChannels);
  const height = phases(program, Phases.OutHeight);
  const width = phases(program, Phases.OutWidth);
  const tile = phases(program, Phases.Tile);
  const high = phases(program, Phases.TilesHigh);
  const wide = phases(program, Phases.TilesWide);
  const planes = (tile + 1) * (tile + 1);
  const depth = wholeVectors(ins);
  const row = (<usize>depth) << 4;
  const rowPlane = <usize>planeStep(phases(program, Phases.BlockTiles) * <i32>row);
  const panelPlane = <usize>planeStep(depth << 7);
  const start = blockStart(program, workspace);
  const length = blockLength(program, start);
  const rows = workspace + phases(program, Phases.Rows);
  const products = scratch;
  const patch = products + <usize>planes * productPlane;
  const columns = patch + 1024;
  const packed = columns + 512;
  const panels = packed + ((<usize>depth) << 7);

  for (let strip = from; strip < to; strip++) {
    const o = strip << 3;
    const stored = min(8, outs - o);
    for (let phase = 0; phase < 4; phase++) {
      filterPanels(
        panels + ((<usize>(phase * depth)) << 5),
        panelPlane,
        filter + ((<usize>o) << 2),
        program,
        phase,
        depth,
        ins,
        stored,
        outs,
        1,
        packed,
      );
    }
    for (let group = 0; group < length; group += groupTiles) {
      const count = min(groupTiles, length - group);
      multiplyPlanes(products, rows + <usize>group * row, rowPlane, row, count, panels, panelPlane, planes);
      for (let t = 0; t < count; t++) {
        outputPatch(patch, products + ((<usize>t) << 5), productPlane, tile, columns);
        const line = (start + group + t) / wide;
        const top = (line % high) * tile;
        const left = ((start + group + t) % wide) * tile;
        const pixel = ((line / high) * height + top) * width + left;
        const bottom = min(tile, height - top);
        const right = min(tile, width - left);
        for (let i = 0; i < bottom; i++) {
          for (let j = 0; j < right; j++) {
            const at = y + ((<usize>((pixel + i * width + j) * outs + o)) << 2);
            copyFloats(at, patch + ((<usize>(i * tile + j)) << 5), stored);
          }
        }
      }
    }
  }
}

/** y[i] (+)= x[i] for n ≤ 8 float32. */
function addPixel(y: usize, x: usize, n: i32, add: bool): void {
  if (!add) {
    copyFloats(y, x, n);
  } else if (n == 8) {
    v128.store(y, f32x4.add(v128.load(y), v128.load(x)));
    v128.store(y, f32x4.add(v128.load(y, 16), v128.load(x, 16)), 16);
  } else {
    for (const end = y + ((<usize>n) << 2); y < end; y += 4, x += 4) store<f32>(y, load<f32>(y) + load<f32>(x));
  }
}

/**
 * dx from the transformed dy: a unit is 8 input channels of one phase, whose pixels no other phase writes. Tiles
 * meet in one row and column of pixels, to which the later tile adds.
 *
 * dx [batch, inHeight, inWidth, inChannels], filter HWIO; program, workspace and scratch as planPhases wrote and
 * counted them. Within 1e-5 of the largest |dx| at tile 4, within 1e-6 at tile 2. dx does not alias.
 */
export function conv2dPhasesGradient(
  dx: usize,
  dy: usize,
  filter: usize,
  program: usize,
  workspace: usize,
  scratch: usize,
  from: i32,
  to: i32,
): void {
  const ins = phases(program, Phases.InChannels);
  const outs = phases(program, Phases.OutChannels);
  const height = phases(program, Phases.InHeight);
  const width = phases(program, Phases.InWidth);
  const tile = phases(program, Phases.Tile);
  const high = phases(program, Phases.TilesHigh);
  const wide = phases(program, Phases.TilesWide);
  const size = tile + 1;
  const planes = size * size;
  const depth = wholeVectors(outs);
  const row = (<usize>depth) << 2;
  const rowPlane = <usize>planeStep(phases(program, Phases.BlockTiles) * <i32>row);
  const panelPlane = <usize>planeStep(depth << 5);
  const start = blockStart(program, workspace);
  const length = blockLength(program, start);
  const rows = workspace + phases(program, Phases.Rows);
  const products = scratch;
  const patch = products + <usize>planes * productPlane;
  const columns = patch + 1024;
  const packed = columns + 512;
  const panels = packed + ((<usize>depth) << 7);
  const strips = (ins + 7) >> 3;

  for (let unit = from; unit < to; unit++) {
    const phase = unit / strips;
    const c = (unit % strips) << 3;
    const stored = min(8, ins - c);
    filterPanels(
      panels,
      panelPlane,
      filter + ((<usize>(c * outs)) << 2),
      program,
      phase,
      depth,
      outs,
      stored,
      1,
      outs,
      packed,
    );
    for (let group = 0; group < length; group += groupTiles) {
      const count = min(groupTiles, length - group);
      multiplyPlanes(products, rows + <usize>group * row, rowPlane, row, count, panels, panelPlane, planes);
      for (let t = 0; t < count; t++) {
        inputPatch(patch, products + ((<usize>t) << 5), productPlane, tile, columns);
        const line = (start + group + t) / wide;
        const above = line % high;
        const before = (start + group + t) % wide;
        const picture = dx + ((<usize>((line / high) * height * width * ins + c)) << 2);
        let h = 2 * tile * above + (phase >> 1) - phases(program, Phases.PadTop);
        for (let i = 0; i < size; i++, h += 2) {
          if (<u32>h >= <u32>height) continue;
          let w = 2 * tile * before + (phase & 1) - phases(program, Phases.PadLeft);
          for (let j = 0; j < size; j++, w += 2) {
            if (<u32>w >= <u32>width) continue;
            addPixel(
              picture + ((<usize>((h * width + w) * ins)) << 2),
              patch + ((<usize>(i * size + j)) << 5),
              stored,
              (i == 0 && above > 0) || (j == 0 && before > 0),
            );
          }
        }
      }
    }
  }
}
