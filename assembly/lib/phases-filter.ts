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
 * Transforms one phase's taps of 8 columns to panels [plane][depth][8]: `depth` values are summed over, `count` of
 * them exist, the others are zero. Column 0 stands at `filter` in the filter's tap (0, 0); `packed` is a workspace
 * of 4·depth·8 float32.
 */
export function filterPanels(
  to: usize,
  plane: usize,
  filter: usize,
  program: usize,
  phase: i32,
  depth: i32,
  count: i32,
  width: i32,
  stepDepth: i32,
  stepColumn: i32,
  packed: usize,
): void {
  const tile = phases(program, Phases.Tile);
  const wide = phases(program, Phases.FilterWidth);
  const tapFloats = phases(program, Phases.InChannels) * phases(program, Phases.OutChannels);
  const bytes = (<usize>depth) << 5;
  for (let tap = 0; tap < 4; tap++) {
    const row = (tap & 2) + (phase >> 1);
    const column = ((tap & 1) << 1) + (phase & 1);
    const at = packed + <usize>tap * bytes;
    const exists = row < phases(program, Phases.FilterHeight) && column < wide;
    const rows = exists ? count : 0;
    if (exists) {
      const from = filter + ((<usize>((row * wide + column) * tapFloats)) << 2);
      packColumns(at, depth, from, count, width, stepDepth, stepColumn);
    }
    memory.fill(at + ((<usize>rows) << 5), 0, (<usize>(depth - rows)) << 5);
  }
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
