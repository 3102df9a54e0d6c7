import type { Placement } from "../../src/backend/placement.ts";
import type { Result, Row } from "../contest.ts";
import type { GpuFigures } from "../protocol.ts";
import { figure, footnotes, type Report } from "../report.ts";
import { type ContestantName, gpuNames } from "../rivals/contestant.ts";
import type { Scale } from "./cases.ts";

/** What `npm run bench:webgpu -- --json FILE` writes; ratios compare with ganvil on the GPU. */
export interface GpuReport extends Report {
  readonly gpu: {
    readonly adapter: string;
    /** It is computed on the CPU: counts and JavaScript's times are the same as on another, its speed is not. */
    readonly software: boolean;
    /** FLOP/s of multiplications and additions in registers alone. */
    readonly peak?: number;
    /** Of Wasm with all threads, and of the GPU: what ganvil's choice of a device goes by. */
    readonly placement?: Placement;
  };
  readonly threads: number;
  readonly scale: Scale;
}

/** What times on the GPU leave out. */
export const gpuTerm =
  "Times on the GPU end when it is done with many calls enqueued one after another, and exclude reading results back; a step includes the read of its losses, a few bytes, which a training loop waits for.";

/** What a figure is, and what it leaves out. */
export const terms = [
  "A figure is the median of interleaved rounds, ± half their quartiles' distance; × is the time over that of ganvil-webgpu.",
  gpuTerm,
  "gpu: the passes by the GPU's own clock; js: JavaScript until the call is back (the least of some), in full and for each dispatch.",
];

const isGpu = (name: string): boolean => (gpuNames as readonly string[]).includes(name);

/** FLOP/s of the fastest large matrix product on the GPU: what its convolutions can hope for. */
export function matMulCeiling(rows: readonly Row[]): number | undefined {
  const rates = rows.flatMap(({ name, work, results }) =>
    name.startsWith("matMul") && work !== undefined && "flops" in work
      ? Object.entries(results).flatMap(([who, result]) =>
          isGpu(who) && "seconds" in result && result.gpu?.onWasm.length === 0
            ? [work.flops / result.seconds]
            : [],
        )
      : [],
  );
  return rates.length === 0 ? undefined : Math.max(...rates);
}

const teraflops = (rate: number): string =>
  rate < 1e12 ? `${(rate / 1e9).toPrecision(3)} GFLOP/s` : `${(rate / 1e12).toPrecision(3)} TFLOP/s`;

/** A duration in the unit that suits it. */
export function duration(seconds: number): string {
  if (seconds >= 1) return `${seconds.toPrecision(3)} s`;
  return seconds >= 1e-3 ? `${(seconds * 1e3).toPrecision(3)} ms` : `${(seconds * 1e6).toPrecision(3)} µs`;
}

/** A number of bytes in the unit that suits it. */
function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1e6 ? `${(bytes / 1024).toPrecision(3)} KB` : `${(bytes / 2 ** 20).toPrecision(3)} MB`;
}

const many = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

/** What one call makes of the GPU, in a line. */
export function gpuLine(figures: GpuFigures): string {
  const { dispatches, submits, uploads, uploadedBytes, reads, readBytes } = figures;
  const { jsSeconds, gpuSeconds, onWasm } = figures;
  const each = dispatches > 0 ? ` (${duration(jsSeconds / dispatches)} a dispatch)` : "";
  return [
    ...(gpuSeconds === undefined ? [] : [`gpu ${duration(gpuSeconds)}`]),
    `js ${duration(jsSeconds)}${each}`,
    ...[many(dispatches, "dispatch").replace("dispatchs", "dispatches"), many(submits, "submit")],
    `${many(uploads, "upload")} of ${size(uploadedBytes)}`,
    `${many(reads, "read")} of ${size(readBytes)}`,
    ...(onWasm.length === 0 ? [] : [`on Wasm: ${onWasm.join(", ")}`]),
  ].join(", ");
}

export function gpuHead(
  report: Pick<GpuReport, "machine" | "versions" | "absent" | "peak" | "gpu" | "threads">,
): string {
  const { machine, versions, absent, peak, gpu, threads } = report;
  return [
    `${machine.cpu}, ${machine.cores} cores, ${machine.platform}; ${machine.runtime}`,
    `GPU: ${gpu.adapter}${gpu.software ? ", computed on the CPU: only counts and JavaScript's times mean anything" : ""}`,
    ...(gpu.peak === undefined
      ? []
      : [`peak: ${teraflops(gpu.peak)} float32, the GPU with everything in registers`]),
    ...(peak === undefined ? [] : [`peak: ${teraflops(peak)}, one thread's 128-bit units, of ${threads}`]),
    ...Object.entries(versions).map(([name, says]) => `${name}: ${says}`),
    ...Object.entries(absent).map(([name, why]) => `${name}: absent, ${why}`),
    ...terms,
  ].join("\n");
}

/** The part of the ceiling that a result on the GPU reaches, as a percentage; empty where it is not known. */
export function ofCeiling(
  name: string,
  result: Result,
  work: Row["work"],
  ceiling: number | undefined,
): string {
  if (!isGpu(name) || ceiling === undefined || !("seconds" in result)) return "";
  if (work === undefined || !("flops" in work)) return "";
  return `${((100 * work.flops) / result.seconds / ceiling).toFixed(0)}% of ceiling`;
}

/** One case's lines; the section's heading before its first. */
export function gpuLines(row: Row, previous: Row | undefined, ceiling: number | undefined): string {
  const { section, name, work, parameters, results, ratios } = row;
  const told = Object.entries(results).flatMap(([who, result]) => {
    const ratio = ratios[who as ContestantName];
    const time = "seconds" in result && work !== undefined ? duration(result.seconds) : "";
    const times = ratio === undefined ? "" : `×${ratio.toPrecision(3)}`;
    const part = name.startsWith("conv2d") ? ofCeiling(who, result, work, ceiling) : "";
    const columns = [who.padEnd(18), figure(result, work).padEnd(26), time.padEnd(9), times.padEnd(8), part];
    const line = `    ${columns.join(" ").trimEnd()}`;
    return "gpu" in result && result.gpu ? [line, `${" ".repeat(23)}${gpuLine(result.gpu)}`] : [line];
  });
  const trained = parameters && ` (${parameters.map((n) => n.toLocaleString("en")).join(" + ")} parameters)`;
  const heading = previous?.section === section ? "" : `\n${section}\n`;
  return [`${heading}  ${name}${trained ?? ""}`, ...told].join("\n");
}

export function gpuFoot({ rows, gpu }: Pick<GpuReport, "rows" | "gpu">): string {
  const ceiling = matMulCeiling(rows);
  const ofPeak = gpu.peak && ceiling ? `, ${((100 * ceiling) / gpu.peak).toFixed(0)}% of the peak` : "";
  return [
    ...(ceiling === undefined
      ? []
      : [`ceiling: ${teraflops(ceiling)}, the fastest matrix product of these on the GPU${ofPeak}`]),
    footnotes(rows),
  ]
    .filter(Boolean)
    .join("\n");
}
