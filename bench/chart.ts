import type { Result, Row } from "./contest.ts";
import { figure, type Report } from "./report.ts";
import { type ContestantName, everyName, isOwn } from "./rivals/contestant.ts";
import { stepSection } from "./steps.ts";

/** Cases that a reader decides by. */
export const isHeadline = ({ name, section }: Pick<Row, "name" | "section">): boolean =>
  section === stepSection ||
  /^matMul 512³ AB$|^conv2d (4x4 s2 64-128|3x3 s1 128 @|grouped .* 128)|^batch norm.*backward|^leakyRelu$|^Adam/.test(
    name,
  );

export const colours: Readonly<Record<ContestantName, readonly [light: string, dark: string]>> = {
  ganvil: ["#0b7a5b", "#3ddca8"],
  "tfjs-wasm": ["#d9822b", "#f0a04b"],
  "tfjs-wasm-patched": ["#b3541e", "#d9773a"],
  "tfjs-cpu": ["#8a6d3b", "#b79a66"],
  "onnxruntime-web": ["#3b6fb6", "#6ea4ee"],
  "jax-js": ["#8e4bb0", "#c386e6"],
  pytorch: ["#6b7280", "#9aa3b2"],
  "pytorch-avx2": ["#9aa1ad", "#6b7482"],
  "ganvil-one-thread": ["#7fb8a4", "#1f7a5e"],
  "ganvil-webgpu": ["#0a5fa8", "#4db2ff"],
  "tfjs-webgpu": ["#c2410c", "#ff8a4c"],
};

const width = 960;
const margin = 24;
const names = 150;
const plot = { left: margin + names, right: width - 250 };
const barHeight = 13;
/** Decades left and right of ganvil's speed. */
const range = { low: -2, high: 1 };

const escaped = (text: string): string => text.replace(/[&<>"]/g, (sign) => `&#${sign.codePointAt(0)};`);

/** Where a speed relative to ganvil's stands on the logarithmic axis. */
function at(relative: number): number {
  const part = (Math.log10(relative) - range.low) / (range.high - range.low);
  return plot.left + Math.min(1, Math.max(0, part)) * (plot.right - plot.left);
}

export const text = (x: number, y: number, content: string, attributes = ""): string =>
  `<text x="${x.toFixed(1)}" y="${y}" ${attributes}>${escaped(content)}</text>`;

const compared = (relative: number): string =>
  Math.abs(relative - 1) < 0.05
    ? "as fast"
    : relative < 1
      ? `${round(1 / relative)}× slower`
      : `${round(relative)}× faster`;

const round = (factor: number): string => factor.toFixed(factor < 9.95 ? 1 : 0);

/** One contestant's bar and figure; of those that could not run, why. */
function bar(name: ContestantName, result: Result, { work, ratios }: Row, y: number): string {
  const label = text(plot.left - 8, y + 10, name, `class="name${isOwn(name) ? " own" : ""}"`);
  if (!("seconds" in result)) {
    const why = "missing" in result ? `missing: ${result.missing}` : "failed";
    return label + text(plot.left + 4, y + 10, why, 'class="missing"');
  }
  const relative = name === "ganvil" ? 1 : 1 / (ratios[name] ?? 1);
  const end = at(relative);
  const said = figure(result, work).replace(/ \(best.*?\)/, "");
  const times = name === "ganvil" ? "" : `, ${compared(relative)}`;
  return (
    label +
    `<rect class="${name}" x="${plot.left}" y="${y}" width="${Math.max(1, end - plot.left).toFixed(1)}" height="${barHeight - 3}" rx="2"/>` +
    text(end + 6, y + 10, `${said}${times}`, `class="figure${isOwn(name) ? " own" : ""}"`)
  );
}

const style = (): string => {
  const of = (theme: 0 | 1) =>
    Object.entries(colours)
      .map(([name, pair]) => `.${name}{fill:${pair[theme]}}`)
      .join("");
  return `
text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:#1f2328}
.background{fill:#ffffff}.title{font-size:18px;font-weight:600}.case{font-weight:600}
.name{text-anchor:end;font-size:11px}.figure,.missing{font-size:11px;paint-order:stroke;stroke:#ffffff;stroke-width:3px}.own{font-weight:700}
.note,.missing{fill:#59636e;font-size:11px}.tick{fill:#59636e;font-size:11px;text-anchor:middle}
.grid{stroke:#d1d9e0}.one{stroke:#0b7a5b;stroke-dasharray:3 3}
${of(0)}
@media (prefers-color-scheme: dark){text{fill:#f0f3f6}.background{fill:#0d1117}.figure,.missing{stroke:#0d1117}
.note,.missing,.tick{fill:#9198a1}.grid{stroke:#3d444d}.one{stroke:#3ddca8}${of(1)}}`;
};

function axis(top: number, bottom: number): string {
  const ticks = { "-2": "1/100", "-1": "1/10", "0": "ganvil", "1": "10×" };
  return Object.entries(ticks)
    .map(([decade, label]) => {
      const x = at(10 ** Number(decade)).toFixed(1);
      const line = `<line class="${decade === "0" ? "one" : "grid"}" x1="${x}" x2="${x}" y1="${top}" y2="${bottom}"/>`;
      return line + text(Number(x), top - 6, label, 'class="tick"');
    })
    .join("");
}

/** Text broken at spaces into lines of at most so many characters. */
export function wrapped(content: string, most: number): string[] {
  const lines = [""];
  for (const word of content.split(" ")) {
    const line = lines.at(-1)!;
    if (line.length + word.length < most) lines[lines.length - 1] = `${line} ${word}`.trim();
    else lines.push(word);
  }
  return lines;
}

/**
 * A report as one self-contained SVG file: a bar for each contestant in each headline case (in every case,
 * where there are none), as long as the logarithm of its speed beside ganvil's.
 */
export function chart({ machine, command, versions, peak, rows }: Report): string {
  const headline = rows.filter(isHeadline);
  const steps = (row: Row) => Number(row.section === stepSection);
  const shown = (headline.length > 0 ? headline : [...rows]).toSorted((a, b) => steps(b) - steps(a));
  const measured = peak === undefined ? "" : `; peak of one thread ${(peak / 1e9).toFixed(0)} GFLOP/s`;
  const notes = [
    `${machine.cpu}, ${machine.cores} cores, ${machine.runtime}${measured}`,
    `ganvil: ${versions.ganvil ?? "?"}; ${command}`,
    "Bars: speed beside ganvil's on a logarithmic axis. * part of it supplied by the benchmark.",
  ].flatMap((note) => wrapped(note, 150));
  const parts: string[] = [text(margin, 36, "ganvil beside its rivals", 'class="title"')];
  let y = 56;
  for (const note of notes) {
    parts.push(text(margin, y, note, 'class="note"'));
    y += 16;
  }
  const top = y + 22;
  y = top + 4;
  const bars: string[] = [];
  for (const row of shown) {
    bars.push(text(plot.left, y + 12, row.name, 'class="case"'));
    y += 19;
    for (const name of everyName) {
      const result = row.results[name];
      if (result === undefined) continue;
      bars.push(bar(name, result, row, y));
      y += barHeight;
    }
    y += 10;
  }
  const height = y + 10;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="Speed of ganvil and its rivals">`,
    `<style>${style()}</style>`,
    `<rect class="background" width="${width}" height="${height}" rx="8"/>`,
    ...parts,
    axis(top, y),
    ...bars,
    "</svg>\n",
  ].join("\n");
}
