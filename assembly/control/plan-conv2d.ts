// One plan an algorithm, side by side, so that what each costs can be compared: longer than most.
import { packedColumns, Program, Scatter, Stage, Thin } from "../lib/conv2d-program";
import { Conv2d, Direction } from "./conv2d-shape";
import { forwardStage, gradientStages, Stages } from "./conv2d-stages";
import { planMinimal } from "./plan-minimal";
import { planPhases } from "./plan-phases";

/** The product's tile: rows (pixels) by columns (channels). */
export const tileRows: i32 = 4;
export const tileColumns: i32 = 8;

/** How a direction is computed; src/wasm/planner.ts names them in this order. */
export const enum Algorithm {
  Runs,
  Scatter,
  Filter,
  Depthwise,
  DepthwiseFilter,
  ThinDots,
  ThinSpread,
  ThinFilter,
  Minimal2,
  Minimal4,
  Phases2,
  Phases4,
  Product,
}

/** What a plan's steps call; src/wasm/planner.ts names them in this order. */
export const enum Kernel {
  Runs,
  Scatter,
  Filter,
  Depthwise,
  DepthwiseFilter,
  ThinDots,
  ThinSpread,
  ThinFilter,
  PackRuns,
  PackScatter,
  FilterSum,
  PackDepthwise,
  DepthwiseFilterSum,
  PackThin,
  ThinFilterSum,
  MinimalFilter,
  Minimal,
  MinimalGather,
  MinimalSum,
  PhasesFirst,
  PhasesNext,
  PhasesInput,
  PhasesForward,
  PhasesOutput,
  PhasesGradient,
  PhasesTiles,
  PhasesFilter,
}

/** A block of padded pictures, so that it stays in the L2 cache. */
const paddedBytes: i32 = 1 << 18;
/** Pixels of a filter-gradient's block: long enough sums to hide the tile's loading and storing. */
const blockPixels: i32 = 256;
/** Pixels of a block whose taps are scattered at once. */
const scatterPixels: i32 = 1024;
/** Units that a large step has at least, where its batch allows, for threads to share. */
const unitsWanted: i32 = 8;
/** Bytes of all sums that a filter-gradient makes side by side; fewer than so many are not worth their summing. */
const partBytes: i32 = 2 << 20;
const fewestParts: i32 = 4;
/** Columns of a filter-gradient's unit that has one sum, at least: x is packed anew for each. */
const unitColumns: i32 = 64;
/** Multiplications of a thin kernel's unit. */
const thinWork: i32 = 1 << 18;

/** Columns that a product computes: four or fewer left over take the narrow tile. */
function computed(columns: i32): i32 {
  return roundUp(columns, tileColumns / 2);
}

export function roundUp(n: i32, multiple: i32): i32 {
  return ((n + multiple - 1) / multiple) * multiple;
}

function ceilDiv(n: i32, by: i32): i32 {
  return (n + by - 1) / by;
}

/** Hands out places in the workspace, each on its own cache line. */
class Workspace {
  bytes: f64 = 0;

  take(bytes: f64): i32 {
    const place = this.bytes;
    this.bytes += Math.ceil(bytes / 64) * 64;
    return <i32>place;
  }
}

/** A plan while it is made. */
export class Plan {
  program: Int32Array = new Int32Array(Program.Length);
  tail: Int32Array = new Int32Array(0);
  workspace: Workspace = new Workspace();
  /** Places in the memory of each thread. */
  scratch: Workspace = new Workspace();
  /** A kernel, its units, scratch bytes of each thread that runs some, first field: four numbers a step. */
  steps: Array<f64> = [];

  constructor(
    public algorithm: Algorithm,
    public cost: f64,
  ) {}

  set(field: i32, value: i32): void {
    this.program[field] = value;
  }

  /**
   * Adds a step: its units may run at once and in any order, after all of the step before. The kernel is told the
   * program from the field `place` on.
   */
  step(kernel: Kernel, units: i32, scratchBytes: f64, place: i32 = 0): void {
    this.steps.push(kernel);
    this.steps.push(units);
    this.steps.push(scratchBytes);
    this.steps.push(place);
  }

  /**
   * [algorithm, tile rows, tile columns, workspace bytes, direct FLOPs, cost in FLOPs, number of steps, steps...,
   * program...]
   */
  result(flops: f64): Float64Array {
    const length = this.program.length + this.tail.length;
    const steps = this.steps.length;
    const head = 7 + steps;
    const out = new Float64Array(head + length);
    out[0] = this.algorithm;
    out[1] = tileRows;
    out[2] = tileColumns;
    out[3] = this.workspace.bytes;
    out[4] = flops;
    out[5] = this.cost;
    out[6] = steps / 4;
    for (let i = 0; i < steps; i++) out[7 + i] = this.steps[i];
    for (let i = 0; i < length; i++) {
      const own = this.program.length;
      out[head + i] = i < own ? this.program[i] : this.tail[i - own];
    }
    return out;
  }
}

/** Fields that every algorithm reads: where the source lies and how the filter is walked. */
function begin(algorithm: Algorithm, conv: Conv2d, stages: Stages, cost: f64): Plan {
  const plan = new Plan(algorithm, cost);
  const gradient = conv.direction == Direction.InputGradient;
  plan.set(Program.Batch, conv.batch);
  plan.set(Program.Groups, conv.groups);
  plan.set(Program.SourceHeight, stages.sourceHeight);
  plan.set(Program.SourceWidth, stages.sourceWidth);
  plan.set(Program.SourceChannels, gradient ? conv.outChannels : conv.inChannels);
  plan.set(
    Program.DestinationSize,
    gradient
      ? conv.inHeight * conv.inWidth * conv.inChannels
      : conv.outHeight * conv.outWidth * conv.outChannels,
  );
  plan.set(Program.PadTop, stages.padTop);
  plan.set(Program.PadLeft, stages.padLeft);
  plan.set(Program.PaddedHeight, stages.paddedHeight);
  plan.set(Program.PaddedWidth, stages.paddedWidth);
  plan.set(Program.InPlace, stages.inPlace ? 1 : 0);
  plan.set(Program.Multiplier, 1);
  plan.set(Program.Depth, stages.depth);
  plan.set(Program.Columns, gradient ? conv.groupIn : conv.groupOut);
  plan.set(Program.TapStep, conv.groupIn * conv.outChannels);
  plan.set(Program.DepthStep, gradient ? 1 : conv.outChannels);
  plan.set(Program.ColumnStep, gradient ? conv.outChannels : 1);
  plan.set(Program.GroupStep, conv.groupOut);
  plan.set(Program.FilterWidth, conv.filterWidth);
  plan.set(Program.Stages, stages.count);
  plan.set(Program.Edge, plan.scratch.take(256));
  return plan;
}

/** Pictures whose padded copies together fill the L2 cache's share. */
function picturesAtOnce(conv: Conv2d, stages: Stages): i32 {
  return max(1, min(ceilDiv(conv.batch, unitsWanted), paddedBytes / max(4, stages.pictureFloats() * 4)));
}

function planPadded(plan: Plan, stages: Stages, pictures: i32): void {
  plan.set(Program.Pictures, pictures);
  plan.set(Program.Padded, plan.scratch.take(stages.inPlace ? 0 : 4.0 * stages.pictureFloats() * pictures));
}

function planRuns(conv: Conv2d, stages: Stages): Plan {
  const written = conv.direction == Direction.InputGradient ? conv.groupIn : conv.groupOut;
  const columns = roundUp(written, tileColumns);
  const plan = begin(Algorithm.Runs, conv, stages, 0);
  const pictures = picturesAtOnce(conv, stages);
  let pixels: f64 = 0;
  let floats = 0;
  for (let i = 0; i < stages.count; i++) {
    const stage = stages.pixels(i);
    const taps = stages.taps(i);
    pixels += stage;
    plan.cost += 2.0 * stage * conv.batch * taps * stages.depth * computed(written) * conv.groups;
    stages.set(i, Stage.Panels, floats);
    floats += taps * stages.depth * columns * conv.groups;
  }
  plan.set(Program.Offsets, plan.workspace.take(8 * pixels * pictures));
  planPadded(plan, stages, pictures);
  plan.set(Program.Panels, plan.workspace.take(4.0 * floats));
  plan.tail = stages.fields();
  plan.step(Kernel.PackRuns, stages.count * conv.groups * ceilDiv(written, packedColumns), 0);
  plan.step(Kernel.Runs, ceilDiv(conv.batch, pictures), plan.scratch.bytes);
  return plan;
}

/** Scatter adds each product to memory: as dear as this many FLOPs. */
const scatterFlops: f64 = 8;

/** GEMM and scatter, which a forward convolution can only do at stride 1. */
function planScatter(conv: Conv2d): Plan {
  const gradient = conv.direction == Direction.InputGradient;
  const height = gradient ? conv.outHeight : conv.inHeight;
  const width = gradient ? conv.outWidth : conv.inWidth;
  const depth = gradient ? conv.groupOut : conv.groupIn;
  const taps = conv.filterHeight * conv.filterWidth;
  const columns = taps * (gradient ? conv.groupIn : conv.groupOut);
  const padded = roundUp(columns, tileColumns);
  const pixels = <f64>(height * width) * conv.batch * conv.groups;
  const source = new Stages(0, height, width, depth, 1);
  source.inPlace = true;
  const plan = begin(Algorithm.Scatter, conv, source, pixels * (2.0 * depth * padded + scatterFlops * columns));
  const pictures = max(1, min(ceilDiv(conv.batch, unitsWanted), scatterPixels / max(1, height * width)));
  const rows = pictures > 1 ? height : max(1, min(height, scatterPixels / max(1, width)));
  const block = pictures * rows * width;
  plan.set(Program.Pictures, pictures);
  plan.set(Program.Rows, rows);
  plan.set(Program.Offsets, plan.workspace.take(8.0 * block));
  plan.set(Program.Panels, plan.workspace.take(4.0 * depth * padded * conv.groups));
  plan.set(Program.Scratch, plan.scratch.take(4.0 * block * padded));
  const scatter = new Int32Array(Scatter.Length);
  scatter[Scatter.Height] = gradient ? conv.inHeight : conv.outHeight;
  scatter[Scatter.Width] = gradient ? conv.inWidth : conv.outWidth;
  scatter[Scatter.RowStride] = gradient ? conv.strideHeight : 1;
  scatter[Scatter.ColumnStride] = gradient ? conv.strideWidth : 1;
  scatter[Scatter.Top] = gradient ? -conv.padTop : conv.padTop - (conv.filterHeight - 1) * conv.dilationHeight;
  scatter[Scatter.Left] = gradient ? -conv.padLeft : conv.padLeft - (conv.filterWidth - 1) * conv.dilationWidth;
  scatter[Scatter.TapsHigh] = conv.filterHeight;
  scatter[Scatter.TapsWide] = conv.filterWidth;
  scatter[Scatter.TapRows] = conv.dilationHeight;
  scatter[Scatter.TapColumns] = conv.dilationWidth;
  scatter[Scatter.Reversed] = gradient ? 0 : 1;
  plan.tail = scatter;
  plan.step(Kernel.PackScatter, conv.groups, 0);
  plan.step(Kernel.Scatter, ceilDiv(conv.batch, pictures), plan.scratch.bytes);
  return plan;
}

/** Packing a float32 is as dear as this many FLOPs. */
const packFlops: f64 = 12;

function planFilter(conv: Conv2d, exchanged: bool): Plan {
  const stages = forwardStage(conv, conv.groupIn, conv.outChannels, conv.groups);
  stages.pad(conv.groups == 1);
  const columns = roundUp(conv.groupOut, tileColumns);
  const run =
    stages.depth * (conv.dilationWidth == 1 ? conv.filterWidth : 1);
  const taps = <f64>(conv.filterHeight * conv.filterWidth);
  const outPixels = conv.outHeight * conv.outWidth;
  const plan = begin(Algorithm.Filter, conv, stages, 0);
  plan.set(Program.Exchanged, exchanged ? 1 : 0);
  const rowsComputed = ((taps * stages.depth) / run) * roundUp(run, tileRows);
  const packed = rowsComputed + columns;
  plan.cost =
    <f64>outPixels * conv.batch * conv.groups * (2.0 * rowsComputed * computed(conv.groupOut) + packFlops * packed);
  // A block holds several small pictures, or some rows of a large one.
  const pictures = max(1, min(conv.batch, blockPixels / max(1, outPixels)));
  const rows = pictures > 1 ? conv.outHeight : max(1, min(conv.outHeight, blockPixels / max(1, conv.outWidth)));
  const pixels = pictures * rows * conv.outWidth;
  plan.set(Program.Rows, rows);
  plan.set(Program.Offsets, plan.scratch.take(8.0 * pixels));
  planPadded(plan, stages, pictures);
  plan.set(Program.Panels, plan.scratch.take(4.0 * pixels * columns));
  plan.set(Program.Scratch, plan.scratch.take(4.0 * pixels * roundUp(run, tileRows)));
  plan.tail = stages.fields();
  planSums(plan, conv, ceilDiv(conv.batch, pictures) * ceilDiv(conv.outHeight, rows));
  return plan;
}

/**
 * The steps of a filter-gradient over so many blocks of pixels: several sums side by side, then their sum; of a large
 * filter, whose sums would take much memory, one, whose parts are the units.
 */
function planSums(plan: Plan, conv: Conv2d, blocks: i32): void {
  const exchanged = plan.program[Program.Exchanged];
  const bytes = 4.0 * (conv.filterHeight * conv.filterWidth) * conv.groupIn * conv.outChannels;
  let parts = <i32>Math.min(<f64>min(unitsWanted, blocks), partBytes / bytes);
  if (parts < fewestParts) parts = 1;
  const across = parts > 1 ? 1 : max(1, min(ceilDiv(unitsWanted, conv.filterHeight), conv.groupOut / unitColumns));
  const each = roundUp(ceilDiv(conv.groupOut, across), tileColumns);
  plan.set(Program.Parts, parts);
  plan.set(Program.ColumnsEach, each);
  plan.set(Program.Turned, plan.workspace.take(parts > 1 || exchanged ? bytes * parts : 0));
  const units = parts > 1 ? parts : conv.filterHeight * ceilDiv(conv.groupOut, each);
  plan.step(Kernel.Filter, units, plan.scratch.bytes);
  if (parts > 1 || exchanged) plan.step(Kernel.FilterSum, conv.filterHeight * conv.filterWidth, 0);
}

/** Both depthwise kernels; `stages` have the output channels, rounded up to whole lanes, as depth. */
function planDepthwise(conv: Conv2d, stages: Stages): Plan {
  const filter = conv.direction == Direction.FilterGradient;
  const gradient = conv.direction == Direction.InputGradient;
  const folds = gradient && conv.groupOut > 1;
  const lanes = stages.depth;
  const plan = begin(filter ? Algorithm.DepthwiseFilter : Algorithm.Depthwise, conv, stages, 0);
  const pictures = filter ? 1 : picturesAtOnce(conv, stages);
  let pixels: f64 = 0;
  let taps: f64 = 0;
  for (let i = 0; i < stages.count; i++) {
    pixels += stages.pixels(i);
    stages.set(i, Stage.Panels, <i32>taps * lanes);
    taps += stages.taps(i);
    plan.cost += 2.0 * stages.pixels(i) * conv.batch * stages.taps(i) * lanes;
  }
  // All channels lie in one plane.
  plan.set(Program.Groups, 1);
  plan.set(Program.Multiplier, conv.groupOut);
  plan.set(Program.Columns, gradient ? conv.inChannels : conv.outChannels);
  plan.set(Program.Offsets, plan.workspace.take(filter ? 0 : 8 * pixels * pictures));
  planPadded(plan, stages, pictures);
  const parts = filter ? min(unitsWanted, conv.batch) : 1;
  plan.set(Program.Parts, parts);
  plan.set(Program.Panels, plan.workspace.take(4 * taps * lanes * parts));
  if (folds) {
    const size = conv.inHeight * conv.inWidth * lanes;
    plan.set(Program.DestinationSize, size);
    plan.set(Program.Scratch, plan.scratch.take(4.0 * size * pictures));
  } else if (filter) {
    plan.set(Program.Scratch, plan.scratch.take(conv.outChannels == lanes ? 0 : 4.0 * conv.outWidth * lanes));
  }
  plan.tail = stages.fields();
  if (filter) {
    plan.step(Kernel.DepthwiseFilter, parts, plan.scratch.bytes);
    plan.step(Kernel.DepthwiseFilterSum, 1, 0);
  } else {
    plan.step(Kernel.PackDepthwise, stages.count, 0);
    plan.step(Kernel.Depthwise, ceilDiv(conv.batch, pictures), plan.scratch.bytes);
  }
  return plan;
}

/** So many channels or fewer leave most of a tile's columns empty. */
const thinChannels: i32 = 3;
/** The thin kernels take the other side's channels so many at a time. */
const thinLanes: i32 = 8;

/** One to three channels on one side of a pointwise convolution, whole vectors of them on the other. */
function isThin(conv: Conv2d): bool {
  const count = min(conv.inChannels, conv.outChannels);
  const length = max(conv.inChannels, conv.outChannels);
  return conv.groups == 1 && conv.pointwise() && count <= thinChannels && length % thinLanes == 0;
}

function planThin(conv: Conv2d): Plan {
  const inputIsThin = conv.inChannels < conv.outChannels;
  const spreads = inputIsThin == (conv.direction == Direction.Forward);
  const filter = conv.direction == Direction.FilterGradient;
  const plan = new Plan(
    filter ? Algorithm.ThinFilter : spreads ? Algorithm.ThinSpread : Algorithm.ThinDots,
    conv.flops(),
  );
  const length = max(conv.inChannels, conv.outChannels);
  const count = min(conv.inChannels, conv.outChannels);
  plan.program = new Int32Array(Thin.Fields);
  plan.set(Thin.Pixels, conv.batch * conv.inHeight * conv.inWidth);
  plan.set(Thin.Length, length);
  plan.set(Thin.Count, count);
  plan.set(Thin.LengthStep, inputIsThin ? 1 : conv.outChannels);
  plan.set(Thin.CountStep, inputIsThin ? conv.outChannels : 1);
  plan.set(Thin.InputIsThin, inputIsThin ? 1 : 0);
  const pixels = plan.program[Thin.Pixels];
  const least = thinWork / (length * count);
  const each = roundUp(filter ? max(least, ceilDiv(pixels, unitsWanted)) : max(1, least), 4);
  const units = ceilDiv(pixels, each);
  plan.set(Thin.Each, each);
  plan.workspace.take(4.0 * length * count * (filter ? units : 1));
  if (filter) {
    plan.step(Kernel.ThinFilter, units, 0);
    plan.step(Kernel.ThinFilterSum, 1, 0);
  } else {
    if (plan.program[Thin.LengthStep] > 1) plan.step(Kernel.PackThin, 1, 0);
    plan.step(spreads ? Kernel.ThinSpread : Kernel.ThinDots, units, 0);
  }
  return plan;
}

/**
 * Chooses how to compute one direction of a convolution and writes the kernel's program.
 * @param shape the fields of Conv2d, in its order.
 * @returns what Plan.result says
 */
export function planConv2d(shape: Int32Array): Float64Array {
  const given = new Conv2d(shape);
  const conv = given.flattened();
  const flops = conv.flops();
  // A matrix product as it is, unless its columns are too few for one.
  if (conv != given && !isThin(conv)) return new Plan(Algorithm.Product, flops).result(flops);
  const minimal = planMinimal(conv);
  if (minimal != null) return minimal.result(flops);
  if (isThin(conv)) return planThin(conv).result(flops);
  const gradient = conv.direction == Direction.InputGradient;
  if (conv.groupIn == 1 && conv.groups > 1) {
    const lanes = roundUp(conv.outChannels, tileColumns);
    const written = gradient ? (conv.groupOut > 1 ? lanes : conv.inChannels) : conv.outChannels;
    const stages = gradient ? gradientStages(conv, lanes, written, 1) : forwardStage(conv, lanes, written, 1);
    const stored = gradient || conv.groupOut == 1 ? conv.outChannels : 0;
    stages.pad(lanes == stored);
    return planDepthwise(conv, stages).result(flops);
  }
  const filtered = planPhases(conv);
  if (filtered != null) return filtered.result(flops);
  if (gradient) {
    const stages = gradientStages(conv, conv.groupOut, conv.inChannels, conv.groups);
    stages.pad(conv.groups == 1);
    return cheaper(planRuns(conv, stages), planScatter(conv)).result(flops);
  }
  const strided = conv.strideHeight > 1 || conv.strideWidth > 1;
  if (conv.direction == Direction.FilterGradient) {
    const plan = planFilter(conv, false);
    // At stride 1 x and dy may change places.
    return strided ? plan.result(flops) : cheaper(plan, planFilter(conv.exchanged(), true)).result(flops);
  }
  const stages = forwardStage(conv, conv.groupIn, conv.outChannels, conv.groups);
  stages.pad(conv.groups == 1);
  const runs = planRuns(conv, stages);
  if (strided) return runs.result(flops);
  return cheaper(runs, planScatter(conv)).result(flops);
}

function cheaper(a: Plan, b: Plan): Plan {
  return b.cost < a.cost ? b : a;
}
