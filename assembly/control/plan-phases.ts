import { Phases } from "../lib/phases-program";
import { Conv2d, Direction } from "./conv2d-shape";
import { Algorithm, Kernel, Plan, roundUp, tileColumns, tileRows } from "./plan-conv2d";

/** Bytes of transformed tiles at once: most of an L2 cache of 2 MB. */
const blockBytes: f64 = 1700000;
/** Bytes that a unit transforms: some 20 microseconds. */
const unitBytes: f64 = 100000;
/** Channels that a unit of the products writes, a cache line of each pixel. */
const unitChannels: i32 = 16;
/** Tiles of a block are a multiple of so many. */
const groupTiles: i32 = 16;

function roundUpTo4(channels: i32): i32 {
  return roundUp(channels, 4);
}

/** Where two planes of so many bytes follow each other; phases-program.ts says why. */
function planeStep(bytes: f64): f64 {
  return bytes + 64;
}

/** Outputs, and taps, of at most 4×4 with stride 2 that have phases of up to 2×2 taps. */
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
    roundUp(tiles, groupTiles),
    max(groupTiles, (<i32>(blockBytes / tileBytes) / groupTiles) * groupTiles),
  );
  const unit = max(1, <i32>(unitBytes / tileBytes));
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
  let kernel: Kernel;
  let transform: Kernel;
  let units: i32;
  let scratch: f64;
  const depth: f64 = gradient ? outs : ins;
  if (filter) {
    transform = Kernel.PhasesTiles;
    kernel = Kernel.PhasesFilter;
    units = ins;
    scratch = planes * 128 + 512;
    const rowPanels = planes * planeStep(16.0 * block);
    plan.set(Phases.Rows, plan.workspace.take(ins * rowPanels));
    plan.set(Phases.Columns, plan.workspace.take((columnFloats / 8) * planes * planeStep(32.0 * block)));
    products = <f64>tiles * 4 * ins * columnFloats;
  } else {
    transform = gradient ? Kernel.PhasesOutput : Kernel.PhasesInput;
    kernel = gradient ? Kernel.PhasesGradient : Kernel.PhasesForward;
    const columns = roundUp(gradient ? conv.inChannels : conv.outChannels, tileColumns);
    units = ((columns + unitChannels - 1) / unitChannels) * (gradient ? 4 : 1);
    // A tile's values on its way back, packed taps, products and transformed taps.
    scratch = 1536 + 2 * (32 * 4 * rowFloats) + planes * (2 * planeStep(32.0 * block) + planeStep(32 * rowFloats));
    plan.set(Phases.Rows, plan.workspace.take(planes * planeStep(4 * rowFloats * block)));
    products = <f64>roundUp(tiles, tileRows) * 4 * columns * depth;
  }
  plan.cost = 2 * planes * products;
  const pixels = 1280 + 4.0 * roundUp(max(ins, outs), 16);
  plan.step(Kernel.PhasesFirst, 1, 0);
  for (let i = 0; i < blocks; i++) {
    if (i > 0) plan.step(Kernel.PhasesNext, 1, 0);
    const length = min(block, tiles - i * block);
    plan.step(transform, (length + unit - 1) / unit, pixels);
    plan.step(kernel, units, scratch);
  }
  return plan;
}

/** Minimal filtering of a strided convolution's phases, or null where another algorithm is faster. */
export function planPhases(conv: Conv2d): Plan | null {
  if (conv.filtering < 2 || !hasPhases(conv)) return null;
  return phasesPlan(conv, conv.filtering);
}
