import {
  densityCoverage,
  type Features,
  floor,
  frechetDistance,
  kernelDistance,
  type Measure,
  memorization,
  precisionRecall,
  twoSampleTest,
} from "../metrics/index.ts";

/** How the figures of a metric read. */
const meanings: Readonly<Record<string, string>> = {
  KID: "0 is best: how far they are from the pictures as a whole",
  FD: "0 is best: likewise, by mean and spread",
  precision: "1 is best: part of them that could be one of the pictures",
  recall: "1 is best: part of the pictures that could be one of them",
  density: "1 is best: how close they lie around the pictures",
  coverage: "1 is best: part of the pictures that one of them is near to",
  C2ST: "0.5 is best: how often a small classifier tells them from the pictures",
  memorization: "0.5 is best; near 1: they copy what was trained on",
};

/** Metrics of samples against real pictures. */
type Metrics = (samples: Features, real: Features) => Promise<readonly Measure[]>;

/** Those that also two halves of the real pictures can be held against each other by. */
const ofTwoSets: readonly Metrics[] = [
  async (samples, real) => [await kernelDistance(samples, real)],
  async (samples, real) => [frechetDistance(samples, real)],
  async (samples, real) => Object.values(await precisionRecall(samples, real)),
  async (samples, real) => Object.values(await densityCoverage(samples, real)),
  async (samples, real) => [await twoSampleTest(samples, real)],
];

/** What a metric came to, and what it comes to between halves of the real pictures. */
interface Figure extends Pick<Measure, "metric" | "value" | "interval"> {
  readonly ofHalves?: number;
}

/** What metrics came to. */
export interface Figures {
  readonly figures: readonly Figure[];
  /** Why others could not be measured. */
  readonly refused: readonly string[];
}

/**
 * Everything that can be said of samples; what there are too few pictures for is named.
 * @param heldOut of pictures that were not trained on, to tell copies by
 */
export async function judged(
  samples: Features,
  real: Features,
  heldOut: Features | undefined,
): Promise<Figures> {
  const figures: Figure[] = [];
  const refused: string[] = [];
  const add = (found: readonly Measure[] | RangeError, ofHalves: readonly Measure[] = []): void => {
    if (found instanceof RangeError) refused.push(found.message);
    else {
      for (const [i, { metric, value, interval }] of found.entries()) {
        figures.push({ metric, value, interval, ofHalves: ofHalves[i]?.value });
      }
    }
  };
  for (const metrics of ofTwoSets) {
    const halves = await unlessRefused(floor(real, metrics));
    add(await unlessRefused(metrics(samples, real)), halves instanceof RangeError ? [] : halves);
  }
  if (heldOut !== undefined) {
    add(await unlessRefused(memorization(samples, real, heldOut).then((found) => [found])));
  }
  return { figures, refused };
}

/** What it comes to, or that there are too few pictures for it. */
const unlessRefused = <T>(measured: Promise<T>): Promise<T | RangeError> =>
  measured.catch((error) => {
    if (error instanceof RangeError) return error;
    throw error;
  });

const inDigits = (value: number | undefined): string => value?.toFixed(value < 0.1 ? 4 : 3) ?? "";

/** A line a figure, for a console. */
export function inTable({ figures, refused }: Figures): string {
  const rows = figures.map(({ metric, value, interval, ofHalves }) => {
    const [name] = metric.split("-");
    const range = interval?.map(inDigits).join(" to ") ?? "";
    return [name, inDigits(value), range, inDigits(ofHalves), meanings[name]];
  });
  const all = [["", "value", "95 %", "halves*", ""], ...rows];
  const widths = all[0].map((_, column) => Math.max(...all.map((row) => row[column].length)));
  const lines = all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]))
      .join("  ")
      .trimEnd(),
  );
  return [...lines, "", "* of one half of the pictures against the other", ...refused, ""].join("\n");
}
