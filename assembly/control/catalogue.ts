import { tileColumns, tileRows } from "./plan-conv2d";

/** The kernels by family, one line each: `family: kernel, kernel: what they compute`. */
export function catalogue(): string {
  return [
    "matMul: matMulPanels, matMulRows: matrix products, either side transposed",
    "matMul: matMulLeft, matMulColumns, matMulTurned: products of few rows, the right matrix read where it lies",
    "matMul: matMulEach: many small products",
    "conv2d: conv2dPackRuns, conv2dPackScatter, conv2dPackDepthwise, conv2dPackThin: filters laid out for the rest",
    "conv2d: conv2dRuns: convolutions and input-gradients by implicit GEMM, strided gradients in dense phases",
    "conv2d: conv2dScatter: GEMM over all taps, then scatter, for few written channels",
    "conv2d: conv2dFilter: filter-gradients by GEMM over blocks of pixels",
    "conv2d: conv2dDepthwise, conv2dDepthwiseFilter: one filter a channel, channels as lanes",
    "conv2d: conv2dThinDots, conv2dThinSpread, conv2dThinFilter: pointwise, one to three channels on one side",
    "conv2d: conv2dFilterSum, conv2dDepthwiseFilterSum, conv2dThinFilterSum: partial filter-gradients added",
    "conv2d: conv2dPhasesFirst, conv2dPhasesNext: blocks of tiles one after the other, for minimal filtering at stride 2",
    "conv2d: conv2dPhasesInput, conv2dPhasesForward: 4x4 convolutions of stride 2 by minimal filtering of their phases",
    "conv2d: conv2dPhasesOutput, conv2dPhasesGradient: their input-gradients",
    "conv2d: conv2dPhasesTiles, conv2dPhasesFilter: their filter-gradients",
    "conv2d: conv2dMinimalFilter, conv2dMinimal: 3x3 filters of stride 1 by minimal filtering",
    "conv2d: conv2dMinimalGather, conv2dMinimalSum: their filter-gradients",
    "fill: fill, fillI32, fillU8: constants",
  ].join("\n");
}

/** What the plans are made for, and the compiler of this module. */
export function buildInfo(): string {
  return (
    "tile " +
    tileRows.toString() +
    "x" +
    tileColumns.toString() +
    ", NHWC, filters HWIO, plans by AssemblyScript " +
    ASC_VERSION_MAJOR.toString() +
    "." +
    ASC_VERSION_MINOR.toString() +
    "." +
    ASC_VERSION_PATCH.toString()
  );
}
