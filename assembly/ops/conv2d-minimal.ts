import { field } from "../lib/conv2d-program";
import { Minimal } from "../lib/conv2d-minimal-program";
import {
  copyTile,
  findTile,
  multiplyRows,
  temporaries,
  transformFilter,
  transformOutput,
  transformTile,
} from "../lib/minimal";
import { copyFloats, packColumns } from "../lib/pack";

/**
 * First step of conv2dMinimal: transforms the filter into panels [group][outputs/8][plane][depth][8]. A unit is
 * one panel.
 *
 * filter HWIO; program and sizes of workspace and scratch as planConv2d wrote them.
 */
export function conv2dMinimalFilter(
  _y: usize, _x: usize, filter: usize, program: usize, workspace: usize, scratch: usize, from: i32, to: i32,
): void {
  const tile = field(program, Minimal.Tile);
  const depth = field(program, Minimal.Depth);
  const columns = field(program, Minimal.Columns);
  const tapStep = field(program, Minimal.TapStep);
  const depthStep = field(program, Minimal.DepthStep);
  const columnStep = field(program, Minimal.ColumnStep);
  const groupStep = field(program, Minimal.GroupStep);
  const turned = field(program, Minimal.Turned);
  const plane = <usize>field(program, Minimal.FilterPlane);
  const panel = <usize>((tile + 2) * (tile + 2)) * plane;
  const perGroup = (columns + 7) >> 3;
  const tap = (<usize>depth) << 5;
  const taps = scratch + temporaries;
  for (let j = from; j < to; j++) {
    const group = j / perGroup;
    const first = (j - group * perGroup) << 3;
    const place = group * groupStep + first * columnStep;
    for (let r = 0; r < 9; r++) {
      packColumns(
        taps + <usize>r * tap,
        depth,
        filter + ((<usize>((turned ? 8 - r : r) * tapStep + place)) << 2),
        depth,
        min(8, columns - first),
        depthStep,
        columnStep,
      );
    }
    const y = workspace + field(program, Minimal.Filter) + <usize>j * panel;
    for (let k: usize = 0; k < tap; k += 16) transformFilter(tile, y + k, plane, taps + k, tap, scratch);
  }
}

/** Transforms all channels of tiles `first` and on into rows of each plane; past the last tile it repeats that. */
function transformTiles(
  planes: usize, x: usize, program: usize, first: i32, count: i32, step: usize, scratch: usize, outside: usize,
): void {
  const tile = field(program, Minimal.Tile);
  const height = field(program, Minimal.Height);
  const width = field(program, Minimal.Width);
  const channels = field(program, Minimal.Channels);
  const groups = field(program, Minimal.SourceGroups);
  const depth = field(program, Minimal.SourceDepth);
  const wide = field(program, Minimal.TilesWide);
  const tiles = field(program, Minimal.TilesHigh) * wide;
  const last = field(program, Minimal.Tiles) - 1;
  const plane = <usize>field(program, Minimal.SourcePlane);
  const size = tile + 2;
  const lanes = (depth + 3) & ~3;
  const whole = lanes == depth;
  const pixel = (<usize>(whole ? channels : lanes)) << 2;
  const end = (<usize>lanes) << 2;
  for (let t = first; t < first + count; t++, planes += step) {
    const at = min(t, last);
    const picture = at / tiles;
    const place = at - picture * tiles;
    const row = (place / wide) * tile - field(program, Minimal.PadTop);
    const column = (place % wide) * tile - field(program, Minimal.PadLeft);
    for (let g = 0; g < groups; g++) {
      const source = x + ((<usize>(picture * height * width * channels + g * depth)) << 2);
      if (whole) findTile(scratch, source, height, width, channels, row, column, size, outside);
      else copyTile(scratch, source, height, width, channels, row, column, size, outside, depth, lanes);
      transformTile(tile, false, planes + <usize>g * end, plane, 16, 0, pixel, lanes >> 2, scratch);
    }
  }
}

/** Transforms a tile's products back: the outputs of panels `from` to before `to`. */
function writeTile(y: usize, program: usize, t: i32, from: i32, to: i32, products: usize, scratch: usize): void {
  const tile = field(program, Minimal.Tile);
  const plane = <usize>field(program, Minimal.ProductPlane);
  const outHeight = field(program, Minimal.OutHeight);
  const outWidth = field(program, Minimal.OutWidth);
  const channels = field(program, Minimal.OutChannels);
  const columns = field(program, Minimal.Columns);
  const wide = field(program, Minimal.TilesWide);
  const tiles = field(program, Minimal.TilesHigh) * wide;
  const perGroup = (columns + 7) >> 3;
  const panel = <usize>((tile + 2) * (tile + 2)) * plane;
  const picture = t / tiles;
  const place = t - picture * tiles;
  const row = (place / wide) * tile;
  const column = (place % wide) * tile;
  const pixel = y + ((<usize>(((picture * outHeight + row) * outWidth + column) * channels)) << 2);
  const stepPixel = (<usize>channels) << 2;
  const stepRow = <usize>outWidth * stepPixel;
  const high = min(tile, outHeight - row);
  const across = min(tile, outWidth - column);
  const whole = high == tile && across == tile;
  const edge = scratch + temporaries;
  const edgeRow = (<usize>tile) << 5;
  for (let j = from; j < to; j++, products += panel) {
    const group = j / perGroup;
    const first = (j - group * perGroup) << 3;
    const width = min(8, columns - first);
    const at = pixel + ((<usize>(group * columns + first)) << 2);
    if (whole && width == 8) {
      transformOutput(tile, at, stepRow, stepPixel, products, plane, 2, scratch);
      continue;
    }
    transformOutput(tile, edge, edgeRow, 32, products, plane, width > 4 ? 2 : 1, scratch);
    for (let i: usize = 0; i < <usize>high; i++) {
      for (let k: usize = 0; k < <usize>across; k++) {
        copyFloats(at + i * stepRow + k * stepPixel, edge + i * edgeRow + (k << 5), width);
      }
    }
  }
}

/**
 * 3×3 convolution of stride 1, or its input-gradient, by minimal filtering of 4×4 or 2×2 outputs at a time. Second
 * step, after conv2dMinimalFilter. A unit is a block of tiles: all their channels are transformed, then strips of
 * outputs are multiplied and transformed back, so that a block stays in the L2 cache.
 *
 * y [batch, ...], x [batch, height, width, channels]; program and sizes of workspace and scratch as planConv2d wrote
 * them. y does not alias. For normal numbers, errors against float64
 * stay below 5e-6 (4×4) or 1.1e-6 (2×2) of the largest output up to 512 channels.
 */
export function conv2dMinimal(
  y: usize, x: usize, _filter: usize, program: usize, workspace: usize, scratch: usize, from: i32, to: i32,
): void {
  const tile = field(program, Minimal.Tile);
  const depth = field(program, Minimal.Depth);
  const columns = field(program, Minimal.Columns);
  const tiles = field(program, Minimal.Tiles);
  const block = field(program, Minimal.Block);
  const strip = field(program, Minimal.Strip);
  const sourceDepth = (field(program, Minimal.SourceDepth) + 3) & ~3;
  const step = (<usize>(sourceDepth * field(program, Minimal.SourceGroups))) << 2;
  const sourcePlane = <usize>field(program, Minimal.SourcePlane);
  const filterPlane = <usize>field(program, Minimal.FilterPlane);
  const productPlane = <usize>field(program, Minimal.ProductPlane);
  const planes = <usize>((tile + 2) * (tile + 2));
  const perGroup = (columns + 7) >> 3;
  const panels = perGroup * field(program, Minimal.Groups);
  // With one group for all channels, a product's group is part of it.
  const groupDepth = (depth + 3) & ~3;
  const filters = workspace + field(program, Minimal.Filter);
  const source = scratch + field(program, Minimal.Source);
  // Pixels outside the picture, or a tile's copy.
  const outside = scratch + field(program, Minimal.Outside);
  const products = source + planes * sourcePlane;
  memory.fill(outside, 0, <usize>(field(program, Minimal.Source) - field(program, Minimal.Outside)));
  for (let unit = from; unit < to; unit++) {
    const first = unit * block;
    const count = min(block, tiles - first);
    const rows = (count + 3) & ~3;
    transformTiles(source, x, program, first, rows, step, scratch, outside);
    for (let j = 0; j < panels; j += strip) {
      const end = min(panels, j + strip);
      for (let p: usize = 0; p < planes; p++) {
        for (let i = j; i < end; i++) {
          multiplyRows(
            products + (<usize>(i - j) * planes + p) * productPlane,
            source + p * sourcePlane + ((<usize>((i / perGroup) * groupDepth)) << 2),
            step,
            filters + (<usize>i * planes + p) * filterPlane,
            rows,
            depth,
          );
        }
      }
      for (let t = 0; t < count; t++) {
        writeTile(y, program, first + t, j, end, products + ((<usize>t) << 5), scratch);
      }
    }
  }
}
