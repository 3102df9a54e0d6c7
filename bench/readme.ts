// Writes the README's table of speeds from a file that `npm run bench -- --json FILE` made.
import { readFile, writeFile } from "node:fs/promises";
import type { Result, Row } from "./contest.ts";
import { figure, type Report } from "./report.ts";

const readme = new URL("../README.md", import.meta.url);
const [begin, end] = ["<!-- bench: begin -->\n", "<!-- bench: end -->\n"];

/** Cases that a reader decides by; the JSON has them all. */
const shown = (name: string): boolean =>
  /^DCGAN|^matMul 512³ AB$|^conv2d (4x4 s2|3x3 s1 (64|128) @|depthwise).*(@32|@16|@8) |^batch norm|^leakyRelu$|^Adam/.test(
    name,
  ) && !name.includes("batch 2");

const cell = (result: Result | undefined, work: Row["work"]): string =>
  result === undefined ? "" : figure(result, work).replace(/ \*$/, " \\*");

/** The table in Markdown, with the machine and the command above it. */
export function table({ machine, versions, rows }: Report, file: string): string {
  const { cpu, cores, node } = machine;
  const ratio = (row: Row): string => {
    const times = row.ratios["tfjs-wasm"];
    return times === undefined ? "" : `${times.toFixed(1)}×`;
  };
  return [
    `\`npm run bench -- --json ${file}\` on ${cpu}, ${cores} cores, Node ${node}, one thread each: medians of interleaved`,
    `rounds. ganvil is ${versions.ganvil}; its rival ${versions["tfjs-wasm"]}.`,
    "",
    "| batch 16 unless said | ganvil | TensorFlow.js wasm | ganvil is faster by |",
    "|---|---|---|---|",
    ...rows
      .filter(({ name }) => shown(name))
      .map((row) => {
        const { ganvil, "tfjs-wasm": wasm } = row.results;
        return `| ${row.name} | ${cell(ganvil, row.work)} | ${cell(wasm, row.work)} | ${ratio(row)} |`;
      }),
    "",
    "\\* The rival lacks the kernel that gives the filter's gradient; the benchmark supplies it by a convolution.",
    "",
  ].join("\n");
}

const file = process.argv[2];
if (file === undefined) throw new Error("Usage: npm run bench:readme -- FILE.json");
const report: Report = JSON.parse(await readFile(file, "utf8"));
const text = await readFile(readme, "utf8");
const [head, rest] = text.split(begin);
const tail = rest?.split(end)[1];
if (tail === undefined) throw new Error(`README.md: expected the marks ${begin.trim()} and ${end.trim()}`);
await writeFile(readme, `${head}${begin}${table(report, file)}${end}${tail}`);
