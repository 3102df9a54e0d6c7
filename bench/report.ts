import type { Result, Row } from "./contest.ts";
import type { Machine } from "./machine.ts";
import type { Profile } from "./protocol.ts";
import type { ContestantName } from "./rivals/contestant.ts";
import { stepSection } from "./steps.ts";

/** What `--json` writes. */
export interface Report {
  readonly machine: Machine;
  /** That made it. */
  readonly command: string;
  /** What each contestant says of its versions. */
  readonly versions: Readonly<Partial<Record<ContestantName, string>>>;
  /** Why a contestant could not take part. */
  readonly absent: Readonly<Partial<Record<ContestantName, string>>>;
  /** FLOP/s that one thread of ganvil's build reaches in registers alone, where it can be measured. */
  readonly peak?: number;
  /** ISO 8601. */
  readonly date: string;
  readonly rows: readonly Row[];
}

export function head(
  { machine, versions, absent, peak }: Pick<Report, "machine" | "versions" | "absent" | "peak">,
  kernels: readonly string[],
): string {
  const { cpu, cores, memoryGiB, runtime, platform } = machine;
  const memory = memoryGiB === undefined ? "" : `${memoryGiB} GiB, `;
  return [
    `${cpu}, ${cores} cores, ${memory}${platform}; ${runtime}`,
    ...Object.entries(versions).map(([name, says]) => `${name}: ${says}`),
    ...Object.entries(absent).map(([name, why]) => `${name}: absent, ${why}`),
    peak === undefined
      ? "peak: not measured, this build of ganvil has no kernel for it"
      : `peak: ${rate(peak)} GFLOP/s, one thread's 128-bit units with everything in registers`,
    "Contestants run in turn; a figure is the median of the rounds, ± half their quartiles' distance;",
    "× is the rival's time over ganvil's.",
    "\nKernels",
    ...kernels.map((text) => `  ${text}`),
  ].join("\n");
}

/** Throughput or time of one result, with its spread. */
export function figure(result: Result, work: Row["work"]): string {
  if ("missing" in result) return `missing (${result.missing})`;
  if ("failed" in result) return `failed: ${result.failed.split("\n")[0]}`;
  const { seconds, best, spread, rounds, substituted } = result;
  const value =
    work === undefined
      ? `${seconds.toPrecision(3)} s (best ${best.toPrecision(3)})`
      : "flops" in work
        ? `${rate(work.flops / seconds)} GFLOP/s`
        : `${rate(work.bytes / seconds)} GB/s`;
  const varied = rounds === 1 ? "once" : `±${(spread * 100).toFixed(0)}%`;
  return `${value} ${varied}${substituted.length > 0 ? " *" : ""}`;
}

/** Part of the peak that a result reaches, as a percentage; empty where either is not known. */
export function share(result: Result, work: Row["work"], peak: number | undefined): string {
  if (peak === undefined || work === undefined || !("flops" in work) || !("seconds" in result)) return "";
  return `${((100 * work.flops) / result.seconds / peak).toFixed(0)}%`;
}

const rate = (perSecond: number): string => (perSecond / 1e9).toPrecision(3);

/** One case's lines of the report; the section's heading before its first. */
export function lines(row: Row, previous: Row | undefined, peak: number | undefined): string {
  const { section, name, work, parameters, results, ratios } = row;
  const told = Object.entries(results).map(([contestant, result]) => {
    const ratio = ratios[contestant as ContestantName];
    const times = ratio === undefined ? "" : `×${ratio.toPrecision(3)}`;
    const ofPeak = share(result, work, peak);
    const columns = [contestant.padEnd(18), figure(result, work).padEnd(32), times.padEnd(8)];
    return `    ${columns.join(" ")}${ofPeak && ` ${ofPeak} of peak`}`.trimEnd();
  });
  const trained = parameters && ` (${parameters.map((n) => n.toLocaleString("en")).join(" + ")} parameters)`;
  const heading = previous?.section === section ? "" : `\n${section}\n`;
  return [`${heading}  ${name}${trained ?? ""}`, ...told].join("\n");
}

/** What the stars of the table mean. */
export function footnotes(rows: readonly Row[]): string {
  const supplied = new Map<string, Set<ContestantName>>();
  for (const { results } of rows) {
    for (const [contestant, result] of Object.entries(results)) {
      for (const what of "substituted" in result ? result.substituted : []) {
        const names = supplied.get(what) ?? new Set();
        supplied.set(what, names.add(contestant as ContestantName));
      }
    }
  }
  const notes = [...supplied].map(
    ([what, names]) =>
      `* ${[...names].join(", ")}: the benchmark supplied ${what}, which the library lacks or computes slowly.`,
  );
  if (rows.some(({ section }) => section === stepSection)) {
    notes.push(
      "ganvil's step also keeps running statistics and the averaged generator, and checks every gradient.",
    );
  }
  return notes.join("\n");
}

/** Where a step's time goes: by kernel, then by kernel and shapes. */
export function profileTable(title: string, { secondsPerStep, bestSeconds, kernels }: Profile): string {
  const byKernel = new Map<string, { calls: number; ms: number }>();
  for (const { kernel, callsPerStep, msPerStep } of kernels) {
    const { calls, ms } = byKernel.get(kernel) ?? { calls: 0, ms: 0 };
    byKernel.set(kernel, { calls: calls + callsPerStep, ms: ms + msPerStep });
  }
  const inKernels = kernels.reduce((total, { msPerStep }) => total + msPerStep, 0);
  const totals = [...byKernel].sort(([, a], [, b]) => b.ms - a.ms);
  const row = (ms: number, calls: number, what: string) =>
    `${ms.toFixed(2).padStart(10)} ms ${((100 * ms) / inKernels).toFixed(1).padStart(6)}% ${String(calls).padStart(6)} × ${what}`;
  const speed = ({ flops, callsPerStep, msPerStep }: Profile["kernels"][number]): string =>
    flops === undefined ? "" : `, ${rate((flops * callsPerStep * 1000) / msPerStep)} GFLOP/s`;
  return [
    `\n${title}: median ${secondsPerStep.toPrecision(3)} s, best ${bestSeconds.toPrecision(3)} s; ${inKernels.toFixed(0)} ms in kernels when clocked`,
    ...totals.map(([kernel, { calls, ms }]) => row(ms, calls, kernel)),
    "  by shapes of the inputs:",
    ...kernels
      .slice(0, 25)
      .map((one) => row(one.msPerStep, one.callsPerStep, `${one.kernel} ${one.shapes}${speed(one)}`)),
  ].join("\n");
}
