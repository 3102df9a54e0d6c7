import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { SingleBar } from "cli-progress";
import { type Case, cases } from "./cases.ts";
import { type Effort, type Row, runCase } from "./contest.ts";
import { machine } from "./machine.ts";
import { ContestantProcess } from "./process.ts";
import { footnotes, head, line, profileTable, type Report } from "./report.ts";
import type { ContestantName, StartOptions } from "./rivals/contestant.ts";
import { dcganShape, stepCases } from "./steps.ts";

const usage = `Usage: npm run bench -- [options]

Times ganvil beside TensorFlow.js's wasm backend (and, at small sizes, its cpu backend): kernel by kernel and
in whole training steps.

  --only NAME    only cases whose name contains NAME, in upper or lower case
  --quick        two short rounds in place of five
  --json FILE    also write the results there
  --build NAME   ganvil's kernels: simd or relaxed; default: the fastest that runs
  --threads N    ganvil's threads; default 1, as its rivals
  --profile      time ganvil's training steps by kernel, and nothing else
  --list         print the cases' names
  --help         this text
`;

const { values: flags } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    quick: { type: "boolean", default: false },
    json: { type: "string" },
    build: { type: "string" },
    threads: { type: "string", default: "1" },
    profile: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

/** Steps take seconds with some rivals: one sample a round may have to do. */
const effortOf = (one: Case): Effort =>
  flags.quick ? { rounds: 2, seconds: 0.05 } : { rounds: 5, seconds: stepCases.includes(one) ? 1 : 0.2 };

const running = new Map<ContestantName, ContestantProcess>();

/** Shows how far the run is on the error stream, so that the output can be kept in a file. */
const bar = new SingleBar({
  format: "{bar} {value}/{total} {name}",
  stream: process.stderr,
  clearOnComplete: true,
  hideCursor: true,
});

/** Prints above the bar. */
function print(text: string): void {
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  console.log(text);
}

/** Starts contestants and prints the head of the report. */
async function start(names: readonly ContestantName[], options: StartOptions): Promise<Report["versions"]> {
  const versions: Partial<Record<ContestantName, string>> = {};
  const kernels: string[] = [];
  for (const name of names) {
    bar.update({ name: `starting ${name}` });
    const { process, says, catalogue = [] } = await ContestantProcess.open(name, options);
    running.set(name, process);
    versions[name] = says;
    kernels.push(...catalogue);
  }
  print(head({ machine: machine(), versions, kernels }));
  return versions;
}

async function bench(wanted: readonly Case[], options: StartOptions): Promise<Report> {
  bar.start(wanted.length, 0, { name: "" });
  const rivals = new Set(wanted.flatMap((one) => one.rivals));
  const versions = await start(["ganvil", ...rivals], options);
  const rows: Row[] = [];
  for (const one of wanted) {
    bar.update(rows.length, { name: one.name });
    const contestants = (["ganvil", ...one.rivals] as const).map((name) => running.get(name)!);
    const row = await runCase(one, contestants, effortOf(one));
    print(line(row, rows.at(-1)));
    rows.push(row);
  }
  bar.stop();
  console.log(`\n${footnotes(rows)}`);
  return { machine: machine(), versions, date: new Date().toISOString(), rows };
}

async function profile(options: StartOptions): Promise<void> {
  const batches = [16, 64];
  bar.start(batches.length, 0, { name: "" });
  await start(["ganvil"], options);
  for (const [i, batch] of batches.entries()) {
    const title = `DCGAN 32×32 step, batch ${batch}`;
    bar.update(i, { name: title });
    const request = { shape: dcganShape(batch), steps: flags.quick ? 2 : 10 };
    const answer = await running.get("ganvil")!.ask({ ask: "profile", ...request });
    print(profileTable(title, answer.profile));
  }
}

async function main(): Promise<void> {
  const { build } = flags;
  if (build !== undefined && build !== "simd" && build !== "relaxed") {
    throw new Error(`--build: expected simd or relaxed, got ${build}`);
  }
  const threads = Number(flags.threads);
  if (!(Number.isInteger(threads) && threads >= 1)) {
    throw new Error(`--threads: expected a whole number of at least 1, got ${flags.threads}`);
  }
  const part = flags.only.toLowerCase();
  const wanted = cases.filter(({ name }) => name.toLowerCase().includes(part));
  if (flags.help) return console.log(usage);
  if (flags.list) return console.log(wanted.map(({ name }) => name).join("\n"));
  if (wanted.length === 0) throw new Error(`--only: no case's name contains "${flags.only}". See --list.`);
  try {
    if (flags.profile) return await profile({ build, threads });
    const report = await bench(wanted, { build, threads });
    if (flags.json !== undefined) await writeFile(flags.json, `${JSON.stringify(report, null, 2)}\n`);
    if (report.rows.some(({ results }) => Object.values(results).some((result) => "failed" in result))) {
      process.exitCode = 1;
    }
  } finally {
    bar.stop();
    for (const contestant of running.values()) contestant.close();
  }
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
