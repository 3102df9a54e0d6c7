import { Stage } from "../lib/conv2d-program";
import { Conv2d } from "./conv2d-shape";

function gcd(a: i32, b: i32): i32 {
  while (b != 0) {
    const rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

/**
 * The stages of one plan over one padded source picture. Stages are described in rows and columns of the
 * picture first; `pad` fixes its size and turns them into elements.
 */
export class Stages {
  padTop: i32 = 0;
  padLeft: i32 = 0;
  paddedHeight: i32;
  paddedWidth: i32;
  inPlace: bool = false;
  private list: StaticArray<i32>;

  constructor(
    public count: i32,
    public sourceHeight: i32,
    public sourceWidth: i32,
    /** Channels of a group in the padded picture. */
    public depth: i32,
    /** Separate planes of `depth` channels that a padded picture has. */
    private planes: i32,
  ) {
    this.paddedHeight = sourceHeight;
    this.paddedWidth = sourceWidth;
    this.list = new StaticArray<i32>(count * Stage.Length);
  }

  get(stage: i32, field: i32): i32 {
    return this.list[stage * Stage.Length + field];
  }

  set(stage: i32, field: i32, value: i32): void {
    this.list[stage * Stage.Length + field] = value;
  }

  pixels(stage: i32): i32 {
    return this.get(stage, Stage.Height) * this.get(stage, Stage.Width);
  }

  taps(stage: i32): i32 {
    return this.get(stage, Stage.TapsHigh) * this.get(stage, Stage.TapsWide);
  }

  pictureFloats(): i32 {
    return this.planes * this.paddedHeight * this.paddedWidth * this.depth;
  }

  /** Chooses the padding that all stages need; in place where the source has it all and lies as needed. */
  pad(dense: bool): void {
    // A stage without taps reads nothing.
    let top = i32.MAX_VALUE;
    let left = i32.MAX_VALUE;
    let bottom = i32.MIN_VALUE;
    let right = i32.MIN_VALUE;
    for (let i = 0; i < this.count; i++) {
      if (this.taps(i) == 0 || this.pixels(i) == 0) continue;
      const row = this.get(i, Stage.Source);
      const column = this.get(i, Stage.Panels);
      top = min(top, row);
      left = min(left, column);
      bottom = max(
        bottom,
        row +
          (this.get(i, Stage.Height) - 1) * this.get(i, Stage.SourceRowStep) +
          (this.get(i, Stage.TapsHigh) - 1) * this.get(i, Stage.TapRowStep),
      );
      right = max(
        right,
        column +
          (this.get(i, Stage.Width) - 1) * this.get(i, Stage.SourceColumnStep) +
          (this.get(i, Stage.TapsWide) - 1) * this.get(i, Stage.TapColumnStep),
      );
    }
    if (bottom < top || right < left) {
      top = left = bottom = right = 0;
    }
    this.inPlace = dense && top >= 0 && left >= 0 && bottom < this.sourceHeight && right < this.sourceWidth;
    if (this.inPlace) {
      top = left = 0;
    } else {
      this.padTop = -top;
      this.padLeft = -left;
      this.paddedHeight = bottom - top + 1;
      this.paddedWidth = right - left + 1;
    }
    const pixel = this.depth;
    const row = pixel * this.paddedWidth;
    for (let i = 0; i < this.count; i++) {
      const empty = this.taps(i) == 0;
      const place = (this.get(i, Stage.Source) - top) * row + (this.get(i, Stage.Panels) - left) * pixel;
      this.set(i, Stage.Source, empty ? 0 : place);
      this.set(i, Stage.Panels, 0);
      if (empty) {
        this.set(i, Stage.TapsHigh, 0);
        this.set(i, Stage.TapsWide, 0);
      }
      this.set(i, Stage.SourceRowStep, this.get(i, Stage.SourceRowStep) * row);
      this.set(i, Stage.SourceColumnStep, this.get(i, Stage.SourceColumnStep) * pixel);
      this.set(i, Stage.TapRowStep, this.get(i, Stage.TapRowStep) * row);
      this.set(i, Stage.TapColumnStep, this.get(i, Stage.TapColumnStep) * pixel);
    }
  }

  /** First source row and column of a stage; until `pad`, the column waits in Panels. */
  place(stage: i32, row: i32, column: i32): void {
    this.set(stage, Stage.Source, row);
    this.set(stage, Stage.Panels, column);
  }

  fields(): Int32Array {
    const out = new Int32Array(this.list.length);
    for (let i = 0; i < out.length; i++) out[i] = this.list[i];
    return out;
  }
}

/** y by itself is one stage. `written`: channels of a destination pixel; `planes`: one a group. */
export function forwardStage(conv: Conv2d, depth: i32, written: i32, planes: i32): Stages {
  const stages = new Stages(1, conv.inHeight, conv.inWidth, depth, planes);
  stages.set(0, Stage.Height, conv.outHeight);
  stages.set(0, Stage.Width, conv.outWidth);
  stages.place(0, -conv.padTop, -conv.padLeft);
  stages.set(0, Stage.SourceRowStep, conv.strideHeight);
  stages.set(0, Stage.SourceColumnStep, conv.strideWidth);
  stages.set(0, Stage.DestinationRowStep, conv.outWidth * written);
  stages.set(0, Stage.DestinationColumnStep, written);
  stages.set(0, Stage.TapsHigh, conv.filterHeight);
  stages.set(0, Stage.TapsWide, conv.filterWidth);
  stages.set(0, Stage.TapRowStep, conv.dilationHeight);
  stages.set(0, Stage.TapColumnStep, conv.dilationWidth);
  stages.set(0, Stage.TapTopStep, 1);
  stages.set(0, Stage.TapLeftStep, 1);
  return stages;
}

/** The taps that reach one residue of the input's place, along one axis: filter tap first + r·step reads dy at from - r·back. */
class Phase {
  taps: i32 = 0;
  first: i32 = 0;
  step: i32 = 1;
  from: i32 = 0;
  back: i32 = 1;

  constructor(place: i32, pad: i32, filter: i32, stride: i32, dilation: i32) {
    const common = gcd(stride, dilation);
    this.step = stride / common;
    this.back = dilation / common;
    for (let tap = 0; tap < min(filter, this.step); tap++) {
      const distance = place + pad - tap * dilation;
      if (distance % stride != 0) continue;
      this.first = tap;
      this.from = distance / stride;
      this.taps = (filter - 1 - tap) / this.step + 1;
      break;
    }
  }
}

/** dx: input places of one residue modulo the stride form a dense convolution of dy with their taps reversed. */
export function gradientStages(conv: Conv2d, depth: i32, written: i32, planes: i32): Stages {
  const rows = min(conv.strideHeight, conv.inHeight);
  const columns = min(conv.strideWidth, conv.inWidth);
  const stages = new Stages(rows * columns, conv.outHeight, conv.outWidth, depth, planes);
  for (let i = 0; i < rows; i++) {
    const high = new Phase(i, conv.padTop, conv.filterHeight, conv.strideHeight, conv.dilationHeight);
    for (let j = 0; j < columns; j++) {
      const wide = new Phase(j, conv.padLeft, conv.filterWidth, conv.strideWidth, conv.dilationWidth);
      const stage = i * columns + j;
      stages.set(stage, Stage.Height, (conv.inHeight - i + conv.strideHeight - 1) / conv.strideHeight);
      stages.set(stage, Stage.Width, (conv.inWidth - j + conv.strideWidth - 1) / conv.strideWidth);
      stages.place(stage, high.from - (high.taps - 1) * high.back, wide.from - (wide.taps - 1) * wide.back);
      stages.set(stage, Stage.SourceRowStep, 1);
      stages.set(stage, Stage.SourceColumnStep, 1);
      stages.set(stage, Stage.Destination, (i * conv.inWidth + j) * written);
      stages.set(stage, Stage.DestinationRowStep, conv.strideHeight * conv.inWidth * written);
      stages.set(stage, Stage.DestinationColumnStep, conv.strideWidth * written);
      stages.set(stage, Stage.TapsHigh, high.taps);
      stages.set(stage, Stage.TapsWide, wide.taps);
      stages.set(stage, Stage.TapRowStep, high.back);
      stages.set(stage, Stage.TapColumnStep, wide.back);
      stages.set(stage, Stage.TapTop, high.first + (high.taps - 1) * high.step);
      stages.set(stage, Stage.TapTopStep, -high.step);
      stages.set(stage, Stage.TapLeft, wide.first + (wide.taps - 1) * wide.step);
      stages.set(stage, Stage.TapLeftStep, -wide.step);
    }
  }
  return stages;
}
