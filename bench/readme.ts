// Writes the README's table of speeds from a file that `npm run bench -- --json FILE` made.
import { readFile, writeFile } from "node:fs/promises";
import { isHeadline } from "./chart.ts";
import type { Row } from "./contest.ts";
import { figure, footnotes, type Report, share } from "./report.ts";
import { type ContestantName, contestantNames } from "./rivals/contestant.ts";

const readme = new URL("../README.md", import.meta.url);
const [begin, end] = ["<!-- bench: begin -->\n", "<!-- bench: end -->\n"];

/** Columns of the table; the JSON has all contestants. */
const columns = contestantNames.filter((name) => name !== "tfjs-cpu");

/** A figure, and how many times ganvil's time the rival took. */
function cell({ results, ratios, work }: Row, name: ContestantName, peak: number | undefined): string {
  const result = results[name];
  if (result === undefined) return "";
  if ("missing" in result) return "missing";
  const said = figure(result, work)
    .replace(/ \(best.*?\)/, "")
    .replace(/ \*$/, " \\*");
  const ratio = ratios[name];
  const times = ratio === undefined ? "" : `, ${ratio.toPrecision(2)}×`;
  const ofPeak = name === "ganvil" ? share(result, work, peak) : "";
  return `${said}${times}${ofPeak && `, ${ofPeak} of peak`}`;
}

/** Why contestants are missing, once for each reason. */
function reasons(rows: readonly Row[]): string[] {
  const missing = new Set(
    rows.flatMap(({ results }) =>
      columns.flatMap((name) => {
        const result = results[name];
        return result !== undefined && "missing" in result ? [`${name}: ${result.missing}`] : [];
      }),
    ),
  );
  return missing.size === 0 ? [] : [`Missing: ${[...missing].join("; ")}.`];
}

/** The table in Markdown, with the machine and the command above it. */
export function table({ machine, command, versions, absent, peak, rows }: Report, picture?: string): string {
  const { cpu, cores, runtime } = machine;
  const shown = rows.filter(isHeadline);
  const present = columns.filter((name) => shown.some(({ results }) => results[name] !== undefined));
  return [
    `\`${command}\` on ${cpu}, ${cores} cores, ${runtime}: medians of interleaved rounds, ± half their`,
    "quartiles' distance; × is the rival's time over ganvil's. A batch is of 16 unless said.",
    ...(peak === undefined
      ? []
      : [
          `The peak, ${(peak / 1e9).toFixed(0)} GFLOP/s, is what one thread's 128-bit units reach in registers alone.`,
        ]),
    "",
    ...(picture === undefined ? [] : [`![Speed of ganvil and its rivals](${picture})`, ""]),
    `| | ${present.join(" | ")} |`,
    `|---|${present.map(() => "---|").join("")}`,
    ...shown.map((row) => `| ${row.name} | ${present.map((name) => cell(row, name, peak)).join(" | ")} |`),
    "",
    ...Object.entries(versions).map(([name, says]) => `- ${name}: ${says}`),
    ...Object.entries(absent).map(([name, why]) => `- ${name}: absent, ${why}`),
    "",
    ...[...reasons(shown), ...footnotes(shown).split("\n")]
      .filter(Boolean)
      .map((note) => note.replace(/^\*/, "\\*")),
    "",
  ].join("\n");
}

const file = process.argv[2];
if (file === undefined) throw new Error("Usage: npm run bench:readme -- FILE.json [FILE.svg]");
const report: Report = JSON.parse(await readFile(file, "utf8"));
const text = await readFile(readme, "utf8");
const [head, rest] = text.split(begin);
const tail = rest?.split(end)[1];
if (tail === undefined) throw new Error(`README.md: expected the marks ${begin.trim()} and ${end.trim()}`);
await writeFile(readme, `${head}${begin}${table(report, process.argv[3])}${end}${tail}`);
