import { choose, type Placement } from "../../src/backend/placement.ts";
import { colours, text, wrapped } from "../chart.ts";
import type { Row } from "../contest.ts";
import { type ContestantName, everyName, isOwn } from "../rivals/contestant.ts";
import { sweeps } from "./cases.ts";
import { duration, type GpuReport } from "./report.ts";

const width = 960;
const margin = 24;
const panel = { width: 388, height: 300, left: 68, gap: 72 };
const flopsTick = ["FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP"];

interface Point {
  readonly flops: number;
  readonly seconds: number;
}

/** A contestant's times over the sizes of a sweep. */
function series(rows: readonly Row[], name: ContestantName): Point[] {
  return rows.flatMap(({ work, results }) => {
    const result = results[name];
    const measured = result !== undefined && "seconds" in result && work !== undefined && "flops" in work;
    return measured ? [{ flops: work.flops, seconds: result.seconds }] : [];
  });
}

/** Bytes of inputs and outputs of a sweep's row. */
const bytesOf: Readonly<Record<keyof typeof sweeps, (row: Row) => { inputs: number; all: number }>> = {
  matMul: ({ name }) => {
    const n = Number(/(\d+)³/.exec(name)?.[1]);
    return { inputs: 8 * n * n, all: 12 * n * n };
  },
  conv2d: ({ name }) => {
    const [, channels, side, batch] = /s1 (\d+) @(\d+) batch (\d+)/.exec(name)!.map(Number);
    const picture = 4 * batch * side * side * channels;
    const filter = 36 * channels * channels;
    return { inputs: picture + filter, all: 2 * picture + filter };
  },
};

/**
 * FLOPs from which ganvil's choice of a device, with what was measured, sends a sweep's op to the GPU: between the
 * last size that stays and the first that goes; undefined where none goes or none stays.
 * @param there its inputs are on the GPU as well
 */
export function crossover(
  placement: Placement,
  sweep: keyof typeof sweeps,
  rows: readonly Row[],
  there: boolean,
): number | undefined {
  const sized = rows
    .flatMap((row) => (row.work !== undefined && "flops" in row.work ? [{ row, flops: row.work.flops }] : []))
    .toSorted((a, b) => a.flops - b.flops);
  const first = sized.findIndex(({ row, flops }) => {
    const { inputs, all } = bytesOf[sweep](row);
    const work = { flops, bytes: all, uploadBytes: there ? 0 : inputs, onGpuOnly: false };
    return choose(placement, work).device === "webgpu";
  });
  return first < 1 ? undefined : Math.sqrt(sized[first - 1].flops * sized[first].flops);
}

/** Decades that hold all values, at least one. */
function decades(values: readonly number[]): [number, number] {
  const logarithms = values.map(Math.log10);
  const low = Math.floor(Math.min(...logarithms));
  return [low, Math.max(low + 1, Math.ceil(Math.max(...logarithms)))];
}

/** One sweep: time over FLOPs, both logarithmic, a line for each contestant. */
function panelOf(
  sweep: keyof typeof sweeps,
  { rows, gpu }: Pick<GpuReport, "rows" | "gpu">,
  left: number,
  top: number,
): string {
  const own = rows.filter(({ section }) => section === sweeps[sweep]);
  const lines = everyName
    .map((name) => ({ name, points: series(own, name) }))
    .filter(({ points }) => points.length > 0);
  const title = text(left, top - 14, sweeps[sweep], 'class="case"');
  if (lines.length === 0) return title + text(left, top + 20, "not measured", 'class="note"');
  const all = lines.flatMap(({ points }) => points);
  const [x0, x1] = decades(all.map(({ flops }) => flops));
  const [y0, y1] = decades(all.map(({ seconds }) => seconds));
  const x = (flops: number) => left + ((Math.log10(flops) - x0) / (x1 - x0)) * panel.width;
  const y = (seconds: number) => top + panel.height - ((Math.log10(seconds) - y0) / (y1 - y0)) * panel.height;
  const bottom = top + panel.height;
  const right = left + panel.width;
  const parts = [title];
  for (let d = x0; d <= x1; d++) {
    const at = x(10 ** d).toFixed(1);
    parts.push(`<line class="grid" x1="${at}" x2="${at}" y1="${top}" y2="${bottom}"/>`);
    const label = `${10 ** (d % 3)} ${flopsTick[Math.floor(d / 3)] ?? ""}`;
    if ((d - x0) % Math.ceil((x1 - x0) / 5) === 0)
      parts.push(text(Number(at), bottom + 16, label, 'class="tick"'));
  }
  for (let d = y0; d <= y1; d++) {
    const at = y(10 ** d).toFixed(1);
    parts.push(`<line class="grid" x1="${left}" x2="${right}" y1="${at}" y2="${at}"/>`);
    const label = duration(10 ** d)
      .replace(".00", "")
      .replace(/\.0 /, " ");
    parts.push(text(left - 6, Number(at) + 4, label, 'class="tick end"'));
  }
  if (gpu.placement !== undefined) {
    for (const there of [false, true]) {
      const flops = crossover(gpu.placement, sweep, own, there);
      if (flops === undefined) continue;
      const at = x(flops).toFixed(1);
      parts.push(
        `<line class="crossover" x1="${at}" x2="${at}" y1="${top}" y2="${bottom}"/>`,
        text(
          Number(at) + 4,
          bottom - (there ? 24 : 8),
          there ? "GPU" : "GPU, upload included",
          'class="note halo"',
        ),
      );
    }
  }
  for (const { name, points } of lines) {
    const path = points.map(({ flops, seconds }) => `${x(flops).toFixed(1)},${y(seconds).toFixed(1)}`);
    parts.push(`<polyline class="line ${name}" points="${path.join(" ")}"/>`);
    for (const at of path) {
      const [cx, cy] = at.split(",");
      parts.push(`<circle class="dot ${name}" cx="${cx}" cy="${cy}" r="2.5"/>`);
    }
  }
  return parts.join("\n");
}

const labels: Readonly<Partial<Record<ContestantName, string>>> = {
  ganvil: "ganvil on Wasm, all threads",
  "ganvil-one-thread": "ganvil on Wasm, one thread",
  "ganvil-webgpu": "ganvil on WebGPU",
  "tfjs-webgpu": "TensorFlow.js on WebGPU",
};

function style(): string {
  const of = (theme: 0 | 1) =>
    Object.entries(colours)
      .map(
        ([name, pair]) =>
          `.line.${name},.key.${name}{stroke:${pair[theme]}}.dot.${name}{fill:${pair[theme]}}`,
      )
      .join("");
  return `
text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:#1f2328}
.background{fill:#ffffff}.title{font-size:18px;font-weight:600}.case,.own{font-weight:600}
.note{fill:#59636e;font-size:11px}.tick{fill:#59636e;font-size:11px;text-anchor:middle}.end{text-anchor:end}
.halo{paint-order:stroke;stroke:#ffffff;stroke-width:3px}
.grid{stroke:#d1d9e0}.crossover{stroke:#8250df;stroke-dasharray:4 3;stroke-width:1.5}
.line{fill:none;stroke-width:2;stroke-linejoin:round}.key{stroke-width:3}
${of(0)}
@media (prefers-color-scheme: dark){text{fill:#f0f3f6}.background{fill:#0d1117}.halo{stroke:#0d1117}
.note,.tick{fill:#9198a1}.grid{stroke:#3d444d}.crossover{stroke:#b78aff}${of(1)}}`;
}

/** Time over size of matrix products and convolutions, and where ganvil's choice goes from Wasm to the GPU. */
export function gpuChart(report: GpuReport): string {
  const { machine, gpu, command, rows } = report;
  const notes = [
    `${gpu.adapter}${gpu.software ? " (computed on the CPU: the GPU's times say nothing of a real one)" : ""}; ${machine.cpu}, ${machine.cores} cores, ${machine.runtime}`,
    `${command}. Times of one call, reading back excluded; both axes are logarithmic.`,
    gpu.placement === undefined
      ? "No crossover is marked: a GPU that is computed on the CPU is never chosen."
      : "Dashed: from here on ganvil chooses the GPU, with inputs there already, and with inputs to be uploaded.",
  ].flatMap((note) => wrapped(note, 150));
  const parts: string[] = [text(margin, 36, "When the GPU is worth it", 'class="title"')];
  let y = 56;
  for (const note of notes) {
    parts.push(text(margin, y, note, 'class="note"'));
    y += 16;
  }
  y += 8;
  let at = margin;
  for (const name of everyName) {
    const label = labels[name];
    if (label === undefined || !rows.some(({ results }) => results[name] !== undefined)) continue;
    parts.push(`<line class="key ${name}" x1="${at}" x2="${at + 22}" y1="${y - 4}" y2="${y - 4}"/>`);
    parts.push(text(at + 28, y, label, isOwn(name) ? 'class="own"' : ""));
    at += 226;
  }
  const top = y + 48;
  const sweepNames = Object.keys(sweeps) as (keyof typeof sweeps)[];
  for (const [i, sweep] of sweepNames.entries()) {
    parts.push(panelOf(sweep, report, panel.left + i * (panel.width + panel.gap), top));
  }
  const height = top + panel.height + 36;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="Time over size on Wasm and on the GPU">`,
    `<style>${style()}</style>`,
    `<rect class="background" width="${width}" height="${height}" rx="8"/>`,
    ...parts,
    "</svg>\n",
  ].join("\n");
}
