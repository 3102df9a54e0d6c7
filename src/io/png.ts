import { encode } from "fast-png";
import { check, showShape } from "../errors.ts";
import type { ImageBytes } from "../gan/batch.ts";

/** One picture: uint8, HWC, row-major, 0-255; 1 channel is grey, 3 are RGB. */
export interface Picture {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/**
 * A picture as the bytes of a PNG file, 8 bit, grey or RGB. Equal pictures give equal bytes.
 *
 * @throws RangeError where the sizes disagree.
 */
export function encodePng({ data, width, height, channels }: Picture): Uint8Array<ArrayBuffer> {
  check(channels === 1 || channels === 3, () => `encodePng: expected 1 or 3 channels, got ${channels}`);
  check(
    width >= 1 && height >= 1 && data.length === width * height * channels,
    () => `encodePng: ${data.length} bytes are not a picture [${height},${width},${channels}]`,
  );
  return new Uint8Array(encode({ data, width, height, channels, depth: 8 }));
}

/** How `imageGrid` lays pictures out. */
export interface GridOptions {
  /** Pictures a row; by default the smallest square that holds all. */
  readonly columns?: number;
  /** White pixels between two pictures, 2 by default; not scaled. */
  readonly gap?: number;
  /** Each pixel becomes `scale` × `scale` pixels, an integer; 1 by default. */
  readonly scale?: number;
}

const WHITE = 255;

/**
 * Pictures side by side, row by row, as one picture; places left over are white.
 *
 * @param images uint8 [N,H,W,C], 0-255, as `sample` gives them.
 * @throws RangeError for no pictures, or sizes that disagree.
 */
export function imageGrid(
  { data: images, shape }: ImageBytes,
  { columns, gap = 2, scale = 1 }: GridOptions = {},
): Picture {
  const [count, height, width, channels] = shape;
  check(
    shape.every((size) => Number.isInteger(size) && size >= 1) &&
      images.length === count * height * width * channels,
    () => `imageGrid: ${images.length} bytes are not pictures ${showShape(shape)}`,
  );
  const across = columns ?? Math.ceil(Math.sqrt(count));
  check(Number.isInteger(across) && across >= 1, () => `imageGrid: columns ${across}, at least 1 needed`);
  check(Number.isInteger(gap) && gap >= 0, () => `imageGrid: gap ${gap} is not a number of pixels`);
  check(
    Number.isInteger(scale) && scale >= 1,
    () => `imageGrid: scale ${scale}, an integer from 1 on needed`,
  );

  const down = Math.ceil(count / across);
  const gridWidth = across * (width * scale + gap) - gap;
  const gridHeight = down * (height * scale + gap) - gap;
  const grid = new Uint8Array(gridWidth * gridHeight * channels).fill(WHITE);
  const scaledRow = new Uint8Array(width * scale * channels);
  for (let n = 0; n < count; n++) {
    const left = (n % across) * (width * scale + gap);
    const top = Math.floor(n / across) * (height * scale + gap);
    for (let y = 0; y < height; y++) {
      const start = (n * height + y) * width * channels;
      widenRow(images.subarray(start, start + width * channels), channels, scale, scaledRow);
      for (let copy = 0; copy < scale; copy++) {
        grid.set(scaledRow, ((top + y * scale + copy) * gridWidth + left) * channels);
      }
    }
  }
  return { data: grid, width: gridWidth, height: gridHeight, channels };
}

/** Repeats each pixel of a row `scale` times. */
function widenRow(row: Uint8Array, channels: number, scale: number, wide: Uint8Array): void {
  for (let x = 0, to = 0; x < row.length; x += channels) {
    for (let copy = 0; copy < scale; copy++) {
      for (let c = 0; c < channels; c++) wide[to++] = row[x + c];
    }
  }
}
