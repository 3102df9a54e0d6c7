import { multiplyPanels } from "../lib/gemm-panels";
import { multiplyRuns } from "../lib/gemm-runs";
import { packColumns, packRows, pixelOffsets } from "../lib/pack";

/** Bytes of left rows that stay in the L2 cache while all right panels pass. */
const blockBytes: i32 = 1 << 19;

/**
 * y[i] = a[pairs[2i]]·b[pairs[2i+1]], i < batch: products of row-major matrices a [m, k] (or [k, m] with
 * `transposeA`) and b [k, n] (or [n, k] with `transposeB`), k ≥ 1; y [batch, m, n].
 *
 * `pairs` holds int32 matrix numbers, so that batch dimensions broadcast. The workspace holds, each rounded up
 * to 64 bytes: an edge tile of 256 bytes, 8 bytes a row of a (of k with transposeA), b's panels
 * (k·⌈n/8⌉·32 bytes), and with transposeA a's panels (k·⌈m/4⌉·16 bytes). y does not alias.
 * Maximum error: that of k float32 products summed in order.
 */
export function matMul(
  y: usize,
  a: usize,
  b: usize,
  pairs: usize,
  batch: i32,
  m: i32,
  k: i32,
  n: i32,
  transposeA: i32,
  transposeB: i32,
  workspace: usize,
): void {
  const edge = workspace;
  const offsets = edge + 256;
  const right = offsets + (((<usize>(transposeA ? k : m)) * 8 + 63) & ~63);
  const left = right + <usize>k * ((<usize>((n + 7) >> 3)) << 5);
  if (transposeA) pixelOffsets(offsets, 1, 1, k, 0, 0, m, 0, 0, 0);
  else pixelOffsets(offsets, 1, 1, m, 0, 0, k, 0, 0, n);
  const block = max(4, (blockBytes / (k << 2)) & ~3);
  let packed = -1;
  for (let i = 0; i < batch; i++, y += (<usize>(m * n)) << 2) {
    const ai = a + (<usize>load<i32>(pairs + ((<usize>i) << 3)) * <usize>(m * k) << 2);
    const which = load<i32>(pairs + ((<usize>i) << 3), 4);
    if (which != packed) {
      const bi = b + (<usize>which * <usize>(k * n) << 2);
      packColumns(right, k, bi, k, n, transposeB ? 1 : n, transposeB ? k : 1);
      packed = which;
    }
    if (transposeA) {
      packRows(left, ai, offsets, k, m);
      multiplyPanels(y, (<usize>n) << 2, left, right, k, m, n, false, edge);
    } else {
      for (let from = 0; from < m; from += block) {
        const rows = offsets + ((<usize>from) << 3);
        const run = (<usize>k) << 2;
        multiplyRuns(y, ai, rows, min(block, m - from), right, n, 1, run, 1, run, run, edge);
      }
    }
  }
}
