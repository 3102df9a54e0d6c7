import { addFloats, copyFloats } from "../lib/pack";
import { packPhase, transformPhase } from "../lib/phases-filter";
import { inputPatch } from "../lib/phases-patches";
import { multiplyPlanes } from "../lib/phases-product";
import { blockLength, blockStart, Phases, phases, planeStep, wholeVectors } from "../lib/phases-program";
import { prepareTiles, readOutputTile, transformTiles } from "../lib/phases-tiles";

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
    readOutputTile(program, dy, start + t, scratch, 0);
    const at = workspace + phases(program, Phases.Rows) + <usize>t * row;
    transformTiles(at, plane, 16, 0, scratch, 1, channels, 0, 1, phases(program, Phases.Tile), true);
  }
}

/** Smallest i ≥ 0 with 2i + from ≥ 0. */
function firstInside(from: i32): i32 {
  return from < 0 ? (1 - from) >> 1 : 0;
}

/**
 * dx from the transformed dy: a unit is some input channels of one phase, whose pixels no other phase writes. Tiles
 * meet in one row and column of pixels, to which the later tile adds.
 *
 * dx [batch, inHeight, inWidth, inChannels], filter HWIO; program, workspace and scratch as planPhases wrote and
 * counted them. Within 2e-5 of the largest |dx| at tiles of 4×4, 4e-6 at 2×2. dx does not alias.
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
  const unitChannels = phases(program, Phases.UnitChannels);
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
  const products = packed + <usize>(unitChannels >> 3) * packedPanel;
  const productPanel = <usize>planes * productPlane;
  const panels = products + <usize>(unitChannels >> 3) * productPanel;
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
          if (channels == 8) {
            for (; j < lastColumn; j++, value += 32, to += stepPixel) {
              v128.store(to, v128.load(value));
              v128.store(to, v128.load(value, 16), 16);
            }
          }
          for (; j < lastColumn; j++, value += 32, to += stepPixel) copyFloats(to, value, channels);
        }
      }
    }
  }
}
