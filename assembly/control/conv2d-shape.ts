/** What is computed from what: y from x, dx from dy, dFilter from x and dy. */
export const enum Direction {
  Forward,
  InputGradient,
  FilterGradient,
}

/** A convolution's shape; src/wasm/planner.ts writes the fields in this order. */
export class Conv2d {
  direction: Direction;
  batch: i32;
  inHeight: i32;
  inWidth: i32;
  inChannels: i32;
  outHeight: i32;
  outWidth: i32;
  outChannels: i32;
  filterHeight: i32;
  filterWidth: i32;
  strideHeight: i32;
  strideWidth: i32;
  padTop: i32;
  padLeft: i32;
  dilationHeight: i32;
  dilationWidth: i32;
  groups: i32;
  /**
   * Largest tile of outputs that minimal filtering may compute at once: 0 (no filtering), 2 or 4; negative: that tile
   * wherever it is possible, faster or not, for tests and measurements.
   */
  filtering: i32;
  /** Channels of one group. */
  groupIn: i32;
  groupOut: i32;

  constructor(f: Int32Array) {
    this.direction = f[0];
    this.batch = f[1];
    this.inHeight = f[2];
    this.inWidth = f[3];
    this.inChannels = f[4];
    this.outHeight = f[5];
    this.outWidth = f[6];
    this.outChannels = f[7];
    this.filterHeight = f[8];
    this.filterWidth = f[9];
    this.strideHeight = f[10];
    this.strideWidth = f[11];
    this.padTop = f[12];
    this.padLeft = f[13];
    this.dilationHeight = f[14];
    this.dilationWidth = f[15];
    this.groups = f[16];
    this.filtering = f[17];
    this.groupIn = f[4] / f[16];
    this.groupOut = f[7] / f[16];
  }

  /** The stride 1 convolution whose filter-gradient is this one's with taps and channels turned: dy is read. */
  exchanged(): Conv2d {
    const f = new Int32Array(18);
    f[0] = this.direction;
    f[1] = this.batch;
    f[2] = this.outHeight;
    f[3] = this.outWidth;
    f[4] = this.outChannels;
    f[5] = this.inHeight;
    f[6] = this.inWidth;
    f[7] = this.inChannels;
    f[8] = this.filterHeight;
    f[9] = this.filterWidth;
    f[10] = 1;
    f[11] = 1;
    f[12] = (this.filterHeight - 1) * this.dilationHeight - this.padTop;
    f[13] = (this.filterWidth - 1) * this.dilationWidth - this.padLeft;
    f[14] = this.dilationHeight;
    f[15] = this.dilationWidth;
    f[16] = this.groups;
    f[17] = this.filtering;
    return new Conv2d(f);
  }

  /** Where the filter covers the whole picture, the same product as a pointwise convolution of one pixel. */
  flattened(): Conv2d {
    const whole =
      this.groups == 1 &&
      this.outHeight == 1 &&
      this.outWidth == 1 &&
      this.padTop == 0 &&
      this.padLeft == 0 &&
      this.filterHeight == this.inHeight &&
      this.filterWidth == this.inWidth;
    if (!whole) return this;
    const f = new Int32Array(18);
    f.fill(1);
    f[0] = this.direction;
    f[1] = this.batch;
    f[4] = this.inHeight * this.inWidth * this.inChannels;
    f[7] = this.outChannels;
    f[12] = 0;
    f[13] = 0;
    f[17] = this.filtering;
    return new Conv2d(f);
  }

  /** One tap, that reads each pixel once and for itself. */
  pointwise(): bool {
    return (
      this.filterHeight == 1 &&
      this.filterWidth == 1 &&
      this.padTop == 0 &&
      this.padLeft == 0 &&
      this.outHeight == this.inHeight &&
      this.outWidth == this.inWidth
    );
  }

  /** FLOPs of the definition, padding counted as if it were data. */
  flops(): f64 {
    return (
      2.0 * this.batch * this.outHeight * this.outWidth * this.outChannels * this.filterHeight * this.filterWidth * this.groupIn
    );
  }
}
