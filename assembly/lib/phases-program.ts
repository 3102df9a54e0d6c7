// As conv2d-program.ts: written by the control module, read by the kernels. Lengths are elements, places in the
// workspace bytes.

/** What minimal filtering of a 4×4 convolution of stride 2 is told, in any direction. */
export const enum Phases {
  InHeight,
  InWidth,
  InChannels,
  OutHeight,
  OutWidth,
  OutChannels,
  FilterHeight,
  FilterWidth,
  PadTop,
  PadLeft,
  /** Rows and columns of outputs that a tile computes: 4 or 2. */
  Tile,
  TilesHigh,
  TilesWide,
  /** Tiles of the whole batch, and of a block, whose transforms are in the workspace at once. */
  Tiles,
  BlockTiles,
  /** Tiles whose transforms are one unit of work. */
  UnitTiles,
  /** Place of the number of the block that is worked on. */
  Block,
  /** Places of the transformed tiles: those that are read as a product's rows, and those read as columns. */
  Rows,
  Columns,
  Length,
}

/** First tile of the block that is worked on, and the tile after its last. */
export function blockStart(program: usize, workspace: usize): i32 {
  return load<i32>(workspace + phases(program, Phases.Block)) * phases(program, Phases.BlockTiles);
}

/** Tiles of the block that starts at `start`. */
export function blockLength(program: usize, start: i32): i32 {
  return min(phases(program, Phases.BlockTiles), phases(program, Phases.Tiles) - start);
}

/** One field of the program. */
export function phases(program: usize, index: i32): i32 {
  return load<i32>(program + ((<usize>index) << 2));
}

/** Channels rounded up to whole vectors. */
export function wholeVectors(channels: i32): i32 {
  return (channels + 3) & ~3;
}

/** Bytes between planes of `bytes`: off a power of two, at which all planes' stores would hit one set of L1. */
export function planeStep(bytes: i32): i32 {
  return bytes + 64;
}
