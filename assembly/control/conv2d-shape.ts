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
    this.groupIn = f[4] / f[16];
    this.groupOut = f[7] / f[16];
  }

  /** FLOPs of the definition, padding counted as if it were data. */
  flops(): f64 {
    return (
      2.0 * this.batch * this.outHeight * this.outWidth * this.outChannels * this.filterHeight * this.filterWidth * this.groupIn
    );
  }
}
