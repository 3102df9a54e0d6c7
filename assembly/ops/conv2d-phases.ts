import { copyFloats } from "../lib/pack";
import { packPhase, transformPhase } from "../lib/phases-filter";
import { outputPatch } from "../lib/phases-patches";
import { multiplyPlanes } from "../lib/phases-product";
import { blockLength, blockStart, Phases, phases, planeStep, wholeVectors } from "../lib/phases-program";
import { prepareTiles, readInputTile, transformTiles } from "../lib/phases-tiles";

// A 4×4 convolution of stride 2 is the sum over four phases, the parities of the padded input's rows and columns,
// of 2×2 convolutions of stride 1, which minimal filtering computes in (tile + 1)² products of matrices for
// tile² outputs. A smaller filter counts as one of 4×4 with zeros.

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
      readInputTile(program, x, start + t, phase, scratch, 0);
      transformTiles(at, plane, 16, 0, scratch, 1, channels, 0, 1, tile, false);
    }
  }
}

/**
 * y from the transformed input: a unit transforms the filter of some output channels, multiplies all planes of the
 * block's tiles and transforms each tile's products to its outputs.
 *
 * y [batch, outHeight, outWidth, outChannels], filter HWIO; program, workspace and scratch as planPhases wrote
 * and counted them. Within 2e-5 of the largest |y| at tiles of 4×4, 4e-6 at 2×2. y does not alias.
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
  const unitChannels = phases(program, Phases.UnitChannels);
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
  const products = packed + <usize>(unitChannels >> 3) * packedPanel;
  const productPanel = <usize>planes * productPlane;
  const panels = products + <usize>(unitChannels >> 3) * productPanel;

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
