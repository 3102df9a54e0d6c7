import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { LossHistory } from "./loss-history.ts";
import type { LossPoint } from "./messages.ts";

const height = 240;

const colour = (name: string) => (): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`);

/** Both losses over training, as wide as its element, in the colours of the page. */
export class LossChart {
  readonly #element: HTMLElement;
  readonly #chart: uPlot;
  #history = new LossHistory();
  #due = false;

  constructor(element: HTMLElement) {
    this.#element = element;
    const axis = {
      stroke: colour("quiet"),
      grid: { stroke: colour("line"), width: 1 },
      ticks: { stroke: colour("line"), width: 1 },
      font: "12px system-ui, sans-serif",
      labelFont: "12px system-ui, sans-serif",
      labelSize: 20,
    };
    const loss = (label: string, name: string): uPlot.Series => ({
      label,
      stroke: colour(name),
      width: 2,
      points: { show: false },
      value: (_, value) => value?.toFixed(3) ?? "–",
    });
    this.#chart = new uPlot(
      {
        width: Math.max(1, element.clientWidth),
        height,
        // The data grow under a chosen part, which would snap back.
        cursor: { drag: { x: false, y: false } },
        scales: {
          x: { time: false },
          y: { range: (_, __, most) => [0, Math.max(1, most * 1.1)] },
        },
        axes: [
          { ...axis, label: "kimg shown", size: 30 },
          { ...axis, label: "loss", size: 44 },
        ],
        series: [
          { label: "kimg", value: (_, value) => value?.toFixed(1) ?? "–" },
          loss("Generator", "generator"),
          loss("Discriminator", "discriminator"),
        ],
      },
      this.#history.columns,
      element,
    );
    new ResizeObserver(() =>
      this.#chart.setSize({ width: Math.max(1, element.clientWidth), height }),
    ).observe(element);
    // A GPU that is lost takes the canvas's pixels with it.
    this.#chart.ctx.canvas.addEventListener("contextrestored", () => this.#chart.redraw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#chart.redraw());
  }

  add(points: readonly LossPoint[]): void {
    for (const point of points) this.#history.add(point);
    this.#draw();
  }

  clear(): void {
    this.#history = new LossHistory();
    this.#draw();
  }

  #draw(): void {
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      this.#chart.setData(this.#history.columns);
      // The legend tells the latest losses, or those under the pointer.
      const { left = -1 } = this.#chart.cursor;
      if (left < 0) this.#chart.setLegend({ idx: this.#history.columns[0].length - 1 });
      const { latest } = this.#history;
      this.#element.ariaLabel =
        latest === undefined
          ? "No losses yet"
          : `Losses: generator ${latest.generator.toFixed(2)}, discriminator ${latest.discriminator.toFixed(2)}`;
    });
  }
}
