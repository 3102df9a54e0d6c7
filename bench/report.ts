import type { Result, Row } from "./contest.ts";
import type { Machine } from "./machine.ts";
import type { Profile } from "./protocol.ts";
import type { ContestantName } from "./rivals/contestant.ts";
import { stepSection } from "./steps.ts";

/** What `--json` writes. */
export interface Report {
  readonly machine: Machine;
  /** What each contestant says of its versions. */
  readonly versions: Readonly<Partial<Record<ContestantName, string>>>;
  /** ISO 8601. */
  readonly date: string;
  readonly rows: readonly Row[];
}

export function head({
  machine,
  versions,
  kernels,
}: Pick<Report, "machine" | "versions"> & { readonly kernels: readonly string[] }): string {
  const { cpu, cores, memoryGiB, node, v8, platform } = machine;
  return [
    `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${platform}; Node ${node}, V8 ${v8}`,
    ...Object.entries(versions).map(([name, says]) => `${name}: ${says}`),
    "One thread each. Contestants run in turn; the figure is the median of the rounds, ± half their quartiles' distance;",
    "× is the rival's time over ganvil's.",
    "\nKernels",
    ...kernels.map((text) => `  ${text}`),
  ].join("\n");
}

/** Throughput or time of one result, with its spread. */
export function figure(result: Result, work: Row["work"]): string {
  if ("missing" in result) return `missing (${result.missing})`;
  if ("failed" in result) return `failed: ${result.failed.split("\n")[0]}`;
  const { seconds, best, spread, substituted } = result;
  const value =
    work === undefined
      ? `${seconds.toPrecision(3)} s (best ${best.toPrecision(3)})`
      : "flops" in work
        ? `${rate(work.flops / seconds)} GFLOP/s`
        : `${rate(work.bytes / seconds)} GB/s`;
  return `${value} ±${(spread * 100).toFixed(0)}%${substituted.length > 0 ? " *" : ""}`;
}

const rate = (perSecond: number): string => (perSecond / 1e9).toPrecision(3);

/** One line of the table; the section's heading before its first row. */
export function line(row: Row, previous: Row | undefined): string {
  const { section, name, work, results, ratios } = row;
  const cells = Object.entries(results).map(([contestant, result]) => {
    const ratio = ratios[contestant as ContestantName];
    const times = ratio === undefined ? "" : ` (×${ratio.toPrecision(3)})`;
    return `${contestant} ${figure(result, work)}${times}`.padEnd(42);
  });
  const heading = previous?.section === section ? "" : `\n${section}\n`;
  return `${heading}  ${name.padEnd(54)} ${cells.join("  ").trimEnd()}`;
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
    ([what, names]) => `* ${[...names].join(", ")} lacks a kernel; the benchmark supplied ${what}.`,
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
