import { Phases } from "../lib/phases-program";
import { Conv2d, Direction } from "./conv2d-shape";
import { Algorithm, Kernel, Plan, roundUp, tileColumns, tileRows } from "./plan-conv2d";

/** Bytes of transformed tiles at once: most of an L2 cache of 2 MB. */
const blockBytes: f64 = 1700000;
/** The same for a filter-gradient: sums over 32 tiles take a tenth longer than over 64. */
const filterBlockBytes: f64 = 2600000;
/** Bytes that a unit transforms: some 20 microseconds. */
const unitBytes: f64 = 100000;
// Measured on one core of 2.3 GHz, simd and relaxed alike: a vector of 4 channels and 25 planes is transformed in
// 20-25 ns, the time of 1000 FLOPs of a product, a filter's in half of that. The choices that follow from it were
// faster than the direct algorithms from 8 channels up: 1.3 times at 8 to 16, 2.1 times at 64 to 128.

/** A value of a transformed tile, or of products transformed back, is as dear as so many FLOPs. */
const tileFlops: f64 = 10;
/** The same for a filter's taps. */
const tapFlops: f64 = 5;
/** Finding a tile's pixels takes as long as so many channels; copying a rest of less than 4 channels, as more. */
const pixelChannels: i32 = 8;
const restChannels: i32 = 64;
/** Starting and storing a 4×8 tile of a product takes as long as so many terms of its sums. */
const startTerms: f64 = 8;
/** Packing a float32 for the direct algorithms is as dear as so many FLOPs. */
const packFlops: f64 = 12;

/** FLOPs of the time that a call's additional step takes, 1-2 us. */
const startFlops: f64 = 60000;

/** Tiles of a block are a multiple of so many. */
const groupTiles: i32 = 16;

/** Tiles of a block at most: of 128 tiles, the products fall out of the L2 cache, 7 % slower at 64 to 128 channels. */
const mostTiles: i32 = 64;
/** Units of the products at least, where there are channels enough. */
const leastUnits: i32 = 8;

/** Channels of a unit: whole cache lines are read and written, of a forward's filter two at a time. */
function channelsOfUnit(columns: i32, gradient: bool): i32 {
  const phases = gradient ? 4 : 1;
  let channels = gradient ? 16 : 32;
  while (channels > tileColumns && phases * columns < leastUnits * channels) channels /= 2;
  return channels;
}

/** Channels of a pixel, with what reading its tile adds to their transform. */
function channelsRead(channels: i32): f64 {
  return roundUpTo4(channels) + pixelChannels + (channels % 4 == 0 ? 0 : restChannels);
}

/** What the definition costs as a product of matrices, in FLOPs of long products. */
function directCost(conv: Conv2d): f64 {
  const taps = conv.filterHeight * conv.filterWidth;
  const pixels = <f64>(conv.outHeight * conv.outWidth) * conv.batch;
  const ins: f64 = conv.inChannels;
  const outs: f64 = conv.outChannels;
  if (conv.direction == Direction.FilterGradient) {
    return pixels * (2 * taps * ins * roundUp(conv.outChannels, 4) + packFlops * (taps * ins + outs));
  }
  const filter = packFlops * taps * ins * outs;
  if (conv.direction == Direction.InputGradient) return 2 * pixels * taps * ins * (outs + startTerms) + filter;
  return 2 * pixels * (taps * ins + startTerms) * roundUp(conv.outChannels, 4) + filter;
}

function roundUpTo4(channels: i32): i32 {
  return roundUp(channels, 4);
}

/** Where two planes of so many bytes follow each other; phases-program.ts says why. */
function planeStep(bytes: f64): f64 {
  return bytes + 64;
}

/** Stride 2 both ways and three or four taps: phases of up to 2×2 taps. */
function hasPhases(conv: Conv2d): bool {
  return (
    conv.groups == 1 &&
    conv.strideHeight == 2 &&
    conv.strideWidth == 2 &&
    conv.dilationHeight == 1 &&
    conv.dilationWidth == 1 &&
    conv.filterHeight > 2 &&
    conv.filterWidth > 2 &&
    conv.filterHeight <= 4 &&
    conv.filterWidth <= 4 &&
    conv.padTop >= 0 &&
    conv.padLeft >= 0
  );
}

function phasesPlan(conv: Conv2d, tile: i32): Plan {
  const gradient = conv.direction == Direction.InputGradient;
  const filter = conv.direction == Direction.FilterGradient;
  const planes = <f64>((tile + 1) * (tile + 1));
  let height = conv.outHeight;
  let width = conv.outWidth;
  if (gradient) {
    // Tiles cover the last pixels of dx even where no output reads them.
    height = max(height, (conv.inHeight - 1 + conv.padTop) / 2);
    width = max(width, (conv.inWidth - 1 + conv.padLeft) / 2);
  }
  const high = (height + tile - 1) / tile;
  const wide = (width + tile - 1) / tile;
  const tiles = conv.batch * high * wide;
  const ins = roundUpTo4(conv.inChannels);
  const outs = roundUpTo4(conv.outChannels);
  const rowFloats: f64 = gradient ? outs : 4.0 * ins;
  const columnFloats: f64 = filter ? roundUp(conv.outChannels, tileColumns) : 0;
  const tileBytes = 4 * planes * (rowFloats + columnFloats);
  const block = min(
    filter ? roundUp(tiles, groupTiles) : min(mostTiles, roundUp(tiles, groupTiles)),
    max(groupTiles, (<i32>((filter ? filterBlockBytes : blockBytes) / tileBytes) / groupTiles) * groupTiles),
  );
  const unit = roundUpTo4(max(1, <i32>(unitBytes / tileBytes)));
  const blocks = (tiles + block - 1) / block;

  const plan = new Plan(tile == 4 ? Algorithm.Phases4 : Algorithm.Phases2, 0);
  plan.program = new Int32Array(Phases.Length);
  plan.set(Phases.InHeight, conv.inHeight);
  plan.set(Phases.InWidth, conv.inWidth);
  plan.set(Phases.InChannels, conv.inChannels);
  plan.set(Phases.OutHeight, conv.outHeight);
  plan.set(Phases.OutWidth, conv.outWidth);
  plan.set(Phases.OutChannels, conv.outChannels);
  plan.set(Phases.FilterHeight, conv.filterHeight);
  plan.set(Phases.FilterWidth, conv.filterWidth);
  plan.set(Phases.PadTop, conv.padTop);
  plan.set(Phases.PadLeft, conv.padLeft);
  plan.set(Phases.Tile, tile);
  plan.set(Phases.TilesHigh, high);
  plan.set(Phases.TilesWide, wide);
  plan.set(Phases.Tiles, tiles);
  plan.set(Phases.BlockTiles, block);
  plan.set(Phases.UnitTiles, unit);
  plan.set(Phases.Block, plan.workspace.take(4));

  let products: f64;
  let transformed: f64;
  let kernel: Kernel;
  let transform: Kernel;
  let units: i32;
  let scratch: f64;
  const depth: f64 = gradient ? outs : ins;
  if (filter) {
    transform = Kernel.PhasesTiles;
    kernel = Kernel.PhasesFilter;
    units = ins;
    scratch = planes * 128 + 1024;
    const rowPanels = planes * planeStep(16.0 * block);
    plan.set(Phases.Rows, plan.workspace.take(ins * rowPanels));
    plan.set(Phases.Columns, plan.workspace.take((columnFloats / 8) * planes * planeStep(32.0 * block)));
    products = (tiles + startTerms * blocks) * 4 * ins * columnFloats;
    transformed =
      tileFlops * tiles * (4 * channelsRead(conv.inChannels) + channelsRead(conv.outChannels)) +
      tapFlops * blocks * 4 * ins * columnFloats;
  } else {
    transform = gradient ? Kernel.PhasesOutput : Kernel.PhasesInput;
    kernel = gradient ? Kernel.PhasesGradient : Kernel.PhasesForward;
    const columns = roundUp(gradient ? conv.inChannels : conv.outChannels, tileColumns);
    const unitChannels = channelsOfUnit(columns, gradient);
    plan.set(Phases.UnitChannels, unitChannels);
    units = ((columns + unitChannels - 1) / unitChannels) * (gradient ? 4 : 1);
    // A tile's values on its way back, packed taps, products and transformed taps.
    const strips = unitChannels / tileColumns;
    scratch =
      1536 +
      strips * (128 * rowFloats + planes * planeStep(32.0 * block)) +
      planes * planeStep(32 * rowFloats);
    plan.set(Phases.Rows, plan.workspace.take(planes * planeStep(4 * rowFloats * block)));
    products = <f64>roundUp(tiles, tileRows) * columns * (gradient ? 4 * (outs + startTerms) : rowFloats + startTerms);
    transformed =
      tileFlops * tiles * (gradient ? channelsRead(conv.outChannels) + 4 * columns : 4 * channelsRead(conv.inChannels) + columns) +
      tapFlops * blocks * 4 * depth * columns;
  }
  plan.cost = planes * (2 * products + transformed);
  const pixels = 1600 + 4.0 * roundUp(max(ins, outs), 16);
  plan.step(Kernel.PhasesFirst, 1, 0);
  for (let i = 0; i < blocks; i++) {
    if (i > 0) plan.step(Kernel.PhasesNext, 1, 0);
    const length = min(block, tiles - i * block);
    plan.step(transform, (length + unit - 1) / unit, pixels);
    plan.step(kernel, units, scratch);
  }
  return plan;
}

/** Fewer channels than a vector leave the products too short: 3 to 64 at 32x32 takes 1.1 to 1.3 times as long. */
const leastChannels: i32 = 4;

/**
 * Minimal filtering of a strided convolution's phases, where it is allowed and faster than the direct algorithms;
 * else null.
 */
export function planPhases(conv: Conv2d): Plan | null {
  const filtering = conv.filtering;
  if (filtering == 0 || !hasPhases(conv)) return null;
  if (filtering < 0) return phasesPlan(conv, -filtering);
  if (min(conv.inChannels, conv.outChannels) < leastChannels) return null;
  let best = phasesPlan(conv, 2);
  if (filtering == 4) {
    const larger = phasesPlan(conv, 4);
    if (larger.cost < best.cost) best = larger;
  }
  return best.cost + startFlops < directCost(conv) ? best : null;
}
