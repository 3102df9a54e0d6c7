// The control module writes a plan as int32 fields, the kernels read them. Both import this file, so it keeps
// to what AssemblyScript 0.19 and the newest compiler share.

/**
 * What the kernels of minimal filtering are told. Lengths are pixels, channels or tiles, steps in the filter
 * float32 elements, planes bytes, places bytes of the workspace.
 */
export const enum Minimal {
  /** Outputs along a tile's side: 2 or 4. It reads two more. */
  Tile,
  /** The picture that tiles are read from: the input, or dy in the input-gradient. */
  Height,
  Width,
  Channels,
  /** Zeros before it; negative where it is cropped. */
  PadTop,
  PadLeft,
  /** The picture that tiles are written to, or dy in the filter-gradient. */
  OutHeight,
  OutWidth,
  OutChannels,
  /** Tiles in a column and in a row of it, in the whole batch. */
  TilesHigh,
  TilesWide,
  Tiles,
  /** Tiles that are worked on at a time; the first and the number of this block (filter-gradient). */
  Block,
  First,
  Count,
  /** Channels of a group that are read and that are written. */
  Groups,
  Depth,
  Columns,
  /** Groups of channels as transformed: one where a group is whole vectors. */
  SourceGroups,
  SourceDepth,
  OutGroups,
  OutDepth,
  /** Steps in the filter to the next tap, to the next depth, to the next column, to the next group. */
  TapStep,
  DepthStep,
  ColumnStep,
  GroupStep,
  /** 1: the last tap comes first. */
  Turned,
  /** Panels of eight outputs whose products are held at a time. */
  Strip,
  /** Bytes between planes of the transformed source, filter (or dy) and product. */
  SourcePlane,
  FilterPlane,
  ProductPlane,
  /** Places of the transformed source and filter (or dy). */
  Source,
  Filter,
  /** Place of the pixels outside the picture; in the filter-gradient, their bytes. */
  Outside,
  Length,
}

/** Tiles that a unit of the filter-gradient transforms. */
export const gatheredTiles: i32 = 8;
/** Channels of a tile that are read together: two cache lines of each pixel. */
export const gatheredChannels: i32 = 32;
/** Input channels, and panels of eight output channels, whose sums a unit of the filter-gradient holds. */
export const summedChannels: i32 = 16;
export const summedPanels: i32 = 1;
