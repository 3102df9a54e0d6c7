import { channelOf, chunkRows, foldMoments, foldProducts, narrow, recordBytes, widen } from "../lib/moments";
import { madd } from "../lib/simd";

/** y = (x − mean)·gain + offset for rows of four channels. */
function normalise(x: usize, y: usize, stride: usize, rows: i32, mean: v128, gain: v128, offset: v128): void {
  for (let row = 0; row < rows; row++, x += stride, y += stride) {
    v128.store(y, madd(f32x4.sub(v128.load(x), mean), gain, offset));
  }
}

function trainGroup(
  x: usize, scale: usize, offset: usize, y: usize, mean: usize, variance: usize, rows: i32, c: i32,
  epsilon: f32, records: usize,
): void {
  const stride = <usize>c << 2;
  const quartets = (c + 3) >> 2;
  memory.fill(records, 0, <usize>quartets * recordBytes);
  for (let row = 0; row < rows; row += chunkRows) {
    const chunk = x + <usize>row * stride;
    for (let quartet = 0; quartet < quartets; quartet++) {
      const at = channelOf(quartet, c);
      const record = records + <usize>quartet * recordBytes;
      foldMoments(chunk + at, stride, min(chunkRows, rows - row), row, v128.load(x + at), record);
    }
  }
  for (let quartet = 0; quartet < quartets; quartet++) {
    const at = channelOf(quartet, c);
    const record = records + <usize>quartet * recordBytes;
    const spread = f32x4.div(v128.load(record, 16), f32x4.splat(<f32>rows));
    v128.store(variance + at, spread);
    v128.store(mean + at, f32x4.add(v128.load(x + at), v128.load(record)));
    const deviation = f32x4.sqrt(f32x4.add(spread, f32x4.splat(epsilon)));
    v128.store(record, f32x4.div(v128.load(scale + at), deviation));
  }
  for (let row = 0; row < rows; row += chunkRows) {
    const start = <usize>row * stride;
    for (let quartet = 0; quartet < quartets; quartet++) {
      const at = channelOf(quartet, c);
      normalise(
        x + start + at, y + start + at, stride, min(chunkRows, rows - row), v128.load(mean + at),
        v128.load(records + <usize>quartet * recordBytes), v128.load(offset + at),
      );
    }
  }
}

/**
 * y = scale·(x − mean)/√(variance + epsilon) + offset, x [groups, rows, c], with the mean and the biased
 * variance of each group and channel, mean and variance [groups, c].
 *
 * The moments' error is a few units in the last place of the deviation from a group's first row, so a large
 * mean costs nothing; y's is that of rounding the mean. Outputs alias nothing. `workspace` holds
 * batchNormBytes(rows, c, groups, 2).
 */
export function batchNormTrain(
  x: usize, scale: usize, offset: usize, y: usize, mean: usize, variance: usize, groups: i32, rows: i32,
  c: i32, epsilon: f32, workspace: usize,
): void {
  if (c < 4) {
    const wide = workspace + recordBytes;
    const wideY = wide + (<usize>(groups * rows) << 4);
    const wideScale = wideY + (<usize>(groups * rows) << 4);
    const wideMean = wideScale + 32;
    const wideVariance = wideMean + (<usize>groups << 4);
    widen(x, wide, groups * rows, c);
    widen(scale, wideScale, 1, c);
    widen(offset, wideScale + 16, 1, c);
    batchNormTrain(
      wide, wideScale, wideScale + 16, wideY, wideMean, wideVariance, groups, rows, 4, epsilon, workspace,
    );
    narrow(wideY, y, groups * rows, c);
    narrow(wideMean, mean, groups, c);
    narrow(wideVariance, variance, groups, c);
    return;
  }
  const groupBytes = (<usize>rows * c) << 2;
  for (let group = 0; group < groups; group++) {
    const start = <usize>group * groupBytes;
    const channels = <usize>(group * c) << 2;
    trainGroup(
      x + start, scale, offset, y + start, mean + channels, variance + channels, rows, c, epsilon, workspace,
    );
  }
}

function trainGradGroup(
  dy: usize, x: usize, scale: usize, dx: usize, dscale: usize, doffset: usize, rows: i32, c: i32,
  epsilon: f32, first: bool, records: usize,
): void {
  const stride = <usize>c << 2;
  const quartets = (c + 3) >> 2;
  const n = f32x4.splat(<f32>rows);
  memory.fill(records, 0, <usize>quartets * recordBytes);
  for (let row = 0; row < rows; row += chunkRows) {
    const start = <usize>row * stride;
    for (let quartet = 0; quartet < quartets; quartet++) {
      const at = channelOf(quartet, c);
      const record = records + <usize>quartet * recordBytes;
      const chunk = min(chunkRows, rows - row);
      foldProducts(x + start + at, dy + start + at, stride, chunk, row, v128.load(x + at), record);
    }
  }
  // The record becomes: mean of x, gain, mean of dy, slope, with
  // dx = gain·(dy − mean dy) − slope·(x − mean x).
  for (let quartet = 0; quartet < quartets; quartet++) {
    const at = channelOf(quartet, c);
    const record = records + <usize>quartet * recordBytes;
    const spread = f32x4.add(f32x4.div(v128.load(record, 16), n), f32x4.splat(epsilon));
    const inverse = f32x4.div(f32x4.splat(1), f32x4.sqrt(spread));
    const gain = f32x4.mul(v128.load(scale + at), inverse);
    const products = v128.load(record, 48);
    v128.store(record, f32x4.add(v128.load(x + at), v128.load(record)));
    v128.store(record, gain, 16);
    v128.store(record, f32x4.div(f32x4.mul(gain, products), f32x4.mul(spread, n)), 48);
    // Quartets may overlap, and dscale and doffset are sums over the groups: store this group's share beside
    // the record, add it up below.
    v128.store(record + <usize>quartets * recordBytes, f32x4.mul(products, inverse));
    v128.store(record + <usize>quartets * recordBytes, f32x4.mul(v128.load(record, 32), n), 16);
  }
  for (let channel = 0; channel < c; channel++) {
    // The last quartet holds the channels from c − 4 on.
    const quartet = min(channel >> 2, quartets - 1);
    const lane = channel - <i32>(channelOf(quartet, c) >> 2);
    const share = records + <usize>(quartets + quartet) * recordBytes + (<usize>lane << 2);
    const at = <usize>channel << 2;
    store<f32>(dscale + at, load<f32>(share) + (first ? 0 : load<f32>(dscale + at)));
    store<f32>(doffset + at, load<f32>(share, 16) + (first ? 0 : load<f32>(doffset + at)));
  }
  for (let row = 0; row < rows; row += chunkRows) {
    const start = <usize>row * stride;
    for (let quartet = 0; quartet < quartets; quartet++) {
      const at = start + channelOf(quartet, c);
      const record = records + <usize>quartet * recordBytes;
      const mean = v128.load(record);
      const gain = v128.load(record, 16);
      const meanDy = v128.load(record, 32);
      const slope = f32x4.neg(v128.load(record, 48));
      const end = x + at + <usize>min(chunkRows, rows - row) * stride;
      let q = dy + at;
      let r = dx + at;
      for (let p = x + at; p < end; p += stride, q += stride, r += stride) {
        const along = f32x4.mul(slope, f32x4.sub(v128.load(p), mean));
        v128.store(r, madd(gain, f32x4.sub(v128.load(q), meanDy), along));
      }
    }
  }
}

/**
 * Gradient of batchNormTrain, with x̂ = (x − mean)/√(variance + epsilon) and means over a group's rows:
 * dx = scale/√(variance + epsilon)·(dy − mean(dy) − x̂·mean(dy·x̂)), dscale = Σ dy·x̂, doffset = Σ dy.
 * dy, x, dx [groups, rows, c]; scale, dscale, doffset [c]. Outputs alias nothing. `workspace` holds
 * batchNormBytes(rows, c, groups, 3).
 */
export function batchNormTrainGrad(
  dy: usize, x: usize, scale: usize, dx: usize, dscale: usize, doffset: usize, groups: i32, rows: i32,
  c: i32, epsilon: f32, workspace: usize,
): void {
  if (c < 4) {
    const planeBytes = <usize>(groups * rows) << 4;
    const wideX = workspace + 2 * recordBytes;
    const wideDy = wideX + planeBytes;
    const wideDx = wideDy + planeBytes;
    const wideScale = wideDx + planeBytes;
    widen(x, wideX, groups * rows, c);
    widen(dy, wideDy, groups * rows, c);
    widen(scale, wideScale, 1, c);
    batchNormTrainGrad(
      wideDy, wideX, wideScale, wideDx, wideScale + 16, wideScale + 32, groups, rows, 4, epsilon, workspace,
    );
    narrow(wideDx, dx, groups * rows, c);
    narrow(wideScale + 16, dscale, 1, c);
    narrow(wideScale + 32, doffset, 1, c);
    return;
  }
  for (let group = 0; group < groups; group++) {
    const start = <usize>group * ((<usize>rows * c) << 2);
    trainGradGroup(
      dy + start, x + start, scale, dx + start, dscale, doffset, rows, c, epsilon, group == 0, workspace,
    );
  }
}

/** Bytes of workspace for batchNormTrain (planes = 2) and batchNormTrainGrad (planes = 3). */
export function batchNormBytes(rows: i32, c: i32, groups: i32, planes: i32): i32 {
  const records = ((c + 3) >> 2) * 128;
  return c < 4 ? records + planes * groups * rows * 16 + groups * 32 + 64 : records;
}
