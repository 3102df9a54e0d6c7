// Prints how each network's penalty differentiates on this library and on TensorFlow.js's own backends;
// with --readme, writes the README's matrix. Ends with an error where the library is not right throughout.
import { readFile, writeFile } from "node:fs/promises";
import type { Answers } from "./answers.ts";
import { ask } from "./ask.ts";
import { judge } from "./judge.ts";
import { networks } from "./networks.ts";
import { backends, countLines, type Found, faults, matrix, table } from "./report.ts";

const readme = new URL("../../README.md", import.meta.url);
const [begin, end] = ["<!-- matrix: begin -->\n", "<!-- matrix: end -->\n"];

async function writeMatrix(text: string): Promise<void> {
  const [head, rest] = (await readFile(readme, "utf8")).split(begin);
  const tail = rest?.split(end)[1];
  if (tail === undefined) throw new Error(`README.md: expected the marks ${begin.trim()} and ${end.trim()}`);
  await writeFile(readme, `${head}${begin}${text}${end}${tail}`);
}

const reference = (await ask("float64")) as unknown as { [network: string]: Answers };
const found: Found = {};
for (const backend of backends) {
  const outcomes = await ask(backend);
  found[backend] = Object.fromEntries(
    networks.map(({ name }) => [name, judge(outcomes[name], reference[name])]),
  );
}

if (process.argv.includes("--readme")) await writeMatrix(matrix(networks, found));
const faulty = faults(networks, found.ganvil);
console.log([...table(networks, found), "", ...faulty, ...countLines(networks, found)].join("\n"));
process.exitCode = faulty.length > 0 ? 1 : 0;
