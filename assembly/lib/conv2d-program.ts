// The control module writes a plan as int32 fields, the kernels read them. Both import this file, so it keeps
// to what AssemblyScript 0.19 and the newest compiler share. Lengths and steps are float32 elements, places in
// the workspace bytes.

/** What a convolution kernel is told beside its tensors; stages follow. */
export const enum Program {
  Batch,
  Groups,
  /** The picture that is read: the input, or dy in the input-gradient. */
  SourceHeight,
  SourceWidth,
  SourceChannels,
  /** Elements of one picture that is written. */
  DestinationSize,
  /** Rows and columns of zeros before the picture; negative where it is cropped. */
  PadTop,
  PadLeft,
  PaddedHeight,
  PaddedWidth,
  /** 1: the source is read where it lies, no padded copy. */
  InPlace,
  /** Output channels that each input channel feeds (depthwise only; else 1). */
  Multiplier,
  /** Channels of a group that are summed over, and that are written. */
  Depth,
  Columns,
  /** Steps in the filter to the next tap, to the next depth, to the next column, to the next group. */
  TapStep,
  DepthStep,
  ColumnStep,
  GroupStep,
  FilterWidth,
  /** 1: the filter-gradient exchanges x and dy, and turns the result. */
  Exchanged,
  /** Pictures, and rows of them, that are worked on at a time; several pictures only with all rows. */
  Pictures,
  Rows,
  /** Places in the scratch memory (Edge, Padded, Scratch) and in the workspace. */
  Edge,
  Offsets,
  Padded,
  Panels,
  Scratch,
  Turned,
  Stages,
  /** Sums that are made side by side, of a part of the pixels each. */
  Parts,
  /** Columns of a unit of a filter-gradient that has one sum. */
  ColumnsEach,
  Length,
}

/**
 * A dense convolution of stride 1 taps: destination pixel (i, j) sums over taps (r, s) of the padded source,
 * whose filter tap is (TapTop + r·TapTopStep, TapLeft + s·TapLeftStep).
 */
export const enum Stage {
  Height,
  Width,
  Source,
  SourceRowStep,
  SourceColumnStep,
  Destination,
  DestinationRowStep,
  DestinationColumnStep,
  TapsHigh,
  TapsWide,
  TapRowStep,
  TapColumnStep,
  TapTop,
  TapTopStep,
  TapLeft,
  TapLeftStep,
  /** Element of this stage's first panel. */
  Panels,
  Length,
}

/** Where GEMM + scatter adds: source pixel (i, j), tap (r, s) go to (i·RowStride + Top + r·TapRows, ...). */
export const enum Scatter {
  Height,
  Width,
  RowStride,
  ColumnStride,
  Top,
  Left,
  TapsHigh,
  TapsWide,
  TapRows,
  TapColumns,
  /** 1: tap (r, s) is the filter's from the end. */
  Reversed,
  Length,
}

/** The whole program of a pointwise convolution between `Length` channels and only `Count`. */
export const enum Thin {
  Pixels,
  Length,
  Count,
  /** Steps in the filter along the two. */
  LengthStep,
  CountStep,
  /** 1: the input has the few channels. */
  InputIsThin,
  /** Pixels of a unit, a multiple of 4. */
  Each,
  Fields,
}

/** Columns of a filter that one unit packs, a multiple of 8. */
export const packedColumns: i32 = 32;

/** One field of a program or of a stage. */
export function field(program: usize, index: i32): i32 {
  return load<i32>(program + ((<usize>index) << 2));
}
