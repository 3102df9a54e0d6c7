import { gatheredChannels, gatheredTiles, Minimal, summedChannels, summedPanels } from "../lib/conv2d-minimal-program";
import { Conv2d, Direction } from "./conv2d-shape";
import { Algorithm, Kernel, Plan, roundUp } from "./plan-conv2d";

/**
 * Bytes of a block's transformed source, and of the products that are held at a time: L2's share. From 320 to 640 and
 * from 80 to 640 KB nothing changed by more than 5 %.
 */
const blockBytes: i32 = 640 << 10;
const stripBytes: i32 = 160 << 10;
const leastUnits: i32 = 8;
const leastTiles: i32 = 32;
/**
 * Bytes of x and dy that a block of the filter-gradient transforms, and how many more it may take to sum over enough
 * tiles. Less makes for shorter sums (10 % slower at 768 KB), more leaves L2 (transforms 20 % slower at 2560 KB).
 */
const gatheredBytes: i32 = 1536 << 10;
const mostGatheredBytes: i32 = 3072 << 10;
const enoughTiles: i32 = 64;
/** A transformed filter may take no more: memory matters too. 4×4 tiles of 380, 2×2 tiles of 570 dense channels. */
const filterBytes: f64 = 20000000;
/** Bytes of a transform's temporaries, which come first in scratch, and of the outputs of a tile at an edge. */
const temporaries: i32 = 640;
const edgeTile: i32 = 512;

/**
 * FLOPs of a transform for each channel of a tile: of the input, the output, the filter and the filter-gradient's
 * two others.
 */
class Transforms {
  constructor(
    public input: f64,
    public output: f64,
    public filter: f64,
    public outputAdjoint: f64,
    public filterAdjoint: f64,
  ) {}
}

function transformsOf(tile: i32): Transforms {
  return tile == 4 ? new Transforms(264, 180, 135, 180, 162) : new Transforms(32, 24, 35, 12, 49);
}

// What these choose was measured on one core at 3.4 GHz, GFLOP/s of the definition (4×4, 2×2, GEMM), forward at
// batch 16: 64 channels @16 132, 80, 43; @4 119, 79, 44; @6 75, 85, 46; @3 66, 44, 43; @2 30, 67, 43; @1 7, 17, 38;
// 512 @4 100, 74, 41; one picture of 64 @4 20, 43, 40; of 256 @4 13, 23, 31; channels of 16 @8 78, 52, 42; of 8 @8 52,
// 33, 37; of 4 @16 21, 13, 21; groups of 16 @16 88, 54, 41; of 8 58, 36, 36; of 4 23, 15, 19.

/** What a FLOP of a transform takes, compared with one of a product: of tiles, of the filter (which is stored). */
const transformWeight: f64 = 2;
const filterWeight: f64 = 5;
/** The same of a filter that stays in the L2 cache: so many bytes, transformed. */
const nearFilterBytes: f64 = 1000000;
const nearFilterWeight: f64 = 3;
/**
 * FLOPs of the time that a call takes whatever its size, more than a direct one: a call of 16 channels @8 and two
 * pictures takes 18-29 us filtered, 16-19 us direct.
 */
const startFlops: f64 = 250000;
/** A product of few channels takes as long as one of so many more; in the filter-gradient, so many FLOPs a plane. */
const shortDepth: i32 = 4;
const stepFlops: f64 = 8;
/** Fewer channels than this leave most of a vector empty. */
const leastChannels: i32 = 4;

/** Bytes of a plane: 64 more than a multiple of a large power of two, or all planes would share a few cache sets. */
function planeBytes(bytes: i32): i32 {
  return roundUp(bytes, 64) + 64;
}

/** The fields that forward, input-gradient and filter-gradient share. */
function fields(conv: Conv2d, tile: i32): Int32Array {
  const gradient = conv.direction == Direction.InputGradient;
  const f = new Int32Array(Minimal.Length);
  const outHeight = gradient ? conv.inHeight : conv.outHeight;
  const outWidth = gradient ? conv.inWidth : conv.outWidth;
  f[Minimal.Tile] = tile;
  f[Minimal.Height] = gradient ? conv.outHeight : conv.inHeight;
  f[Minimal.Width] = gradient ? conv.outWidth : conv.inWidth;
  f[Minimal.Channels] = gradient ? conv.outChannels : conv.inChannels;
  f[Minimal.PadTop] = gradient ? 2 - conv.padTop : conv.padTop;
  f[Minimal.PadLeft] = gradient ? 2 - conv.padLeft : conv.padLeft;
  f[Minimal.OutHeight] = outHeight;
  f[Minimal.OutWidth] = outWidth;
  f[Minimal.OutChannels] = gradient ? conv.inChannels : conv.outChannels;
  f[Minimal.TilesHigh] = (outHeight + tile - 1) / tile;
  f[Minimal.TilesWide] = (outWidth + tile - 1) / tile;
  f[Minimal.Tiles] = conv.batch * f[Minimal.TilesHigh] * f[Minimal.TilesWide];
  f[Minimal.Groups] = conv.groups;
  f[Minimal.Depth] = gradient ? conv.groupOut : conv.groupIn;
  f[Minimal.Columns] = gradient ? conv.groupIn : conv.groupOut;
  f[Minimal.TapStep] = conv.groupIn * conv.outChannels;
  f[Minimal.DepthStep] = gradient ? 1 : conv.outChannels;
  f[Minimal.ColumnStep] = gradient ? conv.outChannels : 1;
  f[Minimal.GroupStep] = conv.groupOut;
  f[Minimal.Turned] = gradient ? 1 : 0;
  const joined = f[Minimal.Depth] % 4 == 0;
  f[Minimal.SourceGroups] = joined ? 1 : conv.groups;
  f[Minimal.SourceDepth] = joined ? f[Minimal.Channels] : f[Minimal.Depth];
  return f;
}

/** Forward and input-gradient. */
function planOutputs(conv: Conv2d, tile: i32): Plan {
  const f = fields(conv, tile);
  const planes = (tile + 2) * (tile + 2);
  const depth = f[Minimal.Depth];
  const panels = conv.groups * ((f[Minimal.Columns] + 7) / 8);
  const lanes = roundUp(f[Minimal.SourceDepth], 4) * f[Minimal.SourceGroups];
  const tiles = f[Minimal.Tiles];
  const fitting = max(4, (blockBytes / (planes * lanes * 4)) & ~3);
  // Enough units for several threads, unless they would be tiny.
  const blocks = max(1, max((tiles + fitting - 1) / fitting, min(leastUnits, tiles / leastTiles)));
  const block = roundUp((tiles + blocks - 1) / blocks, 4);
  f[Minimal.Block] = block;
  f[Minimal.SourcePlane] = planeBytes(4 * block * lanes);
  f[Minimal.FilterPlane] = planeBytes(32 * depth);
  f[Minimal.ProductPlane] = planeBytes(32 * block);
  f[Minimal.Strip] = max(1, min(panels, stripBytes / (planes * f[Minimal.ProductPlane])));
  f[Minimal.Outside] = temporaries + edgeTile;
  // Zeros for a row of a tile, or the copy of a tile.
  const whole = f[Minimal.SourceDepth] % 4 == 0;
  const outside = whole ? 4 * (tile + 2) * f[Minimal.Channels] : 4 * planes * roundUp(f[Minimal.SourceDepth], 4);
  f[Minimal.Source] = roundUp(f[Minimal.Outside] + outside, 64);
  const transforms = transformsOf(tile);
  const plan = new Plan(
    tile == 4 ? Algorithm.Minimal4 : Algorithm.Minimal2,
    <f64>roundUp(tiles, 4) * (2.0 * planes * depth * panels * 8 + transforms.input * lanes) +
      <f64>tiles * transforms.output * panels * 8 +
      transforms.filter * depth * panels * 8,
  );
  f[Minimal.Filter] = plan.workspace.take(<f64>panels * planes * f[Minimal.FilterPlane]);
  plan.program = f;
  plan.step(Kernel.MinimalFilter, panels, temporaries + 288.0 * depth);
  plan.step(
    Kernel.Minimal,
    (tiles + block - 1) / block,
    f[Minimal.Source] + <f64>planes * (f[Minimal.SourcePlane] + <f64>f[Minimal.Strip] * f[Minimal.ProductPlane]),
  );
  return plan;
}

/** Each block of tiles is two steps with fields of its own, over the same workspace. */
function planFilterGradient(conv: Conv2d, tile: i32): Plan {
  const f = fields(conv, tile);
  const planes = (tile + 2) * (tile + 2);
  const joined = conv.groupOut % 8 == 0;
  f[Minimal.OutGroups] = joined ? 1 : conv.groups;
  f[Minimal.OutDepth] = joined ? conv.outChannels : conv.groupOut;
  const depth = f[Minimal.Depth];
  const lanes = conv.groups * roundUp(depth, 4);
  const outLanes = conv.groups * roundUp(conv.groupOut, 8);
  const tiles = f[Minimal.Tiles];
  const bytes = planes * (lanes + outLanes) * 4;
  // In groups the transforms take longer than the sums.
  const least = conv.groups > 1 ? 0 : min(enoughTiles, mostGatheredBytes / bytes);
  const enough = max(gatheredBytes / bytes, least);
  const fitting = max(gatheredTiles, enough & -gatheredTiles);
  const fewest = (tiles + fitting - 1) / fitting;
  const block = roundUp((tiles + fewest - 1) / fewest, gatheredTiles);
  const blocks = (tiles + block - 1) / block;
  f[Minimal.Block] = block;
  f[Minimal.SourcePlane] = planeBytes(4 * block * lanes);
  f[Minimal.FilterPlane] = planeBytes(4 * block * outLanes);
  f[Minimal.Outside] = 4 * (tile + 2) * max(conv.inChannels, conv.outChannels);
  const transforms = transformsOf(tile);
  const plan = new Plan(
    tile == 4 ? Algorithm.Minimal4 : Algorithm.Minimal2,
    <f64>tiles *
      (2.0 * planes * roundUp(depth, 4) * outLanes +
        transforms.input * lanes +
        transforms.outputAdjoint * outLanes) +
      <f64>blocks * transforms.filterAdjoint * depth * outLanes,
  );
  f[Minimal.Source] = plan.workspace.take(<f64>planes * f[Minimal.SourcePlane]);
  f[Minimal.Filter] = plan.workspace.take(<f64>planes * f[Minimal.FilterPlane]);
  const program = new Int32Array(blocks * Minimal.Length);
  const bands = (depth + summedChannels - 1) / summedChannels;
  const strips = ((conv.groupOut + 7) / 8 + summedPanels - 1) / summedPanels;
  for (let i = 0; i < blocks; i++) {
    f[Minimal.First] = i * block;
    f[Minimal.Count] = min(block, tiles - i * block);
    const place = i * Minimal.Length;
    for (let j = 0; j < Minimal.Length; j++) program[place + j] = f[j];
    const units = (f[Minimal.Count] + gatheredTiles - 1) / gatheredTiles;
    const patch = 4.0 * planes * gatheredChannels;
    plan.step(Kernel.MinimalGather, units, <f64>temporaries + f[Minimal.Outside] + patch, place);
    plan.step(
      Kernel.MinimalSum,
      conv.groups * bands * strips,
      <f64>temporaries + 288 + 128.0 * planes * (summedChannels / 4) * summedPanels,
      place,
    );
  }
  plan.program = program;
  return plan;
}

/** Bytes of a transformed filter; the filter-gradient transforms none. */
function filterSize(conv: Conv2d, tile: i32): f64 {
  if (conv.direction == Direction.FilterGradient) return 0;
  return 4.0 * (tile + 2) * (tile + 2) * conv.groups * roundUp(conv.groupIn, 8) * roundUp(conv.groupOut, 8);
}

/** FLOPs of products, and FLOPs at the products' rate that all else takes the time of. */
function effort(conv: Conv2d, tile: i32): f64 {
  const f = fields(conv, tile);
  const t = transformsOf(tile);
  const planes = (tile + 2) * (tile + 2);
  const depth = <f64>f[Minimal.Depth];
  const columns = <f64>roundUp(f[Minimal.Columns], 8);
  const tiles = <f64>f[Minimal.Tiles];
  if (conv.direction == Direction.FilterGradient) {
    const blocks = Math.ceil((tiles * planes * conv.groups * (depth + columns) * 4) / gatheredBytes);
    return (
      conv.groups *
      (tiles * (2.0 * planes * depth * columns + transformWeight * (t.input * depth + t.outputAdjoint * columns)) +
        blocks * (transformWeight * t.filterAdjoint + planes * stepFlops) * depth * columns)
    );
  }
  return (
    conv.groups *
    (roundUp(f[Minimal.Tiles], 4) *
      (2.0 * planes * (depth + shortDepth) * columns + transformWeight * (t.input * depth + t.output * columns)) +
      (filterSize(conv, tile) > nearFilterBytes ? filterWeight : nearFilterWeight) * t.filter * depth * columns)
  );
}

/** The same of the direct algorithms. */
function directEffort(conv: Conv2d): f64 {
  const columns = conv.direction == Direction.InputGradient ? conv.groupIn : conv.groupOut;
  return (conv.flops() / columns) * roundUp(columns, 4);
}

/**
 * Minimal filtering (Winograd 1980; Lavin & Gray 2015, arXiv 1509.09308), where it is allowed and faster than the
 * definition; else null.
 */
export function planMinimal(conv: Conv2d): Plan | null {
  const fits =
    conv.filterHeight == 3 &&
    conv.filterWidth == 3 &&
    conv.strideHeight == 1 &&
    conv.strideWidth == 1 &&
    conv.dilationHeight == 1 &&
    conv.dilationWidth == 1;
  if (!fits || conv.filtering == 0) return null;
  let tile = abs(conv.filtering);
  if (conv.filtering > 0) {
    // Depthwise layers and single colours have kernels of their own.
    if (conv.groupIn < leastChannels || conv.groupOut < leastChannels) return null;
    if (tile == 4 && (filterSize(conv, 4) > filterBytes || effort(conv, 2) < effort(conv, 4))) tile = 2;
    if (filterSize(conv, tile) > filterBytes) return null;
    if (directEffort(conv) <= effort(conv, tile) + startFlops) return null;
  }
  return conv.direction == Direction.FilterGradient ? planFilterGradient(conv, tile) : planOutputs(conv, tile);
}
