import { input2, output2, inputAdjoint2, outputAdjoint2 } from "./filtering-2x2";
import {
  filterAdjoint4,
  input4,
  inputAdjoint4,
  output4,
  outputAdjoint4,
} from "./filtering-4x2";
import { copyFloats } from "./pack";
import { Phases, phases } from "./phases-program";

// Tiles in two dimensions: the one-dimensional transform of the columns, then of the rows of what that gave. A
// plane holds one of the (tile + 1)² values of every tile.

/** Scratch of `readTile` and `transformTile`: intermediate values, pixels, a rest of channels, zeros. */
const enum Scratch {
  Columns = 0,
  Pixels = 512,
  RestPixels = 640,
  Rest = 768,
  Zeros = 1280,
}

/** Bytes of scratch for tiles of so many channels. */
export function tileScratchBytes(channels: i32): i32 {
  return Scratch.Zeros + ((channels + 15) & ~15) * 4;
}

/** Zeros the scratch's pixel that stands for those outside the picture. */
export function prepareTiles(scratch: usize, channels: i32): void {
  memory.fill(scratch + Scratch.Zeros, 0, (<usize>channels) << 2);
}

/** Finds the size·size pixels at rows row, row + step, ... of a picture, and columns likewise. */
export function readTile(
  scratch: usize,
  picture: usize,
  height: i32,
  width: i32,
  channels: i32,
  row: i32,
  column: i32,
  step: i32,
  size: i32,
): void {
  let pixel = scratch + Scratch.Pixels;
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

/**
 * Transforms the pixels that `readTile` found: vectors first, first + every, ... of four channels each, `stepTo`
 * bytes apart in each plane. Channels of the last vector that do not exist are zero.
 * @param adjoint false: Bᵀ d B of (tile + 1)² inputs; true: A y Aᵀ of tile² output gradients.
 */
export function transformTile(
  to: usize,
  plane: usize,
  stepTo: usize,
  scratch: usize,
  channels: i32,
  first: i32,
  every: i32,
  tile: i32,
  adjoint: bool,
): void {
  const columns = scratch + Scratch.Columns;
  const pixels = scratch + Scratch.Pixels;
  const whole = channels >> 2;
  const next = (<usize>every) << 4;
  let v = first;
  let c = (<usize>first) << 4;
  if (adjoint) {
    for (; v < whole; v += every, c += next, to += stepTo) outputAdjointVector(to, plane, pixels, c, tile, columns);
  } else {
    for (; v < whole; v += every, c += next, to += stepTo) inputVector(to, plane, pixels, c, tile, columns);
  }
  if (v != whole || (channels & 3) == 0) return;
  const rest = scratch + Scratch.Rest;
  const restPixels = scratch + Scratch.RestPixels;
  const size = adjoint ? tile : tile + 1;
  for (let i = 0; i < size * size; i++) {
    const at = rest + ((<usize>i) << 4);
    v128.store(at, f32x4.splat(0));
    copyFloats(at, load<usize>(pixels + ((<usize>i) << 2)) + c, channels & 3);
    store<usize>(restPixels + ((<usize>i) << 2), at);
  }
  if (adjoint) outputAdjointVector(to, plane, restPixels, 0, tile, columns);
  else inputVector(to, plane, restPixels, 0, tile, columns);
}

/** Finds the pixels of tile number `tile` of x in one phase: rows of one parity, counted with the padding. */
export function readInputTile(program: usize, x: usize, tile: i32, phase: i32, scratch: usize): void {
  const height = phases(program, Phases.InHeight);
  const width = phases(program, Phases.InWidth);
  const channels = phases(program, Phases.InChannels);
  const size = phases(program, Phases.Tile);
  const wide = phases(program, Phases.TilesWide);
  const high = phases(program, Phases.TilesHigh);
  const line = tile / wide;
  readTile(
    scratch,
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
export function readOutputTile(program: usize, dy: usize, tile: i32, scratch: usize): void {
  const height = phases(program, Phases.OutHeight);
  const width = phases(program, Phases.OutWidth);
  const channels = phases(program, Phases.OutChannels);
  const size = phases(program, Phases.Tile);
  const wide = phases(program, Phases.TilesWide);
  const high = phases(program, Phases.TilesHigh);
  const line = tile / wide;
  readTile(
    scratch,
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

/** Gᵀ M G of the products m [(tile + 1)²] of 4 channels, `plane` bytes apart: four taps, `step` bytes apart. */
export function tapsPatch(g: usize, step: usize, m: usize, plane: usize, tile: i32, columns: usize): void {
  if (tile == 4) {
    const line = 5 * plane;
    for (let j: usize = 0; j < 5; j++) {
      const at = m + j * plane;
      filterAdjoint4(columns + (j << 4), 80, at, at + line, at + 2 * line, at + 3 * line, at + 4 * line);
    }
    for (let i = 0; i < 2; i++, columns += 80, g += 2 * step) {
      filterAdjoint4(g, step, columns, columns + 16, columns + 32, columns + 48, columns + 64);
    }
  } else {
    const line = 3 * plane;
    for (let j: usize = 0; j < 3; j++) {
      const at = m + j * plane;
      output2(columns + (j << 4), 48, at, at + line, at + 2 * line);
    }
    for (let i = 0; i < 2; i++, columns += 48, g += 2 * step) {
      output2(g, step, columns, columns + 16, columns + 32);
    }
  }
}
