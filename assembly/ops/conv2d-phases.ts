import { tileOfRuns } from "../lib/gemm-runs";
import { addFloats, copyFloats } from "../lib/pack";
import { packPhase, transformPhase } from "../lib/phases-filter";
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

/** Channels that a unit writes: a cache line of each pixel. */
const unitChannels: i32 = 16;

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

/**
 * Every plane's product of `count` rows, `row` bytes each, with one panel of 8 columns: products
 * [plane][tile][8].
 */
function multiplyPlanes(
  products: usize,
  productPlane: usize,
  rows: usize,
  rowPlane: usize,
  row: usize,
  count: i32,
  panels: usize,
  panelPlane: usize,
  planes: i32,
): void {
  const length = <usize>(count - 1) * row;
  for (let p = 0; p < planes; p++, rows += rowPlane, panels += panelPlane, products += productPlane) {
    const end = rows + length;
    let y = products;
    for (let a = rows; a <= end; a += row << 2, y += 128) {
      // Rows past the last repeat it.
      const a1 = min(a + row, end);
      const a2 = min(a1 + row, end);
      const a3 = min(a2 + row, end);
      tileOfRuns(a, a1, a2, a3, 1, 0, 1, 0, row, panels, y, y + 32, y + 64, y + 96);
    }
  }
}

/**
 * y from the transformed input: a unit transforms the filter of 16 output channels, multiplies all planes of the
 * block's tiles and transforms each tile's products to its outputs.
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
  const block = phases(program, Phases.BlockTiles);
  const planes = (tile + 1) * (tile + 1);
  const depth = wholeVectors(ins);
  const row = (<usize>depth) << 4;
  const rowPlane = <usize>planeStep(block * <i32>row);
  const panelPlane = <usize>planeStep(depth << 7);
  const packedPanel = (<usize>depth) << 9;
  const productPlane = <usize>planeStep(block << 5);
  const start = blockStart(program, workspace);
  const length = blockLength(program, start);
  const columns = scratch;
  const patch = columns + 512;
  const packed = patch + 1024;
  const products = packed + 2 * packedPanel;
  const productPanel = <usize>planes * productPlane;
  const panels = products + 2 * productPanel;

  for (let unit = from; unit < to; unit++) {
    const o = unit * unitChannels;
    const stored = min(unitChannels, outs - o);
    for (let phase = 0; phase < 4; phase++) {
      const at = packed + ((<usize>(phase * depth)) << 7);
      packPhase(at, packedPanel, filter + ((<usize>o) << 2), program, phase, depth, ins, stored, outs, 1);
    }
    for (let strip = 0; strip << 3 < stored; strip++) {
      for (let phase = 0; phase < 4; phase++) {
        const at = packed + <usize>strip * packedPanel + ((<usize>(phase * depth)) << 7);
        transformPhase(panels + ((<usize>(phase * depth)) << 5), panelPlane, at, depth, tile);
      }
      multiplyPlanes(
        products + <usize>strip * productPanel,
        productPlane,
        workspace + phases(program, Phases.Rows),
        rowPlane,
        row,
        length,
        panels,
        panelPlane,
        planes,
      );
    }
    for (let t = 0; t < length; t++) {
      const line = (start + t) / wide;
      const top = (line % high) * tile;
      const left = ((start + t) % wide) * tile;
      const pixel = ((line / high) * height + top) * width + left;
      const bottom = min(tile, height - top);
      const right = min(tile, width - left);
      for (let strip = 0; strip << 3 < stored; strip++) {
        const m = products + <usize>strip * productPanel + ((<usize>t) << 5);
        outputPatch(patch, m, productPlane, tile, columns);
        const channels = min(8, stored - (strip << 3));
        for (let i = 0; i < bottom; i++) {
          let to = y + ((<usize>((pixel + i * width) * outs + o + (strip << 3))) << 2);
          let value = patch + ((<usize>(i * tile)) << 5);
          for (let j = 0; j < right; j++, value += 32, to += (<usize>outs) << 2) copyFloats(to, value, channels);
        }
      }
    }
  }
}

/** Smallest i ≥ 0 with 2i + from ≥ 0. */
function firstInside(from: i32): i32 {
  return from < 0 ? (1 - from) >> 1 : 0;
}

/**
 * dx from the transformed dy: a unit is 16 input channels of one phase, whose pixels no other phase writes. Tiles
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
  const block = phases(program, Phases.BlockTiles);
  const size = tile + 1;
  const planes = size * size;
  const depth = wholeVectors(outs);
  const row = (<usize>depth) << 2;
  const rowPlane = <usize>planeStep(block * <i32>row);
  const panelPlane = <usize>planeStep(depth << 5);
  const packedPanel = (<usize>depth) << 7;
  const productPlane = <usize>planeStep(block << 5);
  const start = blockStart(program, workspace);
  const length = blockLength(program, start);
  const columns = scratch;
  const patch = columns + 512;
  const packed = patch + 1024;
  const products = packed + 2 * packedPanel;
  const productPanel = <usize>planes * productPlane;
  const panels = products + 2 * productPanel;
  const stepPixel = (<usize>ins) << 3;
  const units = (ins + unitChannels - 1) / unitChannels;

  for (let unit = from; unit < to; unit++) {
    const phase = unit / units;
    const c = (unit % units) * unitChannels;
    const stored = min(unitChannels, ins - c);
    packPhase(packed, packedPanel, filter + ((<usize>(c * outs)) << 2), program, phase, depth, outs, stored, 1, outs);
    for (let strip = 0; strip << 3 < stored; strip++) {
      transformPhase(panels, panelPlane, packed + <usize>strip * packedPanel, depth, tile);
      multiplyPlanes(
        products + <usize>strip * productPanel,
        productPlane,
        workspace + phases(program, Phases.Rows),
        rowPlane,
        row,
        length,
        panels,
        panelPlane,
        planes,
      );
    }
    for (let t = 0; t < length; t++) {
      const line = (start + t) / wide;
      const above = line % high;
      const before = (start + t) % wide;
      const top = 2 * tile * above + (phase >> 1) - phases(program, Phases.PadTop);
      const left = 2 * tile * before + (phase & 1) - phases(program, Phases.PadLeft);
      const picture = dx + ((<usize>((line / high) * height * width * ins + c)) << 2);
      const firstRow = firstInside(top);
      const firstColumn = firstInside(left);
      const lastRow = min(size, (height - top + 1) >> 1);
      const lastColumn = min(size, (width - left + 1) >> 1);
      for (let strip = 0; strip << 3 < stored; strip++) {
        const m = products + <usize>strip * productPanel + ((<usize>t) << 5);
        inputPatch(patch, m, productPlane, tile, columns);
        const channels = min(8, stored - (strip << 3));
        for (let i = firstRow; i < lastRow; i++) {
          const at = ((top + 2 * i) * width + left + 2 * firstColumn) * ins + (strip << 3);
          let to = picture + ((<usize>at) << 2);
          let value = patch + ((<usize>(i * size + firstColumn)) << 5);
          const added = i == 0 && above > 0 ? size : before > 0 ? 1 : 0;
          let j = firstColumn;
          for (; j < min(added, lastColumn); j++, value += 32, to += stepPixel) addFloats(to, value, channels);
          for (; j < lastColumn; j++, value += 32, to += stepPixel) copyFloats(to, value, channels);
        }
      }
    }
  }
}
