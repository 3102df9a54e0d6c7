/** Sizes of products y = a·b side by side: zones. */
export interface Extents {
  /** Of the largest zone. */
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly zones: number;
}

/** A workgroup's part of y, and a thread's: `rows`×`columns`, by down×across threads. */
export interface Tile {
  readonly rows: number;
  readonly columns: number;
  readonly down: number;
  readonly across: number;
}

const tile = (rows: number, columns: number, down: number, across: number): Tile => ({
  ...{ rows, columns, down, across },
});

/** What small products are computed by, whatever their shape. */
export const smallTile = tile(4, 4, 8, 8);

/** The tiles, by name. */
export const tiles: Readonly<Record<string, Tile>> = {
  "128x128": tile(8, 8, 16, 16),
  "128x64": tile(8, 8, 16, 8),
  "64x128": tile(8, 8, 8, 16),
  "64x64": tile(8, 4, 8, 16),
  "32x64": tile(4, 8, 8, 8),
  "32x32": smallTile,
  "16x64": tile(4, 4, 4, 16),
  "128x16": tile(8, 4, 16, 4),
  "64x16": tile(4, 4, 16, 4),
  "256x4": tile(4, 4, 64, 1),
};

/** Workgroups that run at once on a large GPU, one on each of its processors. */
const processors = 128;
/** Least depth of a slice, and most slices' workgroups for a processor. */
const [shortestSlice, mostRounds] = [128, 4];
/** Depth that a tile's begin and end cost. */
const tileDepth = 32;
/** A processor's multiplications in the time that a call takes, and that a number takes to memory and back. */
const [callWork, numberWork] = [5e5, 80 / processors];
/** Most elements of a workspace for slices: 64 MiB. */
const mostSliced = 1 << 24;
/** Multiplications from which on a shader is compiled for the sizes. */
const largeWork = 1 << 23;

/** How a product is computed. */
export interface GemmPlan {
  readonly tile: Tile;
  /** The depth is cut into so many slices, which are summed in their order. */
  readonly slices: number;
  /** Sizes are constants of the text, and vectors are read where they can be: else few texts do for all sizes. */
  readonly special: boolean;
}

const groupsOf = ({ m, n, zones }: Extents, { rows, columns, down, across }: Tile): number =>
  Math.ceil(m / (rows * down)) * Math.ceil(n / (columns * across)) * zones;

/** Slices for a tile, and the time that the product takes then, in a processor's multiplications. */
function slicing(extents: Extents, tile: Tile): { tile: Tile; slices: number; time: number } {
  const groups = groupsOf(extents, tile);
  const { m, n, k, zones } = extents;
  const { rows, columns, down, across } = tile;
  const threads = down * across;
  // For its multiplications of one depth, a thread reads rows and columns, and brings its share of the tile.
  const side = rows * down + columns * across;
  const step = threads * (rows * columns + (rows + columns) / 2) + 4 * side;
  const most = Math.min(
    ...[k / shortestSlice, mostSliced / (m * n * zones), (mostRounds * processors) / groups],
  );
  let best = { tile, slices: 1, time: Number.POSITIVE_INFINITY };
  for (let slices = 1; slices === 1 || slices <= most; slices++) {
    const rounds = Math.ceil((groups * slices) / processors);
    const summing = slices > 1 ? callWork + numberWork * slices * m * n * zones : 0;
    const time = rounds * (Math.ceil(k / slices) + tileDepth) * step + summing;
    if (time < best.time) best = { tile, slices, time };
  }
  return best;
}

/** Chooses the tile and the slices. */
export function planGemm(extents: Extents): GemmPlan {
  const { m, n, k, zones } = extents;
  if (m * n * k * zones < largeWork) return { ...slicing(extents, smallTile), special: false };
  const choices = Object.values(tiles).map((tile) => slicing(extents, tile));
  return { ...choices.reduce((a, b) => (b.time < a.time ? b : a)), special: true };
}
