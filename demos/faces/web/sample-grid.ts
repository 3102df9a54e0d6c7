import type { SampleTiles } from "./messages.ts";

const columns = 8;
/** Pixels between two pictures. */
const gap = 2;

/** Samples on a canvas, each of their pixels a whole number of the screen's where there is room. */
export class SampleGrid {
  readonly #canvas: HTMLCanvasElement;
  readonly #box: HTMLElement;
  #tiles: SampleTiles | undefined;

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
    this.#box = canvas.parentElement!;
    new ResizeObserver(() => this.#fit()).observe(this.#box);
    // A GPU that is lost takes the canvas's pixels with it.
    canvas.addEventListener("contextrestored", () => {
      if (this.#tiles) this.draw(this.#tiles);
    });
  }

  draw(tiles: SampleTiles): void {
    this.#tiles = tiles;
    const { rgba, count, side } = tiles;
    const canvas = this.#canvas;
    canvas.width = columns * (side + gap) - gap;
    canvas.height = Math.ceil(count / columns) * (side + gap) - gap;
    const context = canvas.getContext("2d")!;
    const bytes = side * side * 4;
    for (let i = 0; i < count; i++) {
      const picture = new ImageData(rgba.subarray(i * bytes, (i + 1) * bytes), side);
      context.putImageData(picture, (i % columns) * (side + gap), Math.floor(i / columns) * (side + gap));
    }
    canvas.hidden = false;
    this.#fit();
  }

  clear(): void {
    this.#tiles = undefined;
    this.#canvas.hidden = true;
  }

  #fit(): void {
    const { width, style } = this.#canvas;
    const room = this.#box.clientWidth * devicePixelRatio;
    const scale = Math.floor(room / width);
    style.width = scale > 0 ? `${(width * scale) / devicePixelRatio}px` : "100%";
  }
}
