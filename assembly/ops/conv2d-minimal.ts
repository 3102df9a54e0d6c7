import { field } from "../lib/conv2d-program";
import { Minimal } from "../lib/conv2d-minimal-program";
import { copyPatch, multiplyRows, transformFilter, transformInput, transformOutput } from "../lib/minimal";
import { copyFloats, packColumns } from "../lib/pack";

/** Scratch of conv2dMinimal before its planes: a transform's temporaries, then an edge tile's outputs. */
const temporaries: usize = 576 + 512;

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
function transformTiles(planes: usize, x: usize, program: usize, first: i32, count: i32, step: usize, scratch: usize): void {
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
  const patch = scratch + temporaries;
  for (let t = first; t < first + count; t++, planes += step) {
    const at = min(t, last);
    const picture = at / tiles;
    const place = at - picture * tiles;
    const row = (place / wide) * tile - field(program, Minimal.PadTop);
    const column = (place % wide) * tile - field(program, Minimal.PadLeft);
    const inside =
      lanes == depth && row >= 0 && column >= 0 && row + size <= height && column + size <= width;
    for (let g = 0; g < groups; g++) {
      let source = x + ((<usize>(picture * height * width * channels + g * depth)) << 2);
      let stepRow = (<usize>(width * channels)) << 2;
      let stepPixel = (<usize>channels) << 2;
      if (inside) {
        source += (<usize>((row * width + column) * channels)) << 2;
      } else {
        copyPatch(patch, source, height, width, channels, row, column, size, depth, lanes);
        source = patch;
        stepPixel = (<usize>lanes) << 2;
        stepRow = <usize>size * stepPixel;
      }
      const y = planes + ((<usize>(g * lanes)) << 2);
      const end = (<usize>lanes) << 2;
      for (let c: usize = 0; c < end; c += 16) transformInput(tile, y + c, plane, source + c, stepRow, stepPixel, scratch);
    }
  }
}

/** Writes a tile's eight channels (`width` of them) from their planes. */
function writeTile(y: usize, program: usize, t: i32, first: i32, width: i32, x: usize, scratch: usize): void {
  const tile = field(program, Minimal.Tile);
  const plane = <usize>field(program, Minimal.ProductPlane);
  const outHeight = field(program, Minimal.OutHeight);
  const outWidth = field(program, Minimal.OutWidth);
  const channels = field(program, Minimal.OutChannels);
  const wide = field(program, Minimal.TilesWide);
  const tiles = field(program, Minimal.TilesHigh) * wide;
  const picture = t / tiles;
  const place = t - picture * tiles;
  const row = (place / wide) * tile;
  const column = (place % wide) * tile;
  const to = y + ((<usize>(((picture * outHeight + row) * outWidth + column) * channels + first)) << 2);
  const stepPixel = (<usize>channels) << 2;
  const stepRow = <usize>outWidth * stepPixel;
  const high = min(tile, outHeight - row);
  const across = min(tile, outWidth - column);
  if (width == 8 && high == tile && across == tile) {
    transformOutput(tile, to, stepRow, stepPixel, x, plane, scratch);
    transformOutput(tile, to + 16, stepRow, stepPixel, x + 16, plane, scratch);
    return;
  }
  const edge = scratch + 576;
  const edgeRow = (<usize>tile) << 5;
  transformOutput(tile, edge, edgeRow, 32, x, plane, scratch);
  if (width > 4) transformOutput(tile, edge + 16, edgeRow, 32, x + 16, plane, scratch);
  for (let i: usize = 0; i < <usize>high; i++) {
    for (let j: usize = 0; j < <usize>across; j++) {
      copyFloats(to + i * stepRow + j * stepPixel, edge + i * edgeRow + (j << 5), width);
    }
  }
}

/**
 * 3×3 convolution of stride 1, or its input-gradient, by minimal filtering of 4×4 or 2×2 outputs at a time. Second
 * step, after conv2dMinimalFilter. A unit is a block of tiles: all their channels are transformed, then strips of
 * outputs are multiplied and transformed back, so that a block stays in the L2 cache.
 *
 * y [batch, ...], x [batch, height, width, channels]; program and sizes of workspace and scratch as planConv2d wrote
 * them. y does not alias. Of the largest output, errors are at most about 4e-6 (4×4) and 1e-6 (2×2).
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
  const products = source + planes * sourcePlane;
  for (let unit = from; unit < to; unit++) {
    const first = unit * block;
    const count = min(block, tiles - first);
    const rows = (count + 3) & ~3;
    transformTiles(source, x, program, first, rows, step, scratch);
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
      for (let i = j; i < end; i++) {
        const group = i / perGroup;
        const column = (i - group * perGroup) << 3;
        for (let t = 0; t < count; t++) {
          writeTile(
            y,
            program,
            first + t,
            group * columns + column,
            min(8, columns - column),
            products + <usize>(i - j) * planes * productPlane + ((<usize>t) << 5),
            scratch,
          );
        }
      }
    }
  }
}
