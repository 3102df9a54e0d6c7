import { tileOfPanels } from "../lib/gemm-panels";
import { addFloats, copyFloats } from "../lib/pack";
import { tapsPatch, tapsPlane } from "../lib/phases-patches";
import { blockLength, blockStart, Phases, phases, planeStep, wholeVectors } from "../lib/phases-program";
import { prepareTiles, readInputTile, readOutputTile, tilesAtOnce, transformTiles } from "../lib/phases-tiles";

/**
 * Transforms a block's tiles of both inputs to panels, x to [phase, channel/4][plane][tile][4] and dy to
 * [channel/8][plane][tile][8]; a unit is some of the tiles.
 */
export function conv2dPhasesTiles(
  dFilter: usize,
  x: usize,
  dy: usize,
  program: usize,
  workspace: usize,
  scratch: usize,
  from: i32,
  to: i32,
): void {
  const ins = phases(program, Phases.InChannels);
  const outs = phases(program, Phases.OutChannels);
  const tile = phases(program, Phases.Tile);
  const unit = phases(program, Phases.UnitTiles);
  const planes = <usize>((tile + 1) * (tile + 1));
  const block = phases(program, Phases.BlockTiles);
  const rowPlane = <usize>planeStep(block << 4);
  const columnPlane = <usize>planeStep(block << 5);
  const rowPanel = rowPlane * planes;
  const columnPanel = columnPlane * planes;
  const start = blockStart(program, workspace);
  const end = min(to * unit, blockLength(program, start));
  prepareTiles(scratch, max(ins, outs));
  // Four tiles side by side fill a cache line of a row's panel.
  for (let t = from * unit; t < end; t += tilesAtOnce) {
    const count = min(tilesAtOnce, end - t);
    let at = workspace + phases(program, Phases.Rows) + ((<usize>t) << 4);
    for (let phase = 0; phase < 4; phase++, at += <usize>(wholeVectors(ins) >> 2) * rowPanel) {
      for (let i = 0; i < count; i++) readInputTile(program, x, start + t + i, phase, scratch, i);
      transformTiles(at, rowPlane, rowPanel, 16, scratch, count, ins, 0, 1, tile, false);
    }
    at = workspace + phases(program, Phases.Columns) + ((<usize>t) << 5);
    for (let i = 0; i < count; i++) readOutputTile(program, dy, start + t + i, scratch, i);
    transformTiles(at, columnPlane, columnPanel, 32, scratch, count, outs, 0, 2, tile, true);
    transformTiles(at + 16, columnPlane, columnPanel, 32, scratch, count, outs, 1, 2, tile, true);
  }
}

/** Stores 4×8 products of each plane, transformed to two by two taps, or adds them; `rows` of them exist. */
function storeTaps(
  dFilter: usize,
  products: usize,
  program: usize,
  phase: i32,
  rows: i32,
  stored: i32,
  add: bool,
  scratch: usize,
): void {
  const tile = phases(program, Phases.Tile);
  const wide = phases(program, Phases.FilterWidth);
  const row = (<usize>phases(program, Phases.OutChannels)) << 2;
  const tapStep = <usize>phases(program, Phases.InChannels) * row;
  const taps = scratch;
  const columns = scratch + 512;
  for (let i: usize = 0; i < 128; i += 16) tapsPatch(taps + i, products + i, tile, columns);
  for (let tap = 0; tap < 4; tap++) {
    const r = (tap & 2) + (phase >> 1);
    const s = ((tap & 1) << 1) + (phase & 1);
    if (r >= phases(program, Phases.FilterHeight) || s >= wide) continue;
    let y = dFilter + <usize>(r * wide + s) * tapStep;
    let from = taps + <usize>(tap * tapsPlane);
    for (let i = 0; i < rows; i++, y += row, from += 32) {
      if (add) addFloats(y, from, stored);
      else copyFloats(y, from, stored);
    }
  }
}

/**
 * dFilter from the transformed tiles, summed block after block: a unit is 4 input channels of one phase. All
 * planes of 4×8 products are computed at once and transformed to taps from the L1 cache.
 *
 * dFilter HWIO; program, workspace and scratch as planPhases wrote and counted them. Within 2e-5 of the largest
 * |dFilter| at tiles of 4×4, 4e-6 at 2×2. dFilter does not alias.
 */
export function conv2dPhasesFilter(
  dFilter: usize,
  x: usize,
  dy: usize,
  program: usize,
  workspace: usize,
  scratch: usize,
  from: i32,
  to: i32,
): void {
  const ins = phases(program, Phases.InChannels);
  const outs = phases(program, Phases.OutChannels);
  const tile = phases(program, Phases.Tile);
  const planes = (tile + 1) * (tile + 1);
  const block = phases(program, Phases.BlockTiles);
  const rowPlane = <usize>planeStep(block << 4);
  const columnPlane = <usize>planeStep(block << 5);
  const start = blockStart(program, workspace);
  const length = blockLength(program, start);
  const quads = wholeVectors(ins) >> 2;
  const products = scratch;
  const transforms = scratch + <usize>(planes * tapsPlane);
  for (let unit = from; unit < to; unit++) {
    const c = (unit % quads) << 2;
    const rows = workspace + phases(program, Phases.Rows) + <usize>(unit * planes) * rowPlane;
    let columns = workspace + phases(program, Phases.Columns);
    for (let o = 0; o < outs; o += 8) {
      for (let p = 0; p < planes; p++, columns += columnPlane) {
        tileOfPanels(rows + <usize>p * rowPlane, columns, length, products + <usize>(p * tapsPlane), 32, false);
      }
      storeTaps(
        dFilter + ((<usize>(c * outs + o)) << 2),
        products,
        program,
        unit / quads,
        min(4, ins - c),
        min(8, outs - o),
        start > 0,
        transforms,
      );
    }
  }
}
