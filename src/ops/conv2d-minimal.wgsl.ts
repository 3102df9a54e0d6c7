import type { GpuCall } from "../backend/op.ts";
import type { Conv2dDirection, Conv2dGeometry } from "../wasm/planner.ts";
import type { GpuOperand } from "../webgpu/shader.ts";
import { matMulOnGpu } from "./matmul.wgsl.ts";

// Minimal filtering (Winograd 1980; Lavin & Gray 2015, arXiv 1509.09308) of 3×3 taps with stride 1: tiles of pictures and
// the filter become planes, the planes are multiplied as matrices, and the products become pixels:
//
//   y = Aᵀ((G f Gᵀ) ⊙ (Bᵀ x B))A,   df = Gᵀ((Bᵀ x B) ⊙ (A dy Aᵀ))G,   dx as y of dy and the turned filter.
//
// Each thread transforms one tile of one channel, so that threads side by side read channels side by side.

type Matrix = readonly (readonly number[])[];

/** Matrices of F(2×2, 3×3) by the points 0, ±1, ∞ and of F(4×4, 3×3) by 0, ±1, ½, −2, ∞, which err least. */
const matrices: Readonly<Record<2 | 4, { readonly bT: Matrix; readonly g: Matrix; readonly aT: Matrix }>> = {
  2: {
    bT: [
      [1, 0, -1, 0],
      [0, 1, 1, 0],
      [0, -1, 1, 0],
      [0, 1, 0, -1],
    ],
    g: [
      [1, 0, 0],
      [1 / 2, 1 / 2, 1 / 2],
      [1 / 2, -1 / 2, 1 / 2],
      [0, 0, 1],
    ],
    aT: [
      [1, 1, 1, 0],
      [0, 1, -1, -1],
    ],
  },
  4: {
    bT: [
      [1, -3 / 2, -2, 3 / 2, 1, 0],
      [0, -1, 1 / 2, 5 / 2, 1, 0],
      [0, 1, -5 / 2, 1 / 2, 1, 0],
      [0, -2, -1, 2, 1, 0],
      [0, 1 / 2, -1, -1 / 2, 1, 0],
      [0, 1, -3 / 2, -2, 3 / 2, 1],
    ],
    g: [
      [1, 0, 0],
      [1 / 3, 1 / 3, 1 / 3],
      [-1 / 3, 1 / 3, -1 / 3],
      [-16 / 15, -8 / 15, -4 / 15],
      [1 / 15, -2 / 15, 4 / 15],
      [0, 0, 1],
    ],
    aT: [
      [1, 1, 1, 1, 1, 0],
      [0, 1, -1, 1 / 2, -2, 0],
      [0, 1, 1, 1 / 4, 4, 0],
      [0, 1, -1, 1 / 8, -8, 1],
    ],
  },
};

const transposed = (matrix: Matrix): Matrix => matrix[0].map((_, j) => matrix.map((row) => row[j]));

/** Where a side of a transform lies: planes one behind the other, or tiles of pictures. */
type Side = "planes" | "turned planes" | "picture";

/** What tiles of pictures are cut from. */
interface Pictures {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Pixels before the picture that the first tile begins with. */
  readonly top: number;
  readonly left: number;
  /** Number of the first picture. */
  readonly first: number;
}

interface Tiling {
  readonly size: 2 | 4;
  readonly high: number;
  readonly wide: number;
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** WGSL: Σ coefficients·values. */
function combination(coefficients: readonly number[], value: (i: number) => string): string {
  const terms = coefficients.flatMap((c, i) => {
    if (c === 0) return [];
    return [Math.abs(c) === 1 ? `${c < 0 ? "-" : ""}${value(i)}` : `${c} * ${value(i)}`];
  });
  return terms.map((term) => `(${term})`).join(" + ");
}

const inPictures = `let channel = index % u.channels;
let tile = index / u.channels;
let tileLeft = tile % u.tilesWide * u.step - u.left;
let tileTop = tile / u.tilesWide % u.tilesHigh * u.step - u.top;
let picture = tile / (u.tilesWide * u.tilesHigh) + u.first;`;

/** to = L·from·Lᵀ for each tile and channel (or each element of planes); `added` to what it was. */
function transform(
  call: GpuCall,
  name: string,
  matrix: Matrix,
  [source, from]: readonly [GpuOperand, Side],
  [target, to]: readonly [GpuOperand, Side],
  elements: number,
  pictures: Pictures,
  { size, high, wide }: Tiling,
  added = false,
): void {
  const [rows, columns] = [matrix.length, matrix[0].length];
  const plane = (side: Side, count: number, i: number, j: number) =>
    `index + ${side === "planes" ? i * count + j : count * count - 1 - i * count - j} * i32(u.n)`;
  const pixel = (i: number, j: number) =>
    `((picture * u.height + tileTop + ${i}) * u.width + tileLeft + ${j}) * u.channels + channel`;
  const inside = (i: number, j: number) =>
    `u32(tileTop + ${i}) < u32(u.height) && u32(tileLeft + ${j}) < u32(u.width)`;
  call.run({
    name: `minimal ${size} ${name}${added ? " added" : ""}`,
    ...{ read: { x: source }, write: { y: target }, elements },
    ints: { ...pictures, tilesHigh: high, tilesWide: wide, step: size },
    body: () => {
      const lines = ["let index = i32(i);"];
      if (from === "picture" || to === "picture") lines.push(inPictures);
      for (const [i, j] of range(columns).flatMap((i) => range(columns).map((j) => [i, j]))) {
        if (from === "picture") {
          lines.push(`var x${i}_${j} = 0.0;`, `if (${inside(i, j)}) { x${i}_${j} = x[${pixel(i, j)}]; }`);
        } else {
          lines.push(`let x${i}_${j} = x[${plane(from, columns, i, j)}];`);
        }
      }
      for (const k of range(rows)) {
        for (const j of range(columns))
          lines.push(`let t${k}_${j} = ${combination(matrix[k], (i) => `x${i}_${j}`)};`);
        for (const l of range(rows)) {
          const value = combination(matrix[l], (j) => `t${k}_${j}`);
          const place = to === "picture" ? pixel(k, l) : plane(to, rows, k, l);
          const write = `y[${place}] ${added ? "+=" : "="} ${value};`;
          lines.push(to === "picture" ? `if (${inside(k, l)}) { ${write} }` : write);
        }
      }
      return lines.join("\n");
    },
  });
}

/** Most bytes of planes at a time; pictures beyond come after. */
const mostBytes = 1 << 28;
/** Least channels on either side, with tiles of 2 and of 4: of fewer, the planes cost more than is won. */
const enoughChannels = { 2: 128, 4: 64 } as const;
/** Least tiles. */
const enoughTiles = 128;

/**
 * Size of the tiles, where minimal filtering is possible and worth it.
 * @param filtering the largest, 0: none; negative: that size, worth it or not
 */
export function minimalTile(
  g: Conv2dGeometry,
  direction: Conv2dDirection,
  filtering: number,
): 2 | 4 | undefined {
  const size = Math.abs(filtering) as 0 | 2 | 4;
  const taps = g.filterHeight === 3 && g.filterWidth === 3;
  const plain = g.strideHeight * g.strideWidth * g.dilationHeight * g.dilationWidth * g.groups === 1;
  if (size === 0 || !taps || !plain) return undefined;
  if (filtering < 0) return size;
  const { batch, inChannels, outChannels } = g;
  const [height, width] = direction === "inputGradient" ? [g.inHeight, g.inWidth] : [g.outHeight, g.outWidth];
  const tiles = batch * Math.ceil(height / size) * Math.ceil(width / size);
  const saved = (size + 2) ** 2 * tiles < 0.6 * 9 * batch * height * width;
  const wide = Math.min(inChannels, outChannels) >= enoughChannels[size];
  const pictureBytes = (4 * (size + 2) ** 2 * tiles * Math.max(inChannels, outChannels)) / batch;
  const fits = pictureBytes <= mostBytes / 2;
  return saved && wide && fits && tiles >= enoughTiles ? size : undefined;
}

/** One direction of a convolution by minimal filtering: y of (x, filter), dx of (dy, filter), dFilter of (x, dy). */
export function minimalFiltering(
  call: GpuCall,
  g: Conv2dGeometry,
  direction: Conv2dDirection,
  size: 2 | 4,
  result: GpuOperand,
  a: GpuOperand,
  b: GpuOperand,
): void {
  const { bT, g: gMatrix, aT } = matrices[size];
  const planes = (size + 2) ** 2;
  const x = { height: g.inHeight, width: g.inWidth, channels: g.inChannels, top: g.padTop, left: g.padLeft };
  const y = { height: g.outHeight, width: g.outWidth, channels: g.outChannels, top: 0, left: 0 };
  const turned = { top: 2 - g.padTop, left: 2 - g.padLeft };
  const inward = direction === "inputGradient";
  // Of the input-gradient, dy is what is filtered.
  const from = inward ? { ...y, ...turned } : x;
  const to = inward ? { ...x, top: 0, left: 0 } : y;
  const [high, wide] = [Math.ceil(to.height / size), Math.ceil(to.width / size)];
  const tiling = { size, high, wide };
  const filterSize = g.inChannels * g.outChannels;
  const most = Math.min(mostBytes, call.limits.maxStorageBufferBindingSize);
  const channels = Math.max(g.inChannels, g.outChannels);
  const slices = Math.min(g.batch, Math.ceil((4 * planes * g.batch * high * wide * channels) / most));
  const atOnce = Math.ceil(g.batch / slices);
  const filter = direction === "filterGradient" ? undefined : call.workspace(planes * filterSize);
  if (filter !== undefined) {
    const side = inward ? "turned planes" : "planes";
    const flat = { ...x, first: 0 };
    transform(
      ...([call, `filter ${side}`, gMatrix, [b, side], [filter, "planes"], filterSize] as const),
      ...([flat, tiling] as const),
    );
  }
  const tiles = atOnce * high * wide;
  const input = call.workspace(planes * tiles * from.channels);
  const output = call.workspace(planes * tiles * to.channels);
  const products = filter ?? call.workspace(planes * filterSize);
  for (let first = 0; first < g.batch; first += atOnce) {
    const m = Math.min(atOnce, g.batch - first) * high * wide;
    const of = (values: GpuOperand, count: number): GpuOperand => ({ ...values, size: planes * count });
    const [v, w] = [of(input, m * from.channels), of(output, m * to.channels)];
    const [inputs, outputs] = [m * from.channels, m * to.channels];
    const [source, target] = [
      { ...from, first },
      { ...to, first },
    ];
    transform(call, "input", bT, [a, "picture"], [v, "planes"], inputs, source, tiling);
    const multiplied = { count: planes, transposeA: false, transposeB: inward };
    if (filter !== undefined) {
      matMulOnGpu(call, v, filter, w, { ...multiplied, m, k: from.channels, n: to.channels });
      transform(call, "output", aT, [w, "planes"], [result, "picture"], outputs, target, tiling);
      continue;
    }
    transform(call, "dy", transposed(aT), [b, "picture"], [w, "planes"], outputs, target, tiling);
    const sums = { ...multiplied, transposeA: true, m: g.inChannels, k: m, n: g.outChannels };
    matMulOnGpu(call, v, w, products, sums);
    transform(
      ...([call, "dFilter", transposed(gMatrix), [products, "planes"], [result, "planes"]] as const),
      ...([filterSize, target, tiling, first > 0] as const),
    );
  }
}
