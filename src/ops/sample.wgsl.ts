// Bilinear samples of pictures, and the adjoint: see assembly/ops/sample.ts.
import type { GpuCall } from "../backend/op.ts";
import type { GpuOperand } from "../webgpu/shader.ts";
import { eachPixel } from "./pixels.wgsl.ts";

/**
 * A position's pixel above and to the left, and the weights of the neighbours. Positions that are no numbers lie outside:
 * a shader may take comparisons with them for anything, but not their bits.
 */
const positionsWgsl = `fn isOutside(at: vec2f, width: i32, height: i32) -> bool {
  let bits = bitcast<vec2u>(at) & vec2u(0x7fffffff);
  let size = vec2f(f32(width), f32(height));
  return any(bits >= vec2u(0x7f800000)) || !(all(at > vec2f(-1)) && all(at < size));
}
fn weights(at: f32, slope: bool) -> vec2f {
  let f = at - floor(at);
  return select(vec2f(1 - f, f), vec2f(-1, 1), slope);
}
`;

const bits = (slopes: number) => ({ slopeX: slopes & 1, slopeY: slopes >> 1 });

/** y from x and at. */
export function samplePixels(
  call: GpuCall,
  x: GpuOperand,
  at: GpuOperand,
  y: GpuOperand,
  slopes: number,
): void {
  eachPixel(call, {
    name: "sample",
    pictures: { x },
    tables: { at },
    write: { y },
    ints: {
      ...{ readHeight: x.shape[1], readWidth: x.shape[2], ...bits(slopes) },
      grids: at.shape[0],
    },
    declarations: () => positionsWgsl,
    body: () => `let index = 2 * (pixel % (u.grids * u.height * u.width));
  let place = vec2f(at[index], at[index + 1]);
  var sum = V();
  if (!isOutside(place, u.readWidth, u.readHeight)) {
    let first = vec2i(floor(place));
    let across = weights(place.x, u.slopeX == 1);
    let down = weights(place.y, u.slopeY == 1);
    for (var corner = 0; corner < 4; corner++) {
      let k = first.x + (corner & 1);
      let r = first.y + (corner >> 1);
      if (k >= 0 && k < u.readWidth && r >= 0 && r < u.readHeight) {
        let weight = across[corner & 1] * down[corner >> 1];
        sum += weight * x[((b * u.readHeight + r) * u.readWidth + k) * u.channels + c];
      }
    }
  }
  y[i] = sum;`,
  });
}

/** The cell of a position among (width + 1)·(height + 1), by its pixel above and to the left; -1 outside. */
const cellWgsl = `${positionsWgsl}
fn cellOf(i: u32) -> i32 {
  let place = vec2f(at[2 * i], at[2 * i + 1]);
  let first = vec2i(floor(place)) + 1;
  return select(first.y * (u.width + 1) + first.x, -1, isOutside(place, u.width, u.height));
}
`;

const scanThreads = 256;

/**
 * The positions of each picture sorted by cell, and within a cell by index: where each cell's begin in `order`, one
 * more entry than cells. So each pixel finds the samples that it is in, and adds them in a fixed order.
 */
function sortByCell(call: GpuCall, at: GpuOperand, [, height, width]: readonly number[]) {
  const [pictures] = at.shape;
  const positions = at.shape[1] * at.shape[2];
  const cells = (height + 1) * (width + 1);
  const read = { at };
  const count = call.workspace(pictures * cells, "int32");
  const first = call.workspace(pictures * (cells + 1), "int32");
  const unsorted = call.workspace(pictures * positions, "int32");
  const order = call.workspace(pictures * positions, "int32");
  const atomic = { count: "atomic<i32>" };
  const elements = pictures * positions;
  const ints = { height, width, positions, cells };
  const declarations = () => cellWgsl;
  call.clear(count);
  call.run({
    ...{ name: "sampleCount", read, write: { count }, types: atomic, ints, elements, declarations },
    body: () => `let cell = cellOf(i);
  if (cell >= 0) { atomicAdd(&count[i32(i) / u.positions * u.cells + cell], 1); }`,
  });
  // Each thread adds up neighbouring cells, the first of them all threads' sums.
  call.run({
    ...{ name: "sampleScan", write: { count, first }, ints: { cells } },
    workgroupSize: [scanThreads],
    workgroups: [pictures],
    declarations: () => `var<workgroup> sums: array<i32, ${scanThreads}>;`,
    body: () => `let counts = i32(group.x) * u.cells;
  let begins = counts + i32(group.x);
  let share = (u.cells + ${scanThreads - 1}) / ${scanThreads};
  let start = min(u.cells, i32(thread) * share);
  let end = min(u.cells, start + share);
  var sum = 0;
  for (var cell = start; cell < end; cell++) { sum += count[counts + cell]; }
  sums[thread] = sum;
  workgroupBarrier();
  if (thread == 0) {
    var total = 0;
    for (var k = 0; k < ${scanThreads}; k++) {
      let own = sums[k];
      sums[k] = total;
      total += own;
    }
    first[begins + u.cells] = total;
  }
  workgroupBarrier();
  sum = sums[thread];
  for (var cell = start; cell < end; cell++) {
    first[begins + cell] = sum;
    sum += count[counts + cell];
    count[counts + cell] = 0;
  }`,
  });
  call.run({
    ...{ name: "samplePlace", read: { at, first }, write: { count, unsorted }, types: atomic },
    ...{ ints, elements, declarations },
    body: () => `let cell = cellOf(i);
  if (cell < 0) { return; }
  let picture = i32(i) / u.positions;
  let place = first[picture * (u.cells + 1) + cell] + atomicAdd(&count[picture * u.cells + cell], 1);
  unsorted[picture * u.positions + place] = i32(i);`,
  });
  // Which came first depends on the GPU's mood: a position's place is the number of smaller ones in its cell.
  call.run({
    ...{ name: "sampleSort", read: { at, first, unsorted }, write: { order }, ints, elements, declarations },
    body: () => `let cell = cellOf(i);
  if (cell < 0) { return; }
  let picture = i32(i) / u.positions;
  let start = first[picture * (u.cells + 1) + cell];
  let end = first[picture * (u.cells + 1) + cell + 1];
  var place = picture * u.positions + start;
  for (var k = start; k < end; k++) { place += i32(unsorted[picture * u.positions + k] < i32(i)); }
  order[place] = i32(i);`,
  });
  return { first, order };
}

/** The adjoint of `samplePixels` in x: each pixel adds what the samples that it is in hand down. */
export function returnSamples(
  call: GpuCall,
  dy: GpuOperand,
  at: GpuOperand,
  dx: GpuOperand,
  slopes: number,
): void {
  const [, height, width] = dx.shape;
  eachPixel(call, {
    name: "sampleAdjoint",
    pictures: { dy },
    tables: { at, ...sortByCell(call, at, dx.shape) },
    write: { dx },
    ints: {
      ...{ positions: at.shape[1] * at.shape[2], cells: (height + 1) * (width + 1) },
      ...{ grids: at.shape[0], ...bits(slopes) },
    },
    declarations: () => positionsWgsl,
    body: () => `let picture = b % u.grids;
  let before = (b - picture) * u.positions;
  var sum = V();
  // Neighbours in a row of cells follow each other.
  for (var k = 0; k < 2; k++) {
    let cell = picture * (u.cells + 1) + (row + k) * (u.width + 1) + col;
    for (var j = first[cell]; j < first[cell + 2]; j++) {
      let own = order[picture * u.positions + j];
      let place = vec2f(at[2 * own], at[2 * own + 1]);
      let across = weights(place.x, u.slopeX == 1);
      let down = weights(place.y, u.slopeY == 1);
      let weight = across[col - i32(floor(place.x))] * down[row - i32(floor(place.y))];
      sum += weight * dy[(before + own) * u.channels + c];
    }
  }
  dx[i] = sum;`,
  });
}
