import { field } from "../lib/conv2d-program";
import { gatheredChannels, gatheredTiles, Minimal, summedChannels, summedPanels } from "../lib/conv2d-minimal-program";
import {
  copyTile,
  findTile,
  multiplyPanel,
  temporaries,
  transformFilterAdjoint,
  transformTile,
} from "../lib/minimal";

/**
 * Transforms the same tiles of a picture's channels into panels [plane][channels/lanes][tile][lanes] of `lanes` 4 or
 * 8, `adjoint` by the matrix of the output. `height`, `width`, `channels` are the picture's, `groups` its groups.
 */
function gather(
  planes: usize,
  plane: usize,
  lanes: i32,
  adjoint: bool,
  x: usize,
  height: i32,
  width: i32,
  channels: i32,
  groups: i32,
  depth: i32,
  padTop: i32,
  padLeft: i32,
  program: usize,
  from: i32,
  to: i32,
  scratch: usize,
): void {
  const tile = field(program, Minimal.Tile);
  const first = field(program, Minimal.First);
  const wide = field(program, Minimal.TilesWide);
  const tiles = field(program, Minimal.TilesHigh) * wide;
  const panel = (<usize>(field(program, Minimal.Block) * lanes)) << 2;
  const size = adjoint ? tile : tile + 2;
  const perGroup = (depth + lanes - 1) / lanes;
  const outside = scratch + temporaries;
  for (let g = 0; g < groups; g++) {
    for (let c = 0; c < depth; c += gatheredChannels) {
      const count = min(gatheredChannels, depth - c);
      const whole = (count + lanes - 1) & -lanes;
      const inPlace = whole == count;
      const pixel = (<usize>(inPlace ? channels : whole)) << 2;
      const panels = planes + <usize>(g * perGroup + c / lanes) * panel;
      for (let t = from; t < to; t++) {
        const picture = (first + t) / tiles;
        const place = first + t - picture * tiles;
        const row = (place / wide) * tile - padTop;
        const column = (place % wide) * tile - padLeft;
        const source = x + ((<usize>(picture * height * width * channels + g * depth + c)) << 2);
        if (inPlace) findTile(scratch, source, height, width, channels, row, column, size, outside);
        else {
          const patch = outside + <usize>field(program, Minimal.Outside);
          copyTile(scratch, source, height, width, channels, row, column, size, patch, count, whole);
        }
        const y = panels + ((<usize>(t * lanes)) << 2);
        if (lanes == 4) {
          transformTile(tile, adjoint, y, plane, panel, 0, pixel, whole >> 2, scratch);
          continue;
        }
        for (let i = 0; i < whole; i += lanes) {
          const at = y + <usize>(i / lanes) * panel;
          transformTile(tile, adjoint, at, plane, 16, (<usize>i) << 2, pixel, 2, scratch);
        }
      }
    }
  }
}

/**
 * First step of a block of the filter-gradient: transforms its tiles of x and dy. A unit is a few tiles.
 *
 * x [batch, height, width, channels], dy [batch, ...]; program (of the block) and sizes of workspace and scratch as
 * planConv2d wrote them.
 */
export function conv2dMinimalGather(
  _dFilter: usize, x: usize, dy: usize, program: usize, workspace: usize, scratch: usize, from: i32, to: i32,
): void {
  const first = from * gatheredTiles;
  const last = min(to * gatheredTiles, field(program, Minimal.Count));
  memory.fill(scratch + temporaries, 0, <usize>field(program, Minimal.Outside));
  gather(
    workspace + field(program, Minimal.Source),
    field(program, Minimal.SourcePlane),
    4,
    false,
    x,
    field(program, Minimal.Height),
    field(program, Minimal.Width),
    field(program, Minimal.Channels),
    field(program, Minimal.SourceGroups),
    field(program, Minimal.SourceDepth),
    field(program, Minimal.PadTop),
    field(program, Minimal.PadLeft),
    program,
    first,
    last,
    scratch,
  );
  gather(
    workspace + field(program, Minimal.Filter),
    field(program, Minimal.FilterPlane),
    8,
    true,
    dy,
    field(program, Minimal.OutHeight),
    field(program, Minimal.OutWidth),
    field(program, Minimal.OutChannels),
    field(program, Minimal.OutGroups),
    field(program, Minimal.OutDepth),
    0,
    0,
    program,
    first,
    last,
    scratch,
  );
}

/** y[tap][0…width] (+)= x[tap][8] for nine taps, `tap` bytes apart. */
function addTaps(y: usize, tap: usize, x: usize, width: i32, add: bool): void {
  for (let r = 0; r < 9; r++, y += tap, x += 32) {
    if (width == 8) {
      let low = v128.load(x);
      let high = v128.load(x, 16);
      if (add) {
        low = f32x4.add(low, v128.load(y));
        high = f32x4.add(high, v128.load(y, 16));
      }
      v128.store(y, low);
      v128.store(y, high, 16);
      continue;
    }
    for (let i: usize = 0; i < <usize>width; i++) {
      const value = load<f32>(x + (i << 2));
      store<f32>(y + (i << 2), add ? value + load<f32>(y + (i << 2)) : value);
    }
  }
}

/**
 * Second step of a block of the filter-gradient: sums the products of its tiles, transforms the sums back and adds
 * them to dFilter (the first block writes). A unit is a few input by a few output channels of a group, whose sums of
 * all planes it holds.
 *
 * dFilter HWIO; program (of the block) and sizes of workspace and scratch as planConv2d wrote them. For normal
 * numbers, errors against float64 stay below 3e-6 (4×4) or 1e-6 (2×2) of the largest output.
 */
export function conv2dMinimalSum(
  dFilter: usize, _x: usize, _dy: usize, program: usize, workspace: usize, scratch: usize, from: i32, to: i32,
): void {
  const tile = field(program, Minimal.Tile);
  const depth = field(program, Minimal.Depth);
  const columns = field(program, Minimal.Columns);
  const block = field(program, Minimal.Block);
  const count = field(program, Minimal.Count);
  const add = field(program, Minimal.First) > 0;
  const tapStep = (<usize>field(program, Minimal.TapStep)) << 2;
  const sourcePlane = <usize>field(program, Minimal.SourcePlane);
  const filterPlane = <usize>field(program, Minimal.FilterPlane);
  const planes = <usize>((tile + 2) * (tile + 2));
  const perGroup = (columns + 7) >> 3;
  const rows = (depth + 3) >> 2;
  const bands = (depth + summedChannels - 1) / summedChannels;
  const strips = (perGroup + summedPanels - 1) / summedPanels;
  const panel = (<usize>block) << 4;
  const edge = scratch + temporaries;
  const sums = edge + 9 * 32;
  for (let unit = from; unit < to; unit++) {
    const group = unit / (bands * strips);
    const place = unit - group * bands * strips;
    const strip = place / bands;
    const first = (place - strip * bands) * (summedChannels / 4);
    const end = min(rows, first + summedChannels / 4);
    const across = min(summedPanels, perGroup - strip * summedPanels);
    const left = workspace + field(program, Minimal.Source) + <usize>(group * rows + first) * panel;
    const right =
      workspace + field(program, Minimal.Filter) + <usize>(group * perGroup + strip * summedPanels) * 2 * panel;
    for (let p: usize = 0; p < planes; p++) {
      for (let i: usize = 0; i < <usize>across; i++) {
        multiplyPanel(
          sums + ((i * (summedChannels / 4) * planes + p) << 7),
          planes << 7,
          left + p * sourcePlane,
          panel,
          right + p * filterPlane + i * 2 * panel,
          end - first,
          count,
        );
      }
    }
    for (let i = 0; i < across; i++) {
      const column = (strip * summedPanels + i) << 3;
      const width = min(8, columns - column);
      for (let c = first * 4; c < min(depth, end * 4); c++) {
        const at = c - first * 4;
        const x =
          sums + ((<usize>(i * (summedChannels / 4) + (at >> 2)) * planes) << 7) + ((<usize>(at & 3)) << 5);
        transformFilterAdjoint(tile, edge, 32, x, 128, 2, scratch);
        const to = c * field(program, Minimal.DepthStep) + group * field(program, Minimal.GroupStep) + column;
        addTaps(dFilter + ((<usize>to) << 2), tapStep, edge, width, add);
      }
    }
  }
}
