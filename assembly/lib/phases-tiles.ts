import { input2, outputAdjoint2 } from "./filtering-2x2";
import { input4, outputAdjoint4 } from "./filtering-4x2";
import { copyFloats } from "./pack";
import { Phases, phases } from "./phases-program";

// Tiles in two dimensions: the one-dimensional transform of the columns, then of the rows of what that gave. A
// plane holds one of the (tile + 1)² values of every tile.

/** Tiles that `transformTiles` takes at most. */
export const tilesAtOnce: i32 = 4;

/** Scratch of `readTile` and `transformTiles`: intermediate values, each tile's pixels, a rest of channels, zeros. */
const enum Scratch {
  Columns = 0,
  Pixels = 512,
  PixelsStep = 128,
  RestPixels = 1024,
  Rest = 1152,
  Zeros = 1600,
}

/** Zeros the scratch's pixel that stands for those outside the picture. */
export function prepareTiles(scratch: usize, channels: i32): void {
  memory.fill(scratch + Scratch.Zeros, 0, (<usize>channels) << 2);
}

/**
 * Finds the size·size pixels at rows row, row + step, ... of a picture, and columns likewise, as the slot-th of the
 * tiles to transform.
 */
function readTile(
  scratch: usize,
  slot: i32,
  picture: usize,
  height: i32,
  width: i32,
  channels: i32,
  row: i32,
  column: i32,
  step: i32,
  size: i32,
): void {
  let pixel = scratch + Scratch.Pixels + <usize>(slot * Scratch.PixelsStep);
  for (let i = 0; i < size; i++, row += step) {
    for (let j = 0, at = column; j < size; j++, at += step, pixel += 4) {
      const inside = <u32>row < <u32>height && <u32>at < <u32>width;
      store<usize>(
        pixel,
        inside ? picture + ((<usize>((row * width + at) * channels)) << 2) : scratch + Scratch.Zeros,
      );
    }
  }
}

/** Bᵀ d B of the four channels c bytes after the pixels'. */
function inputVector(to: usize, plane: usize, pixels: usize, c: usize, tile: i32, columns: usize): void {
  if (tile == 4) {
    for (let j: usize = 0; j < 5; j++) {
      const p = pixels + (j << 2);
      input4(
        columns + (j << 4),
        80,
        c + load<usize>(p),
        c + load<usize>(p, 20),
        c + load<usize>(p, 40),
        c + load<usize>(p, 60),
        c + load<usize>(p, 80),
      );
    }
    for (let i = 0; i < 5; i++, columns += 80, to += 5 * plane) {
      input4(to, plane, columns, columns + 16, columns + 32, columns + 48, columns + 64);
    }
    return;
  }
  for (let j: usize = 0; j < 3; j++) {
    const p = pixels + (j << 2);
    input2(columns + (j << 4), 48, c + load<usize>(p), c + load<usize>(p, 12), c + load<usize>(p, 24));
  }
  for (let i = 0; i < 3; i++, columns += 48, to += 3 * plane) {
    input2(to, plane, columns, columns + 16, columns + 32);
  }
}

/** A y Aᵀ of the four channels c bytes after the pixels'. */
function outputAdjointVector(to: usize, plane: usize, pixels: usize, c: usize, tile: i32, columns: usize): void {
  if (tile == 4) {
    for (let j: usize = 0; j < 4; j++) {
      const p = pixels + (j << 2);
      outputAdjoint4(
        columns + (j << 4),
        64,
        c + load<usize>(p),
        c + load<usize>(p, 16),
        c + load<usize>(p, 32),
        c + load<usize>(p, 48),
      );
    }
    for (let i = 0; i < 5; i++, columns += 64, to += 5 * plane) {
      outputAdjoint4(to, plane, columns, columns + 16, columns + 32, columns + 48);
    }
    return;
  }
  for (let j: usize = 0; j < 2; j++) {
    const p = pixels + (j << 2);
    outputAdjoint2(columns + (j << 4), 32, c + load<usize>(p), c + load<usize>(p, 8));
  }
  for (let i = 0; i < 3; i++, columns += 32, to += 3 * plane) {
    outputAdjoint2(to, plane, columns, columns + 16);
  }
}

/** One of the two transforms of a tile, of the four channels c bytes after the pixels'. */
function transformVector(
  to: usize,
  plane: usize,
  pixels: usize,
  c: usize,
  tile: i32,
  columns: usize,
  adjoint: bool,
): void {
  if (adjoint) outputAdjointVector(to, plane, pixels, c, tile, columns);
  else inputVector(to, plane, pixels, c, tile, columns);
}

/**
 * Transforms the pixels of `count` tiles that `readTile` found: vectors first, first + every, ... of four channels
 * each, `stepTo` bytes apart in each plane, tiles `stepTile` bytes apart. Channels of the last vector that do not
 * exist are zero.
 * @param adjoint false: Bᵀ d B of (tile + 1)² inputs; true: A y Aᵀ of tile² output gradients.
 */
export function transformTiles(
  to: usize,
  plane: usize,
  stepTo: usize,
  stepTile: usize,
  scratch: usize,
  count: i32,
  channels: i32,
  first: i32,
  every: i32,
  tile: i32,
  adjoint: bool,
): void {
  const columns = scratch + Scratch.Columns;
  const pixels = scratch + Scratch.Pixels;
  const end = pixels + <usize>(count * Scratch.PixelsStep);
  const whole = channels >> 2;
  const next = (<usize>every) << 4;
  let v = first;
  let c = (<usize>first) << 4;
  for (; v < whole; v += every, c += next, to += stepTo) {
    let y = to;
    for (let p = pixels; p < end; p += Scratch.PixelsStep, y += stepTile) {
      transformVector(y, plane, p, c, tile, columns, adjoint);
    }
  }
  if (v != whole || (channels & 3) == 0) return;
  const rest = scratch + Scratch.Rest;
  const restPixels = scratch + Scratch.RestPixels;
  const size = adjoint ? tile : tile + 1;
  for (let p = pixels; p < end; p += Scratch.PixelsStep, to += stepTile) {
    for (let i = 0; i < size * size; i++) {
      const at = rest + ((<usize>i) << 4);
      v128.store(at, f32x4.splat(0));
      copyFloats(at, load<usize>(p + ((<usize>i) << 2)) + c, channels & 3);
      store<usize>(restPixels + ((<usize>i) << 2), at);
    }
    transformVector(to, plane, restPixels, 0, tile, columns, adjoint);
  }
}

/** Finds the pixels of tile number `tile` of x in one phase: rows of one parity, counted with the padding. */
export function readInputTile(program: usize, x: usize, tile: i32, phase: i32, scratch: usize, slot: i32): void {
  const height = phases(program, Phases.InHeight);
  const width = phases(program, Phases.InWidth);
  const channels = phases(program, Phases.InChannels);
  const size = phases(program, Phases.Tile);
  const wide = phases(program, Phases.TilesWide);
  const high = phases(program, Phases.TilesHigh);
  const line = tile / wide;
  readTile(
    scratch,
    slot,
    x + ((<usize>((line / high) * height * width * channels)) << 2),
    height,
    width,
    channels,
    2 * size * (line % high) + (phase >> 1) - phases(program, Phases.PadTop),
    2 * size * (tile % wide) + (phase & 1) - phases(program, Phases.PadLeft),
    2,
    size + 1,
  );
}

/** Finds the pixels of tile number `tile` of dy. */
export function readOutputTile(program: usize, dy: usize, tile: i32, scratch: usize, slot: i32): void {
  const height = phases(program, Phases.OutHeight);
  const width = phases(program, Phases.OutWidth);
  const channels = phases(program, Phases.OutChannels);
  const size = phases(program, Phases.Tile);
  const wide = phases(program, Phases.TilesWide);
  const high = phases(program, Phases.TilesHigh);
  const line = tile / wide;
  readTile(
    scratch,
    slot,
    dy + ((<usize>((line / high) * height * width * channels)) << 2),
    height,
    width,
    channels,
    size * (line % high),
    size * (tile % wide),
    1,
    size,
  );
}
