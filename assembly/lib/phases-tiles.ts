import { input2, output2, inputAdjoint2, outputAdjoint2 } from "./filtering-2x2";
import {
  firstTap4,
  input4,
  inputAdjoint4,
  output4,
  outputAdjoint4,
  secondTap4,
} from "./filtering-4x2";
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

/** y[tile][tile][8] = Aᵀ M A of the products m [(tile + 1)²] of 8 channels, `plane` bytes apart. */
export function outputPatch(y: usize, m: usize, plane: usize, tile: i32, columns: usize): void {
  for (let half = 0; half < 2; half++, m += 16, y += 16) {
    let column = columns;
    if (tile == 4) {
      const line = 5 * plane;
      for (let j: usize = 0; j < 5; j++) {
        const at = m + j * plane;
        output4(columns + (j << 4), 80, at, at + line, at + 2 * line, at + 3 * line, at + 4 * line);
      }
      for (let i: usize = 0; i < 4; i++, column += 80) {
        output4(y + (i << 7), 32, column, column + 16, column + 32, column + 48, column + 64);
      }
    } else {
      const line = 3 * plane;
      for (let j: usize = 0; j < 3; j++) {
        const at = m + j * plane;
        output2(columns + (j << 4), 48, at, at + line, at + 2 * line);
      }
      for (let i: usize = 0; i < 2; i++, column += 48) {
        output2(y + (i << 6), 32, column, column + 16, column + 32);
      }
    }
  }
}

/** x[tile + 1][tile + 1][8] = B M Bᵀ of the products m [(tile + 1)²] of 8 channels, `plane` bytes apart. */
export function inputPatch(x: usize, m: usize, plane: usize, tile: i32, columns: usize): void {
  for (let half = 0; half < 2; half++, m += 16, x += 16) {
    let column = columns;
    if (tile == 4) {
      const line = 5 * plane;
      for (let j: usize = 0; j < 5; j++) {
        const at = m + j * plane;
        inputAdjoint4(columns + (j << 4), 80, at, at + line, at + 2 * line, at + 3 * line, at + 4 * line);
      }
      for (let i: usize = 0; i < 5; i++, column += 80) {
        inputAdjoint4(x + i * 160, 32, column, column + 16, column + 32, column + 48, column + 64);
      }
    } else {
      const line = 3 * plane;
      for (let j: usize = 0; j < 3; j++) {
        const at = m + j * plane;
        inputAdjoint2(columns + (j << 4), 48, at, at + line, at + 2 * line);
      }
      for (let i: usize = 0; i < 3; i++, column += 48) {
        inputAdjoint2(x + i * 96, 32, column, column + 16, column + 32);
      }
    }
  }
}

/** Bytes between the planes of 4×8 products that `tapsPatch` reads. */
export const tapsPlane: i32 = 128;

/** First row of Gᵀ M, one column. */
function firstTaps(m: usize): v128 {
  return firstTap4(
    v128.load(m),
    v128.load(m, 5 * tapsPlane),
    v128.load(m, 10 * tapsPlane),
    v128.load(m, 15 * tapsPlane),
  );
}

/** Second row of Gᵀ M, one column. */
function secondTaps(m: usize): v128 {
  return secondTap4(
    v128.load(m, 5 * tapsPlane),
    v128.load(m, 10 * tapsPlane),
    v128.load(m, 15 * tapsPlane),
    v128.load(m, 20 * tapsPlane),
  );
}

/** Gᵀ M G of the products m [(tile + 1)²] of 4 channels, `tapsPlane` apart: four taps, as far apart. */
export function tapsPatch(g: usize, m: usize, tile: i32, columns: usize): void {
  if (tile == 4) {
    let u0 = firstTaps(m);
    let u1 = firstTaps(m + tapsPlane);
    let u2 = firstTaps(m + 2 * tapsPlane);
    let u3 = firstTaps(m + 3 * tapsPlane);
    let u4 = firstTaps(m + 4 * tapsPlane);
    v128.store(g, firstTap4(u0, u1, u2, u3));
    v128.store(g, secondTap4(u1, u2, u3, u4), tapsPlane);
    u0 = secondTaps(m);
    u1 = secondTaps(m + tapsPlane);
    u2 = secondTaps(m + 2 * tapsPlane);
    u3 = secondTaps(m + 3 * tapsPlane);
    u4 = secondTaps(m + 4 * tapsPlane);
    v128.store(g, firstTap4(u0, u1, u2, u3), 2 * tapsPlane);
    v128.store(g, secondTap4(u1, u2, u3, u4), 3 * tapsPlane);
    return;
  }
  for (let j: usize = 0; j < 3; j++) {
    const at = m + j * tapsPlane;
    output2(columns + (j << 4), 48, at, at + 3 * tapsPlane, at + 6 * tapsPlane);
  }
  output2(g, tapsPlane, columns, columns + 16, columns + 32);
  output2(g + 2 * tapsPlane, tapsPlane, columns + 48, columns + 64, columns + 80);
}
