import type { Picture } from "../../src/io/index.ts";

/** Points of the plane in a square panel. */
export interface Panel {
  /** float32 [N, 2] row by row. */
  readonly points: Float32Array;
  /** Drawn below the points as grey dots. */
  readonly centres: readonly (readonly [x: number, y: number])[];
}

export interface ScatterOptions {
  /** Panels show −extent to extent, either way. */
  readonly extent: number;
  /** Panels a row. */
  readonly columns: number;
  /** Height and width of a panel in pixels. Default 300. */
  readonly size?: number;
}

const white = 255;
const grey = 200;
/** Radius of a centre's dot in pixels. */
const dot = 5;
/** What a point takes from a pixel's red and green: points that lie on each other get darker. */
const ink = 90;

/** Points panel by panel, in blue over grey centres. */
export function scatterPlot(
  panels: readonly Panel[],
  { extent, columns, size = 300 }: ScatterOptions,
): Picture {
  const gap = 8;
  const rows = Math.ceil(panels.length / columns);
  const [width, height] = [columns * (size + gap) - gap, rows * (size + gap) - gap];
  const data = new Uint8Array(width * height * 3).fill(white);
  for (const [index, { points, centres }] of panels.entries()) {
    const left = (index % columns) * (size + gap);
    const top = Math.floor(index / columns) * (size + gap);
    const pixel = (value: number): number => Math.round(((value + extent) / (2 * extent)) * (size - 1));
    const mark = (x: number, y: number, colour: (at: number) => void): void => {
      const inside = x >= 0 && x < size && y >= 0 && y < size;
      if (inside) colour(((top + size - 1 - y) * width + left + x) * 3);
    };
    for (let i = 0; i < size; i++) {
      for (const [x, y] of [
        [i, 0],
        [i, size - 1],
        [0, i],
        [size - 1, i],
      ]) {
        mark(x, y, (at) => data.fill(grey, at, at + 3));
      }
    }
    for (const [x, y] of centres) {
      for (let dy = -dot; dy <= dot; dy++) {
        for (let dx = -dot; dx <= dot; dx++) {
          if (Math.hypot(dx, dy) <= dot) {
            mark(pixel(x) + dx, pixel(y) + dy, (at) => data.fill(grey, at, at + 3));
          }
        }
      }
    }
    for (let i = 0; i < points.length; i += 2) {
      mark(pixel(points[i]), pixel(points[i + 1]), (at) => {
        data[at] = Math.max(0, data[at] - ink);
        data[at + 1] = Math.max(60, data[at + 1] - ink);
      });
    }
  }
  return { data, width, height, channels: 3 };
}
