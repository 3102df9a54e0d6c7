// Gradient of batch norm with its own statistics and an activation; see batch-norm-train.ts for the blocks, units,
// scratch and aliasing.
import { leakySlope, slopeBits } from "../lib/activation";
import { blocksOf, tableBytes, tabulate } from "../lib/batch-norm-table";
import { blockProducts, channelOf, narrow, quartetsOf, recordBytes, widen } from "../lib/moments";
import { loadUpTo4, madd, storeUpTo4 } from "../lib/simd";

/** Writes the table from moments that are known. */
export function batchNormTable(
  scale: usize, offset: usize, mean: usize, variance: usize, table: usize, groups: i32, c: i32, epsilon: f32,
): void {
  const quartets = quartetsOf(c);
  for (let group = 0; group < groups; group++) {
    for (let quartet = 0; quartet < quartets; quartet++, table += tableBytes) {
      const at = channelOf(quartet, c);
      const channels = (<usize>(group * c) << 2) + at;
      tabulate(
        table, loadUpTo4<f32>(mean + channels, c), loadUpTo4<f32>(variance + channels, c),
        loadUpTo4<f32>(scale + at, c), loadUpTo4<f32>(offset + at, c), epsilon,
      );
    }
  }
}

/** Writes each block's Σ dz and Σ dz·(x − mean), see blockProducts. */
export function batchNormProducts(
  dy: usize, x: usize, table: usize, records: usize, rows: i32, c: i32, blockRows: i32, slope: f32,
  scratch: usize, from: i32, to: i32,
): void {
  const blocks = blocksOf(rows, blockRows);
  const quartets = quartetsOf(c);
  const below = f32x4.splat(slope);
  for (let unit = from; unit < to; unit++) {
    const group = unit / blocks;
    const first = (unit % blocks) * blockRows;
    const count = min(blockRows, rows - first);
    const start = (<usize>(group * rows + first) * c) << 2;
    let source = x + start;
    let incoming = dy + start;
    if (c < 4) {
      widen(source, scratch, count, c);
      source = scratch;
      widen(incoming, scratch + (<usize>blockRows << 4), count, c);
      incoming = scratch + (<usize>blockRows << 4);
    }
    const entries = table + <usize>(group * quartets) * tableBytes;
    const record = records + <usize>(unit * quartets) * recordBytes;
    blockProducts(source, incoming, count, max(c, 4), entries, tableBytes, below, record);
  }
}

/** Joins the blocks' sums: dscale, doffset [c], and the rest of the table. */
export function batchNormSettleGrad(
  records: usize, table: usize, dscale: usize, doffset: usize, groups: i32, rows: i32, c: i32, blockRows: i32,
): void {
  const blocks = blocksOf(rows, blockRows);
  const quartets = quartetsOf(c);
  const n = f32x4.splat(<f32>rows);
  for (let quartet = 0; quartet < quartets; quartet++) {
    let toScale = f32x4.splat(0);
    let toOffset = f32x4.splat(0);
    for (let group = 0; group < groups; group++) {
      let sum = f32x4.splat(0);
      let products = f32x4.splat(0);
      for (let block = 0; block < blocks; block++) {
        const record = records + <usize>((group * blocks + block) * quartets + quartet) * recordBytes;
        sum = f32x4.add(sum, v128.load(record));
        products = f32x4.add(products, v128.load(record, 16));
      }
      const entry = table + <usize>(group * quartets + quartet) * tableBytes;
      const inverse = v128.load(entry, 48);
      toScale = madd(products, inverse, toScale);
      toOffset = f32x4.add(toOffset, sum);
      const along = f32x4.mul(f32x4.mul(v128.load(entry, 16), inverse), f32x4.mul(inverse, products));
      v128.store(entry, f32x4.div(sum, n), 64);
      v128.store(entry, f32x4.div(f32x4.neg(along), n), 80);
    }
    const at = channelOf(quartet, c);
    storeUpTo4<f32>(dscale + at, toScale, c);
    storeUpTo4<f32>(doffset + at, toOffset, c);
  }
}

/**
 * dx = gain·(dz − mean dz) − (x − mean)·gain·Σ dz·(x − mean)/(rows·(variance + epsilon)); the last blocks come
 * first, as in batchNormApply.
 */
export function batchNormApplyGrad(
  dy: usize, x: usize, dx: usize, table: usize, units: i32, rows: i32, c: i32, blockRows: i32, slope: f32,
  scratch: usize, from: i32, to: i32,
): void {
  const blocks = blocksOf(rows, blockRows);
  const quartets = quartetsOf(c);
  const below = f32x4.splat(slope);
  for (let i = from; i < to; i++) {
    const unit = units - 1 - i;
    const group = unit / blocks;
    const first = (unit % blocks) * blockRows;
    const count = min(blockRows, rows - first);
    const start = (<usize>(group * rows + first) * c) << 2;
    const entries = table + <usize>(group * quartets) * tableBytes;
    if (c < 4) {
      const incoming = scratch + (<usize>blockRows << 4);
      widen(x + start, scratch, count, c);
      widen(dy + start, incoming, count, c);
      applyGradBlock(incoming, scratch, incoming, entries, count, 4, below);
      narrow(incoming, dx + start, count, c);
    } else applyGradBlock(dy + start, x + start, dx + start, entries, count, c, below);
  }
}

/** dx of a block of rows, two at a time. */
function applyGradBlock(
  dy: usize, x: usize, dx: usize, table: usize, rows: i32, width: i32, below: v128,
): void {
  const stride = <usize>width << 2;
  const quartets = quartetsOf(width);
  const bits = slopeBits(below);
  let row = 0;
  for (; row + 2 <= rows; row += 2, x += stride << 1, dy += stride << 1, dx += stride << 1) {
    let entry = table;
    for (let quartet = 0; quartet < quartets; quartet++, entry += tableBytes) {
      const at = channelOf(quartet, width);
      const next = at + stride;
      const mean = v128.load(entry);
      const gain = v128.load(entry, 16);
      const offset = v128.load(entry, 32);
      const meanDz = v128.load(entry, 64);
      const along = v128.load(entry, 80);
      const e0 = f32x4.sub(v128.load(x + at), mean);
      const e1 = f32x4.sub(v128.load(x + next), mean);
      const d0 = leakySlope(madd(e0, gain, offset), v128.load(dy + at), below, bits);
      const d1 = leakySlope(madd(e1, gain, offset), v128.load(dy + next), below, bits);
      v128.store(dx + at, madd(gain, f32x4.sub(d0, meanDz), f32x4.mul(along, e0)));
      v128.store(dx + next, madd(gain, f32x4.sub(d1, meanDz), f32x4.mul(along, e1)));
    }
  }
  if (row == rows) return;
  let entry = table;
  for (let quartet = 0; quartet < quartets; quartet++, entry += tableBytes) {
    const at = channelOf(quartet, width);
    const gain = v128.load(entry, 16);
    const e = f32x4.sub(v128.load(x + at), v128.load(entry));
    const d = leakySlope(madd(e, gain, v128.load(entry, 32)), v128.load(dy + at), below, bits);
    v128.store(dx + at, madd(gain, f32x4.sub(d, v128.load(entry, 64)), f32x4.mul(v128.load(entry, 80), e)));
  }
}
