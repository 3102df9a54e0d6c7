import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { SingleBar } from "cli-progress";
import { type Case, cases } from "./cases.ts";
import { chart } from "./chart.ts";
import type { Row } from "./contest.ts";
import { machine } from "./machine.ts";
import { findPython, NativeProcess, nativeNames } from "./native-process.ts";
import { ContestantProcess } from "./process.ts";
import type { Remote } from "./protocol.ts";
import { footnotes, head, lines, profileTable, type Report } from "./report.ts";
import { type ContestantName, contestantNames, type StartOptions } from "./rivals/contestant.ts";
import { stepCases } from "./steps.ts";
import { chosen, entrants, runCases } from "./suite.ts";

const rivalNames: readonly ContestantName[] = contestantNames.slice(1);

const usage = `Usage: npm run bench -- [options]

Times ganvil beside its rivals, kernel by kernel and in whole training steps. Rivals: ${rivalNames.join(", ")}.
PyTorch takes part where a Python has it: the one that GANVIL_PYTHON names, else python3 or /usr/bin/python3.

  --only NAME    only cases whose name contains NAME, in upper or lower case
  --rivals A,B   only these rivals; "none" for none
  --quick        two short rounds in place of five
  --threads N    threads of those contestants that have any; default 1
  --build NAME   ganvil's kernels: simd or relaxed; default: the fastest that runs
  --json FILE    also write the results there
  --svg FILE     also draw them there; default, with --json: beside it
  --profile      time ganvil's training steps by kernel, and nothing else
  --list         print the cases' names
  --help         this text
`;

const { values: flags } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    rivals: { type: "string" },
    quick: { type: "boolean", default: false },
    threads: { type: "string", default: "1" },
    build: { type: "string" },
    json: { type: "string" },
    svg: { type: "string" },
    profile: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const running = new Map<ContestantName, Remote<ContestantName>>();

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

/** What a report says of its contestants. */
type Introduced = Pick<Report, "versions" | "absent" | "peak">;

/** Starts contestants and prints the head of the report. */
async function start(names: readonly ContestantName[], options: StartOptions): Promise<Introduced> {
  const versions: Partial<Record<ContestantName, string>> = {};
  const absent: Partial<Record<ContestantName, string>> = {};
  let kernels: readonly string[] = [];
  let peak: number | undefined;
  const python = names.some((name) => nativeNames.includes(name)) ? await findPython() : undefined;
  for (const name of names) {
    bar.update({ name: `starting ${name}` });
    if (nativeNames.includes(name) && python === undefined) {
      absent[name] = "no Python with PyTorch and NumPy found";
      continue;
    }
    const { remote, introduction } = nativeNames.includes(name)
      ? await NativeProcess.open(name, python!, options)
      : await ContestantProcess.open(name, options);
    running.set(name, remote);
    versions[name] = introduction.says;
    kernels = introduction.catalogue ?? kernels;
    peak ??= introduction.peak;
  }
  print(head({ machine: machine(), versions, absent, peak }, kernels));
  return { versions, absent, peak };
}

async function bench(wanted: readonly Case[], options: StartOptions): Promise<Report> {
  bar.start(wanted.length, 0, { name: "" });
  const introduced = await start(entrants(wanted), options);
  const rows: Row[] = [];
  const begin = ({ name }: Case) => bar.update(rows.length, { name });
  for await (const row of runCases(wanted, running, { quick: flags.quick, begin })) {
    print(lines(row, rows.at(-1), introduced.peak));
    rows.push(row);
  }
  bar.stop();
  console.log(`\n${footnotes(rows)}`);
  const command = `npm run bench -- ${process.argv.slice(2).join(" ")}`.trim();
  return { machine: machine(), command, ...introduced, date: new Date().toISOString(), rows };
}

async function profile(options: StartOptions): Promise<void> {
  bar.start(stepCases.length, 0, { name: "" });
  await start(["ganvil"], options);
  for (const [i, { name }] of stepCases.entries()) {
    bar.update(i, { name });
    const steps = flags.quick ? 2 : 10;
    const { profile } = await running.get("ganvil")!.ask({ ask: "profile", name, steps });
    print(profileTable(name, profile));
  }
}

function rivalsOf(list: string): ContestantName[] {
  const names = list.split(",").filter((name) => name !== "none" && name !== "");
  for (const name of names) {
    if (!rivalNames.includes(name as ContestantName)) {
      throw new Error(`--rivals: expected names of ${rivalNames.join(", ")}, got ${name}`);
    }
  }
  return names as ContestantName[];
}

async function main(): Promise<void> {
  const { build } = flags;
  if (build !== undefined && build !== "simd" && build !== "relaxed") {
    throw new Error(`--build: expected simd or relaxed, got ${build}`);
  }
  const threads = Number(flags.threads);
  if (!Number.isInteger(threads) || threads < 1) {
    throw new Error(`--threads: expected a whole number above 0, got ${flags.threads}`);
  }
  const rivals = flags.rivals === undefined ? undefined : rivalsOf(flags.rivals);
  const wanted = chosen(cases, { only: flags.only, rivals });
  if (flags.help) return console.log(usage);
  if (flags.list) return console.log(wanted.map(({ name }) => name).join("\n"));
  if (wanted.length === 0) throw new Error(`--only: no case's name contains "${flags.only}". See --list.`);
  try {
    if (flags.profile) return await profile({ build, threads });
    const report = await bench(wanted, { build, threads });
    if (flags.json !== undefined) await writeFile(flags.json, `${JSON.stringify(report, null, 2)}\n`);
    const svg = flags.svg ?? flags.json?.replace(/(\.json)?$/, ".svg");
    if (svg !== undefined) await writeFile(svg, chart(report));
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
