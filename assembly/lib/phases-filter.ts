import { filter2 } from "./filtering-2x2";
import { filter4, plusTwice } from "./filtering-4x2";
import { packColumns } from "./pack";
import { Phases, phases } from "./phases-program";

/** G g Gᵀ of two by two taps of four channels. */
function filterVector(to: usize, plane: usize, tile: i32, g00: v128, g01: v128, g10: v128, g11: v128): void {
  if (tile == 4) {
    const line = 5 * plane;
    filter4(to, plane, g00, g01);
    to += line;
    filter4(to, plane, f32x4.add(g00, g10), f32x4.add(g01, g11));
    to += line;
    filter4(to, plane, f32x4.sub(g00, g10), f32x4.sub(g01, g11));
    to += line;
    filter4(to, plane, plusTwice(g00, g10), plusTwice(g01, g11));
    filter4(to + line, plane, g10, g11);
    return;
  }
  const line = 3 * plane;
  filter2(to, plane, g00, g01);
  filter2(to + line, plane, f32x4.add(g00, g10), f32x4.add(g01, g11));
  filter2(to + 2 * line, plane, g10, g11);
}

/**
 * Copies one phase's taps of up to 16 columns to [column/8][tap][depth][8], columns `panel` bytes apart: `depth`
 * values are summed over, `count` of them exist, the others are zero. Column 0 stands at `filter` in tap (0, 0).
 */
export function packPhase(
  packed: usize,
  panel: usize,
  filter: usize,
  program: usize,
  phase: i32,
  depth: i32,
  count: i32,
  width: i32,
  stepDepth: i32,
  stepColumn: i32,
): void {
  const wide = phases(program, Phases.FilterWidth);
  const tapFloats = phases(program, Phases.InChannels) * phases(program, Phases.OutChannels);
  const rows = <i32>(panel >> 5);
  for (let tap = 0; tap < 4; tap++, packed += (<usize>depth) << 5) {
    const row = (tap & 2) + (phase >> 1);
    const column = ((tap & 1) << 1) + (phase & 1);
    const exists = row < phases(program, Phases.FilterHeight) && column < wide;
    if (exists) {
      const from = filter + ((<usize>((row * wide + column) * tapFloats)) << 2);
      packColumns(packed, rows, from, count, width, stepDepth, stepColumn);
    }
    const first = exists ? count : 0;
    for (let n = 0; n < width; n += 8) {
      memory.fill(packed + <usize>(n >> 3) * panel + ((<usize>first) << 5), 0, (<usize>(depth - first)) << 5);
    }
  }
}

/** Transforms 8 columns of one phase, packed [tap][depth][8], to panels [plane][depth][8]. */
export function transformPhase(to: usize, plane: usize, packed: usize, depth: i32, tile: i32): void {
  const bytes = (<usize>depth) << 5;
  const g01 = bytes;
  const g10 = 2 * bytes;
  const g11 = 3 * bytes;
  for (let end = packed + bytes; packed < end; packed += 16, to += 16) {
    filterVector(
      to,
      plane,
      tile,
      v128.load(packed),
      v128.load(packed + g01),
      v128.load(packed + g10),
      v128.load(packed + g11),
    );
  }
}
