import type { GpuCall } from "../backend/op.ts";
import type { GpuOperand } from "../webgpu/shader.ts";
import { eachPixel } from "./pixels.wgsl.ts";

/** Windows over pictures, as the kernels' table has them (see assembly/ops/pool.ts). */
function uniformsOf(geometry: readonly number[], { shape }: GpuOperand) {
  const [, , , , , , filterHeight, filterWidth, strideHeight, strideWidth, padTop, padLeft] = geometry;
  return {
    ...{ readHeight: shape[1], readWidth: shape[2], filterHeight, filterWidth },
    ...{ strideHeight, strideWidth, padTop, padLeft },
  };
}

/** Visits index `at` of each pixel of the window (row, col). */
const overWindow = (visit: string): string => `let top = row * u.strideHeight - u.padTop;
  let left = col * u.strideWidth - u.padLeft;
  let firstRow = max(0, top);
  let firstCol = max(0, left);
  let endRow = min(u.readHeight, top + u.filterHeight);
  let endCol = min(u.readWidth, left + u.filterWidth);
  for (var r = firstRow; r < endRow; r++) {
    for (var k = firstCol; k < endCol; k++) {
      let at = ((b * u.readHeight + r) * u.readWidth + k) * u.channels + c;
      ${visit}
    }
  }`;

/** Visits index `at` of each window (r, k) that the pixel (row, col) is in. */
const overWindows = (visit: string): string => `let down = row + u.padTop;
  let right = col + u.padLeft;
  let firstRow = (max(0, down - u.filterHeight + 1) + u.strideHeight - 1) / u.strideHeight;
  let firstCol = (max(0, right - u.filterWidth + 1) + u.strideWidth - 1) / u.strideWidth;
  let endRow = min(u.readHeight, (down + u.strideHeight) / u.strideHeight);
  let endCol = min(u.readWidth, (right + u.strideWidth) / u.strideWidth);
  for (var r = firstRow; r < endRow; r++) {
    for (var k = firstCol; k < endCol; k++) {
      let at = ((b * u.readHeight + r) * u.readWidth + k) * u.channels + c;
      ${visit}
    }
  }`;

export function averageWindows(call: GpuCall, x: GpuOperand, y: GpuOperand, geometry: readonly number[]) {
  eachPixel(call, {
    name: "avgPool",
    pictures: { x },
    write: { y },
    ints: uniformsOf(geometry, x),
    body: () => `var sum = V();
  ${overWindow("sum += x[at];")}
  y[i] = sum / f32(max(1, (endRow - firstRow) * (endCol - firstCol)));`,
  });
}

/** The adjoint of `averageWindows`: each pixel adds what the windows around it hand down. */
export function spreadWindows(call: GpuCall, dy: GpuOperand, dx: GpuOperand, geometry: readonly number[]) {
  eachPixel(call, {
    name: "avgPoolGrad",
    pictures: { dy },
    write: { dx },
    ints: uniformsOf(geometry, dy),
    declarations: () => `fn overlap(start: i32, length: i32, size: i32) -> i32 {
  return min(size, start + length) - max(0, start);
}
`,
    body: () => `var sum = V();
  ${overWindows(`let rows = overlap(r * u.strideHeight - u.padTop, u.filterHeight, u.height);
      let cols = overlap(k * u.strideWidth - u.padLeft, u.filterWidth, u.width);
      sum += dy[at] / f32(rows * cols);`)}
  dx[i] = sum;`,
  });
}

/** The largest value of each window; NaN where there is one, -∞ where nothing remains. */
export function largestOfWindows(call: GpuCall, x: GpuOperand, y: GpuOperand, geometry: readonly number[]) {
  eachPixel(call, {
    name: "maxPool",
    pictures: { x },
    write: { y },
    ints: uniformsOf(geometry, x),
    floats: { least: Number.NEGATIVE_INFINITY },
    // A shader may take comparisons with NaN for anything: bits tell.
    body: () => `var best = V(u.least);
  var ended = I() != I();
  ${overWindow(`let value = x[at];
      let isNaN = (bitcast<U>(value) & U(0x7fffffff)) > U(0x7f800000);
      best = select(best, value, isNaN | ((value > best) & !ended));
      ended |= isNaN;`)}
  y[i] = best;`,
  });
}

/** Visits a window, `larger` where a value is the first largest so far. */
const pickLargest = (pick: string): string =>
  `var best = V();
  var none = I() == I();
  ${overWindow(`let value = input[at];
      let larger = none | (value > best);
      best = select(best, value, larger);
      ${pick}
      none = I() != I();`)}`;

/** y = x where `input` is largest, first, in each window; 0 where nothing remains. */
export function pickFromWindows(
  call: GpuCall,
  x: GpuOperand,
  input: GpuOperand,
  y: GpuOperand,
  geometry: readonly number[],
) {
  eachPixel(call, {
    name: "maxPoolPick",
    pictures: { x, input },
    write: { y },
    ints: uniformsOf(geometry, x),
    body: () => `var picked = V();
  ${pickLargest("picked = select(picked, x[at], larger);")}
  y[i] = picked;`,
  });
}

/** The adjoint of `pickFromWindows` in x: each pixel adds dy of the windows that it is the largest of. */
export function returnToLargest(
  call: GpuCall,
  dy: GpuOperand,
  input: GpuOperand,
  dx: GpuOperand,
  geometry: readonly number[],
) {
  const positions: GpuOperand = { ...call.workspace(dy.size, "int32"), shape: dy.shape };
  eachPixel(call, {
    name: "maxPoolPositions",
    pictures: { input },
    write: { positions },
    ints: uniformsOf(geometry, input),
    body: () => `var position = I(-1);
  ${pickLargest("position = select(position, at * lanes + lane, larger);")}
  positions[i] = position;`,
  });
  eachPixel(call, {
    name: "maxPoolGrad",
    pictures: { dy, positions },
    write: { dx },
    ints: uniformsOf(geometry, dy),
    body: () => `var sum = V();
  let own = i32(i) * lanes + lane;
  ${overWindows("sum += select(V(), dy[at], positions[at] == own);")}
  dx[i] = sum;`,
  });
}
