import { writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { softwareGpu } from "../../tests/browser/chromium.ts";
import type { Case } from "../cases.ts";
import type { Row } from "../contest.ts";
import { machine } from "../machine.ts";
import { ContestantProcess } from "../process.ts";
import type { Introduction } from "../rivals/contestant.ts";
import { type ContestantName, gpuNames } from "../rivals/contestant.ts";
import { chosen, entrants, runCases } from "../suite.ts";
import { gpuCases, type Scale } from "./cases.ts";
import { gpuChart } from "./chart.ts";
import { type GpuReport, gpuFoot, gpuHead, gpuLines, matMulCeiling } from "./report.ts";

const others: readonly ContestantName[] = ["ganvil-one-thread", ...gpuNames];

const usage = `Usage: npm run bench:webgpu -- [options]

Times ganvil on the GPU (ganvil-webgpu) beside ganvil on Wasm (ganvil, with all threads, and ganvil-one-thread) and
TensorFlow.js's own WebGPU backend (tfjs-webgpu), kernel by kernel, over sizes, and in whole training steps, and
counts what goes to the GPU. On Linux it runs on a software GPU; with GANVIL_GPU=1, on the machine's own.

  --only NAME        only cases whose name or section contains NAME, in upper or lower case
  --rivals A,B       only these of ${others.join(", ")}
  --quick            two short rounds in place of five
  --scale NAME       full or small sizes; default: small where the GPU is computed on the CPU
  --threads N        of ganvil on Wasm; default: as many as cores
  --json FILE        also write the results there
  --svg FILE         also draw them there; default, with --json: beside it
  --programs FOLDER  contestants bundled already, as bench/gpu-pack.ts makes them
  --list             print the cases' names
  --help             this text
`;

const { values: flags } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    rivals: { type: "string", default: others.join() },
    quick: { type: "boolean", default: false },
    scale: { type: "string" },
    threads: { type: "string", default: String(availableParallelism()) },
    json: { type: "string" },
    svg: { type: "string" },
    programs: { type: "string" },
    list: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

/** What was asked for, checked. */
function settings() {
  const threads = Number(flags.threads);
  if (!Number.isInteger(threads) || threads < 1 || threads > 64) {
    throw new Error(`--threads: expected a whole number from 1 to 64, got ${flags.threads}`);
  }
  const { scale } = flags;
  if (scale !== undefined && scale !== "full" && scale !== "small") {
    throw new Error(`--scale: expected full or small, got ${scale}`);
  }
  const rivals = flags.rivals.split(",").filter(Boolean) as ContestantName[];
  for (const name of rivals) {
    if (!others.includes(name)) {
      throw new Error(`--rivals: expected names of ${others.join(", ")}, got ${name}`);
    }
  }
  return { threads, scale: scale as Scale | undefined, rivals };
}

function wantedOf(scale: Scale, rivals: readonly ContestantName[]): Case[] {
  const part = flags.only.toLowerCase();
  const cases = gpuCases(scale).filter(({ name, section }) =>
    `${section} ${name}`.toLowerCase().includes(part),
  );
  if (cases.length === 0) throw new Error(`--only: no case's name contains "${flags.only}". See --list.`);
  return chosen(cases, { only: "", rivals });
}

const running = new Map<ContestantName, ContestantProcess>();

/** Writes what there is so far: a run that is cut short leaves something. */
async function save(report: GpuReport): Promise<void> {
  if (flags.json !== undefined) await writeFile(flags.json, `${JSON.stringify(report, null, 2)}\n`);
  const svg = flags.svg ?? flags.json?.replace(/(\.json)?$/, ".svg");
  if (svg !== undefined) await writeFile(svg, gpuChart(report));
}

async function bench(): Promise<GpuReport> {
  const { threads, scale: asked, rivals } = settings();
  const versions: Partial<Record<ContestantName, string>> = {};
  const absent: Partial<Record<ContestantName, string>> = {};
  const introductions = new Map<ContestantName, Introduction>();
  const origin = { programs: flags.programs, env: await softwareGpu() };
  for (const name of entrants(wantedOf(asked ?? "small", rivals))) {
    try {
      const own = name === "ganvil-one-thread" ? 1 : threads;
      const { remote, introduction } = await ContestantProcess.open(name, { threads: own }, origin);
      running.set(name, remote);
      introductions.set(name, introduction);
      versions[name] = introduction.says;
    } catch (error) {
      absent[name] = (error as Error).message.split("\n")[0];
    }
  }
  const gpu = gpuNames.map((name) => introductions.get(name)?.gpu).find((found) => found !== undefined);
  if (gpu === undefined) throw new Error(`no GPU to measure: ${JSON.stringify(absent, null, 2)}`);
  const scale = asked ?? (gpu.software ? "small" : "full");
  const peak = introductions.get("ganvil")?.peak;
  const introduced = { machine: machine(), versions, absent, peak, gpu, threads, scale };
  console.log(gpuHead(introduced));
  const wanted = wantedOf(scale, rivals);
  const rows: Row[] = [];
  const command = `npm run bench:webgpu -- ${process.argv.slice(2).join(" ")}`.trim();
  const soFar = (): GpuReport => ({ ...introduced, command, date: new Date().toISOString(), rows });
  const begin = ({ name }: Case) => console.error(`${rows.length + 1}/${wanted.length} ${name}`);
  for await (const row of runCases(wanted, running, { quick: flags.quick, begin, own: "ganvil-webgpu" })) {
    console.log(gpuLines(row, rows.at(-1), matMulCeiling([...rows, row])));
    rows.push(row);
    await save(soFar());
  }
  console.log(`\n${gpuFoot(soFar())}`);
  return soFar();
}

async function main(): Promise<void> {
  if (flags.help) return console.log(usage);
  if (flags.list) {
    const { scale = "full", rivals } = settings();
    return console.log(
      wantedOf(scale, rivals)
        .map(({ name }) => name)
        .join("\n"),
    );
  }
  try {
    const report = await bench();
    if (report.rows.some(({ results }) => Object.values(results).some((result) => "failed" in result))) {
      process.exitCode = 1;
    }
  } finally {
    for (const contestant of running.values()) contestant.close();
  }
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
